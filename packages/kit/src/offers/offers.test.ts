import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createMemoryFiles, createVirtualClock } from '@hotpatch/client/memory'
import { createNodeCrypto } from '@hotpatch/client/node'
import type { HttpPort } from '@hotpatch/device-ground'
import { createNodeHttp } from '@hotpatch/device-ground/node'
import { utf8FromText } from '@hotpatch/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import vectors from '../../../../vectors/kit/offers.json' with { type: 'json' }
import { TRUST_FILE } from '../ground/kit-files.ts'
import { fetchOffer, type OfferQuestion } from './fetch-offer.ts'
import { readBundle } from './read-bundle.ts'
import { readSignatureHeader } from './offer-signatures.ts'
import { takeOffer } from './take-offer.ts'
import { raiseTrust, readTrust } from './trust-state.ts'
import { verifyMinisign } from './verify-minisign.ts'

const crypto = { ...createNodeCrypto(), verifyMinisign }

describe('what a machine makes of an offer (vectors/kit/offers.json)', () => {
  test.each(vectors.cases)('$comment', async (given) => {
    const { manifest, signatures, trust, installerVersion, appId, channel, verdict, floorAfter } = given
    const disk = createMemoryFiles()
    await raiseTrust(disk, trust)
    const source = appId === null ? undefined : { url: 'https://updates.example', appId, appKey: undefined }
    const taken = takeOffer(
      {
        bytes: utf8FromText(manifest),
        signatures: readSignatureHeader(signatures),
        artifacts: { kind: 'folder', path: '/media/kit' },
        rolloutId: undefined,
      },
      {
        disk,
        crypto,
        installation: { publicKeys: vectors.publicKeys, source },
        channel,
        installerVersion,
        installed: undefined,
      },
    )
    if (verdict === 'accepted') expect((await taken).manifestText).toBe(manifest)
    else await expect(taken).rejects.toMatchObject({ code: verdict })
    expect(await readTrust(disk)).toMatchObject({ sequence: trust.sequence, floor: floorAfter })
  })
})

describe('what is trusted', () => {
  test('neither number ever falls', async () => {
    const disk = createMemoryFiles()
    await raiseTrust(disk, { sequence: 7, floor: 3 })
    expect(await raiseTrust(disk, { sequence: 2, floor: 1 })).toMatchObject({ sequence: 7, floor: 3 })
  })

  test.each(['', '{"sequence":', '{"sequence":-1,"floor":0}', '[]'])(
    '%j does not mean that nothing was seen',
    async (text) => {
      const disk = createMemoryFiles()
      await disk.makeDirectory('.kit')
      await disk.write(TRUST_FILE, utf8FromText(text))
      await expect(readTrust(disk)).rejects.toMatchObject({ code: 'storage-failed' })
    },
  )
})

type Answering = (request: IncomingMessage, response: ServerResponse) => void

async function listen(answer: Answering): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function ask(url: string, more: Partial<OfferQuestion> = {}, http: Pick<HttpPort, 'open'> = createNodeHttp()) {
  const clock = createVirtualClock({ whenIdle: (run) => setTimeout(run, 1_000) })
  return fetchOffer(
    {
      source: { url, appKey: 'hpk_key' },
      channel: 'stable',
      installId: 'install-1',
      installerVersion: '1.0.0',
      platform: 'linux',
      architecture: 'arm64',
      releaseId: '2026.06.01',
      sequence: 4,
      floor: 2,
      ...more,
    },
    { http, clock, allowInsecure: 'loopback' },
  )
}

const SIGNATURE = 'ed25519;keyid="21fe31dfa154a261";sig="QUJD"'

