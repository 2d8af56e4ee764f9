import {
  attributeKind,
  compileEdgeCatalog,
  DEVICE_ATTRIBUTE_NAMES,
  decideAtEdge,
  hexFromBytes,
  MAX_EDGE_CATALOG_BYTES,
  readEdgeCatalog,
  timeOf,
  type CompiledEdgeCatalog,
  type Decision,
  type Device,
  type DeviceAttributes,
  type EdgeCatalogRelease,
  type EdgeKeyDocument,
  type EdgePointer,
} from '@hotpatch/protocol'
import type { Ports } from '../ground/ports.ts'
import type { Settings } from '../ground/settings.ts'
import { UpdateError } from '../ground/update-error.ts'
import { toldAttributes, type CheckRequest } from '../server/server-api.ts'
import type { CheckAnswer, Offer, SignedStatement } from '../server/update-contract.ts'
import { createEdgeFiles, readOr, textOf, type FetchedEnvelope } from './edge-files.ts'
import { readEdgeMemory, withMark, writeEdgeMemory, type EdgeMemory } from './edge-memory.ts'
import { verifyKeyDocument, verifyPointer, type VerifiedPointer } from './verify-edge.ts'

/** Undefined: only the server can say. */
export type EdgeAnswer = CheckAnswer | undefined

export interface EdgeSource {
  /**
   * @param running the sequence of what runs, where a release does
   * @throws UpdateError
   */
  check(request: CheckRequest, running: number | undefined): Promise<EdgeAnswer>
}

