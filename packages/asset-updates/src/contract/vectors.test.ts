import { UnexpectedJsonError } from '@hotpatch/protocol'
import type { CheckAnswer, ToldCheck } from '@hotpatch/client'
import { createMemoryFiles } from '@hotpatch/client/memory'
import { createNodeCrypto, createNodeHttp, systemClock } from '@hotpatch/client/node'
import { expect, test } from 'vitest'
import vectors from '../../../../vectors/asset-updates-client.json' with { type: 'json' }
import serverVectors from '../../../../vectors/dialects/asset-updates/answers.json' with { type: 'json' }
import { OTAUpdateManager } from '../manager/ota-update-manager.ts'
import { PROJECT, sha256Of, startAssetServer } from '../testing/asset-server.ts'
import { assetUpdatesContract } from './asset-updates-contract.ts'

/** Of what a client knows, as the engine tells it. */
function toldBy(knows: Record<string, unknown>): ToldCheck {
  const pick = (names: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(names).flatMap(([name, to]) => (knows[name] === undefined ? [] : [[to, knows[name]]])),
    )
  const same = (...names: string[]) => pick(Object.fromEntries(names.map((name) => [name, name])))
  return {
    device: pick({ projectId: 'appId', deviceId: 'deviceId', platform: 'platform', channel: 'channel' }),
    binary: same('nativeVersion', 'nativeBuild', 'runtimeVersion'),
    version: knows.currentVersion ?? knows.nativeVersion,
    ...pick({ currentUpdateId: 'releaseId' }),
    failedReleaseIds: knows.failedUpdateIds ?? [],
    cohorts: knows.cohorts ?? [],
    attributes: same('osVersion', 'model', 'locale'),
    trust: {
      ...same('highestSequence', 'floor', 'trustedKeys', 'embeddedBuiltAt'),
      ...pick({ heldUpdateId: 'heldReleaseId' }),
    },
  } as unknown as ToldCheck
}

test.each(vectors.requests)('told: $comment', ({ knows, body }) => {
  expect(assetUpdatesContract.writeCheck(toldBy(knows))).toEqual(body)
})

function readsOf(answer: CheckAnswer): object {
  switch (answer.kind) {
    case 'offer': {
      const { releaseId: id, version, mandatory: isMandatory, notes, fileUrl, expectedBytes } = answer.offer
      const { bundleUrl: listUrl, sha256: listSha256, sizeBytes: listSizeBytes } = answer.offer
      const { statement, statementSignature } = answer.offer
      const signed = { statement, statementSignature }
      const list = { listUrl, listSha256, listSizeBytes }
      return { kind: 'offer', id, version, isMandatory, notes, ...list, fileUrl, expectedBytes, ...signed }
    }
    case 'embedded': {
      const { mandatory: isMandatory, ...order } = answer.order
      return { kind: 'embedded', isMandatory, ...order }
    }
    case 'nothing': {
      const { nativeUpdate: native, reason } = answer
      const nativeUpdate = native && { minNativeVersion: native.minNativeVersion, updateId: native.releaseId }
      return { kind: 'nothing', reason, nativeUpdate }
    }
  }
}

test.each(vectors.answers)('read: $comment', ({ answer, reads, error }) => {
  if (reads) return expect(readsOf(assetUpdatesContract.readAnswer(answer))).toEqual(reads)
  let pointer: string | undefined
  try {
    assetUpdatesContract.readAnswer(answer)
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    ;({ pointer } = cause)
  }
  expect(pointer).toBe(error)
})

const answered = serverVectors.cases.flatMap(({ comment, expected }) => (expected ? [{ comment, expected }] : []))

test.each(answered)('what the server writes is read: $comment', ({ expected }) => {
  const answer = assetUpdatesContract.readAnswer(expected)
  if (!expected.updateAvailable) return expect(answer.kind).toBe(expected.rollBackTo ? 'embedded' : 'nothing')
  const { id: releaseId, version, list, fileUrl, isMandatory: mandatory } = expected.update ?? expect.unreachable()
  const offer = { releaseId, version, sha256: list.sha256, bundleUrl: list.url, fileUrl, mandatory }
  expect(answer).toMatchObject({ kind: 'offer', offer })
})

test.each(vectors.deltas)('fetched: $comment', async ({ installed, update, fetched, ...rest }) => {
  const server = await startAssetServer()
  try {
    const files = createMemoryFiles()
    const boot = async () => {
      const host = { nativeVersion: '1.0.0', platform: 'linux' }
      const ports = { files, http: createNodeHttp(), crypto: createNodeCrypto(), clock: systemClock(), host }
      const manager = new OTAUpdateManager(ports, {
        serverUrl: server.url,
        projectId: PROJECT,
        deviceId: 'device-1',
        publicKeys: [server.publicKey],
        allowInsecure: 'loopback',
      })
      await manager.start()
      await manager.confirm()
      return manager
    }
    const take = async (manager: OTAUpdateManager) => manager.downloadAndInstallUpdate(await manager.checkForUpdate())
    for (const [index, texts] of installed.entries()) {
      server.target = server.publish(`1.${index}.0`, index + 1, texts)
      await take(await boot())
      await boot()
    }
    const manager = await boot()
    for (const [path, text] of Object.entries(rest.damaged ?? {})) {
      await files.write(`ota/${path}`, Buffer.from(text))
    }
    const wanted = update as unknown as Record<string, string>
    server.target = server.publish('2.0.0', 100, wanted)
    server.sent.clear()
    expect(await take(manager)).toMatchObject({ kind: 'ready' })
    const digests = fetched.map((path) => sha256Of(Buffer.from(wanted[path] ?? expect.unreachable())))
    expect([...server.sent.keys()].toSorted()).toEqual([server.target.listSha256, ...digests].toSorted())
    const tree = files.tree('ota/pending/files')
    tree?.delete('.hotpatch.json')
    expect(tree).toEqual(
      new Map(Object.entries(wanted).map(([path, text]) => [path, new Uint8Array(Buffer.from(text))])),
    )
  } finally {
    await server.stop()
  }
})