describe('asking a server', () => {
  test('tells what this machine is, and takes exact bytes with their signatures', async () => {
    const told: IncomingMessage[] = []
    const url = await listen((request, response) => {
      told.push(request)
      response.writeHead(200, { 'kit-signature': SIGNATURE, 'kit-rollout': 'r-1', 'kit-reason': 'update' })
      response.end('{ "schema_version": 1 }\n')
    })
    expect(await ask(url)).toEqual({
      kind: 'offered',
      bytes: Buffer.from('{ "schema_version": 1 }\n'),
      signatures: [{ scheme: 'ed25519', keyId: '21fe31dfa154a261', value: 'QUJD' }],
      rolloutId: 'r-1',
      reason: 'update',
    })
    expect(told[0]?.url).toBe('/personal-kit/stable/latest.json')
    expect(told[0]?.headers).toMatchObject({
      'x-app-key': 'hpk_key',
      'x-install-id': 'install-1',
      'x-installer-version': '1.0.0',
      'x-kit-release': '2026.06.01',
      'x-kit-platform': 'linux',
      'x-kit-architecture': 'arm64',
      'x-kit-sequence': '4',
      'x-kit-floor': '2',
    })
    expect(told[0]?.headers['x-kit-again']).toBeUndefined()
    await ask(url, { triesAgain: true })
    expect(told[1]?.headers['x-kit-again']).toBe('1')
  })

  test('from one that only keeps files, signatures come from beside', async () => {
    const files: Record<string, string> = {
      '/personal-kit/stable/latest.json': '{}',
      '/personal-kit/stable/latest.json.sig': '{"signatures":[{"scheme":"ed25519","keyId":"a","value":"QUJD"}]}',
      '/personal-kit/stable/latest.json.minisig': 'the text',
    }
    const url = await listen((request, response) => {
      const file = files[request.url ?? '']
      response.writeHead(file === undefined ? 404 : 200).end(file)
    })
    expect(await ask(url)).toMatchObject({
      signatures: [
        { scheme: 'ed25519', keyId: 'a', value: 'QUJD' },
        { scheme: 'minisign', value: Buffer.from('the text').toString('base64') },
      ],
    })
    delete files['/personal-kit/stable/latest.json.minisig']
    files['/personal-kit/stable/latest.json.sig'] = '<html>'
    expect(await ask(url)).toMatchObject({ signatures: [] })
  })

  test('nothing for this machine is an answer with its reason, and no error', async () => {
    const url = await listen((_request, response) => {
      response.writeHead(404, { 'content-type': 'application/json' })
      response.end('{"code":"native-update-required","message":"Update the installer first."}')
    })
    expect(await ask(url)).toEqual({
      kind: 'nothing',
      reason: 'native-update-required',
      message: 'Update the installer first.',
    })
  })

  test.each([
    ['a page that is not there', 404, '<html>', 'Is "source.url" of kit.json the address of the server'],
    ['a refusal', 401, '{"type":"x"}', 'answered 401'],
    ['more than a manifest has', 200, ' '.repeat(70_000), 'longer than 65536'],
    ['a server that is broken each time', 500, '', 'answered 500'],
  ])('%s is a failed check', async (_what, status, body, reason) => {
    const url = await listen((_request, response) => response.writeHead(status).end(body))
    expect(await ask(url)).toMatchObject({
      kind: 'refused',
      code: 'check-failed',
      message: expect.stringContaining(reason),
    })
  })

  test('one that answers nothing is given up on', async () => {
    let asked = 0
    const url = await listen(() => {
      asked += 1
    })
    expect(await ask(url)).toMatchObject({ kind: 'unreachable' })
    expect(asked).toBe(3)
  })

  test('one that was broken once is asked again', async () => {
    let asked = 0
    const url = await listen((_request, response) => {
      asked += 1
      if (asked === 1) response.destroy()
      else response.writeHead(200, { 'kit-signature': SIGNATURE }).end('{}')
    })
    expect(await ask(url)).toMatchObject({ kind: 'offered' })
  })

  test('a redirect is followed, and takes no key of this app to another host', async () => {
    const told: IncomingMessage[] = []
    const elsewhere = await listen((request, response) => {
      told.push(request)
      response.writeHead(200, { 'kit-signature': SIGNATURE }).end('{}')
    })
    const url = await listen((_request, response) =>
      response.writeHead(302, { location: `${elsewhere}/moved.json` }).end(),
    )
    expect(await ask(url)).toMatchObject({ kind: 'offered' })
    expect(told[0]?.headers).not.toHaveProperty('x-app-key')
    expect(told[0]?.headers).not.toHaveProperty('x-install-id')
  })

  test.each([
    ['to where it is not https', 'http://192.0.2.1/kit.json', 'https:'],
    ['to no address', 'javascript:alert(1)', 'leads nowhere'],
    ['without end', '/personal-kit/stable/latest.json', 'more than 5 times'],
  ])('a redirect %s is not followed', async (_what, location, reason) => {
    const url = await listen((_request, response) => response.writeHead(302, { location }).end())
    expect(await ask(url)).toMatchObject({
      kind: 'refused',
      code: 'check-failed',
      message: expect.stringContaining(reason),
    })
  })

  test('a server elsewhere has this machine ask none of its own services', async () => {
    const asked: string[] = []
    const http: Pick<HttpPort, 'open'> = {
      open({ url }) {
        asked.push(url)
        async function* body() {}
        const headers = { location: 'http://127.0.0.1:8080/restart' }
        return { response: Promise.resolve({ status: 302, headers, body: body() }), abort: () => undefined }
      },
    }
    expect(await ask('https://updates.example', {}, http)).toMatchObject({ kind: 'refused', code: 'check-failed' })
    expect(asked).toEqual(['https://updates.example/personal-kit/stable/latest.json'])
  })

  test('an address in the clear is not asked at all, nor a channel that is a path', async () => {
    expect(await ask('http://192.0.2.1')).toMatchObject({ kind: 'refused', code: 'check-failed' })
    expect(await ask('https://updates.example', { channel: '../x' })).toMatchObject({ kind: 'refused' })
  })
})

describe('a bundle', () => {
  test('is read as a server is asked, and is bounded', async () => {
    const folder = createMemoryFiles()
    await expect(readBundle(folder)).rejects.toMatchObject({ code: 'check-failed' })
    await folder.write('latest.json', utf8FromText('{}'))
    expect(await readBundle(folder)).toEqual({ bytes: utf8FromText('{}'), signatures: [] })
    await folder.write('latest.json.sig', utf8FromText('{"signatures":[{"scheme":"ed25519","value":"QUJD"}]}'))
    expect((await readBundle(folder)).signatures).toEqual([{ scheme: 'ed25519', keyId: undefined, value: 'QUJD' }])
    await folder.write('latest.json', new Uint8Array(65_537))
    await expect(readBundle(folder)).rejects.toMatchObject({ code: 'check-failed' })
  })
})