/** Static edge §8: what this device gets, by files that nobody has to be trusted for but those who signed them. */
export function createEdgeSource(ports: Ports, settings: Settings, url: string): EdgeSource {
  const { files, crypto, clock, host } = ports
  const { appId, channel, deviceId, publicKeys } = settings
  const baseUrl = url.replace(/\/+$/, '')
  const edge = createEdgeFiles(ports, settings, baseUrl)
  const folder = `edge/v1/${appId}`
  // Of this process: what is named by its digest stays what it is.
  let lastCatalog: { sha256: string; compiled: CompiledEdgeCatalog } | undefined

  async function check(request: CheckRequest, running: number | undefined): Promise<EdgeAnswer> {
    const fetched = await edge.fetchEnvelope(`${folder}/${host.platform}/${encodeURIComponent(channel)}/latest.json`)
    const { verified, document, memory } = await believe(fetched)
    expectOurs(verified.pointer)
    expectFresh(verified, document, memory, fetched.toldAt)
    await remember(verified.pointer, document, memory)
    const compiled = await findCatalog(verified.pointer)
    const found = decideAtEdge(compiled, deviceOf(request), clock.now(), running)
    return found.kind === 'decided' ? answerOf(found.decision, compiled) : undefined
  }

  /** A pointer by a key that is not known, or that names newer keys, has them fetched, once. */
  async function believe({ envelope }: FetchedEnvelope) {
    let memory = await readEdgeMemory(files)
    const known = await storedKeys(memory)
    const first = known && (await verifyPointer(crypto, envelope, known))
    if (known && first && first.pointer.keysVersion <= known.version)
      return { verified: first, document: known, memory }
    const { document, envelope: keys } = await fetchKeys(memory)
    memory = { ...memory, keys, keysVersion: document.version }
    await writeEdgeMemory(files, memory)
    if (document.keys.length === 0) throw new UpdateError('check-failed', 'this app has no edge any more')
    const verified = await verifyPointer(crypto, envelope, document)
    if (verified) return { verified, document, memory }
    throw new UpdateError('signature-invalid', 'no key of the edge signed what it says')
  }

  /** The binary may hold other keys by now: what was verified once is verified again. */
  async function storedKeys({ keys, keysVersion }: EdgeMemory): Promise<EdgeKeyDocument | undefined> {
    const document = keys && (await verifyKeyDocument(crypto, keys, { publicKeys, appId }).catch(() => undefined))
    return document?.version === keysVersion ? document : undefined
  }

  async function fetchKeys({ keysVersion }: EdgeMemory) {
    const { envelope } = await edge.fetchEnvelope(`${folder}/keys.json`)
    const document = await verifyKeyDocument(crypto, envelope, { publicKeys, appId })
    if (document.version >= keysVersion) return { document, envelope }
    const what = `its keys are of version ${document.version}, and ${keysVersion} was seen before`
    throw new UpdateError('catalog-too-old', `the edge is older than what was heard of it: ${what}`)
  }

  function expectOurs(pointer: Pick<EdgePointer, 'appId' | 'platform' | 'channel'>): void {
    if (pointer.appId !== appId) throw new UpdateError('wrong-app', `the edge speaks of the app ${pointer.appId}`)
    if (pointer.platform !== host.platform) {
      throw new UpdateError('wrong-platform', `the edge speaks of ${pointer.platform}, this is ${host.platform}`)
    }
    if (pointer.channel === channel) return
    throw new UpdateError('answer-invalid', `the edge speaks of the channel ${pointer.channel}, not of ${channel}`)
  }

  /**
   * Static edge §9. What was heard before was said before: the time is not earlier than that, whatever the clock says. Not
   * of an earlier document: whoever has stolen a key may have said of the time what he liked.
   */
  function expectFresh(
    { pointer, notAfter }: VerifiedPointer,
    { version, createdAt }: EdgeKeyDocument,
    memory: EdgeMemory,
    toldAt: number | undefined,
  ): void {
    const known = memory.marks.find((each) => each.platform === pointer.platform && each.channel === pointer.channel)
    const mark = known?.keysVersion === version ? known : undefined
    const now = Math.max(clock.now(), timeOf(createdAt), mark?.issuedAt ?? 0, toldAt ?? 0)
    if (Math.min(timeOf(pointer.expiresAt), notAfter) <= now) {
      throw new UpdateError('catalog-expired', `what the edge says was good until ${pointer.expiresAt}`)
    }
    if (!mark || pointer.generation >= mark.generation) return
    const what = `generation ${pointer.generation}, and ${mark.generation} was seen before`
    throw new UpdateError('catalog-too-old', `the edge is older than what was heard of it: ${what}`)
  }

  async function remember(pointer: EdgePointer, { version }: EdgeKeyDocument, memory: EdgeMemory): Promise<void> {
    const { platform, generation } = pointer
    const mark = memory.marks.find((each) => each.platform === platform && each.channel === channel)
    if (mark?.keysVersion === version && mark.generation === generation) return
    const issuedAt = timeOf(pointer.issuedAt)
    await writeEdgeMemory(files, withMark(memory, { platform, channel, keysVersion: version, generation, issuedAt }))
  }

  async function findCatalog({ catalog: { sha256, sizeBytes } }: EdgePointer): Promise<CompiledEdgeCatalog> {
    if (lastCatalog?.sha256 === sha256) return lastCatalog.compiled
    if (sizeBytes > MAX_EDGE_CATALOG_BYTES) {
      throw new UpdateError('answer-invalid', `the catalog of the edge has ${sizeBytes} bytes, which is too many`)
    }
    const bytes = await edge.fetchText(`${folder}/catalogs/${sha256}.json`, sizeBytes)
    const hasher = crypto.sha256()
    hasher.update(bytes)
    if (hexFromBytes(await hasher.digest()) !== sha256) {
      throw new UpdateError('hash-mismatch', 'the catalog of the edge has other bytes than were signed')
    }
    const catalog = readOr('answer-invalid', 'the catalog', () => readEdgeCatalog(textOf(bytes, 'the catalog')))
    expectOurs(catalog)
    const compiled = compileEdgeCatalog(catalog)
    lastCatalog = { sha256, compiled }
    return compiled
  }

  /** As the server would know it of what it is told. */
  function deviceOf({ releaseId, failedReleaseIds, trust }: CheckRequest): Device {
    return {
      id: deviceId,
      nativeVersion: host.nativeVersion,
      runtimeVersion: host.runtimeVersion,
      currentReleaseId: releaseId ?? null,
      failedReleaseIds,
      cohorts: [],
      attributes: cutAttributes({ ...toldAttributes(host), nativeBuild: host.nativeBuild }),
      trust: {
        highWater: trust.highestSequence,
        floor: trust.floor,
        keyIds: trust.trustedKeys,
        heldReleaseId: trust.heldReleaseId ?? null,
        builtAt: trust.embeddedBuiltAt ?? null,
      },
    }
  }

  function answerOf(decision: Decision<EdgeCatalogRelease>, { restatements }: CompiledEdgeCatalog): CheckAnswer {
    const { reason, nativeUpdate } = decision
    if (decision.kind !== 'update' && decision.kind !== 'embedded') return { kind: 'nothing', reason, nativeUpdate }
    const { mandatory, rollout } = decision
    const restated = rollout?.restated ? (restatements.get(rollout.id)?.stated ?? UNSIGNED) : undefined
    if (decision.kind === 'embedded') {
      return { kind: 'embedded', order: { ...(restated ?? UNSIGNED), mandatory, reason } }
    }
    return { kind: 'offer', offer: offerOf(decision.release, restated, mandatory) }
  }

  function offerOf(
    { id, version, offer }: EdgeCatalogRelease,
    restated: SignedStatement | undefined,
    mandatory: boolean,
  ): Offer {
    if (!offer) throw new UpdateError('answer-invalid', `the edge offers ${version}, and says nothing of its bytes`)
    const { sha256, sizeBytes, signature, stated, notes } = offer
    return {
      ...(restated ?? stated ?? UNSIGNED),
      releaseId: id,
      version,
      kind: 'archive',
      bundleUrl: `${baseUrl}/artifacts/${sha256}`,
      fileUrl: null,
      sha256,
      sizeBytes,
      encryption: null,
      expectedBytes: null,
      signature,
      patch: null,
      mandatory,
      notes,
    }
  }

  return { check }
}

const UNSIGNED: SignedStatement = { statement: null, statementSignature: null }

/** Rules are about what the server takes of it. */
function cutAttributes(told: DeviceAttributes): DeviceAttributes {
  const cut: DeviceAttributes = {}
  for (const name of DEVICE_ATTRIBUTE_NAMES) {
    const value = told[name]
    if (value !== undefined) cut[name] = value.slice(0, attributeKind(name).maxLength)
  }
  return cut
}
