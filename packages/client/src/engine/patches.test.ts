import { utf8FromText } from '@hotpatch/protocol'
import { deflateSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import type { EngineEvent } from '../ground/engine-event.ts'
import type { EngineConfig } from '../ground/settings.ts'
import { createDevice } from '../testing/device.ts'
import {
  chunked,
  createFakeServer,
  type FakePatch,
  type FakeResponse,
  type FakeServer,
} from '../testing/fake-server.ts'
import { offered, patchBetween } from '../testing/patches.ts'
import { createPublisher, sha256Of, treeOf } from '../testing/publisher.ts'

const publisher = createPublisher()
const good = publisher.publish({ version: '1.0.0', sequence: 10 })
const update = publisher.publish({ version: '1.1.0', sequence: 11 })
const mend = publisher.publish({ version: '1.2.0', sequence: 12 })
const all = [good, update, mend]
const patch = await patchBetween(good, update)
const SIGNED = [publisher.publicKey]

/** A device that runs 1.0.0, confirmed, and is offered 1.1.0. */
async function runningDevice({
  publicKeys = SIGNED,
  ...config
}: Partial<EngineConfig> & { publicKeys?: string[] } = {}) {
  const server = createFakeServer()
  const device = createDevice({ server, publicKeys, config })
  server.target = { release: good }
  await device.boot()
  await device.engine.sync()
  await device.boot()
  await device.engine.confirm()
  await device.engine.flushReports()
  server.reports.length = 0
  server.requests.length = 0
  server.target = { release: update }
  server.patches = [patch]
  const events: EngineEvent[] = []
  device.engine.subscribe((event) => events.push(event))
  return { server, device, events }
}

/** What was asked for, in order. */
function fetched(server: FakeServer): string[] {
  return server.downloads().map(({ url }) => (all.some(({ sha256 }) => url.endsWith(sha256)) ? 'bundle' : 'patch'))
}

const isPatch = (server: FakeServer, url: string) => server.patches.some(({ offer }) => offer.url === url)

describe('an update that comes as a patch', () => {
  test.each(['hpdelta1-br', 'hpdelta1-deflate'] as const)('%s: is staged, and is whole', async (format) => {
    const { server, device, events } = await runningDevice()
    const made = await patchBetween(good, update, format)
    server.patches = [made]
    expect(await device.engine.check()).toMatchObject({ kind: 'available', expectedBytes: made.bytes.length })
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged', releaseId: update.releaseId })
    expect(fetched(server)).toEqual(['patch'])
    expect(server.kinds()).toEqual(['download-started', 'downloaded'])
    const how = { arrival: 'patch', receivedBytes: made.bytes.length }
    expect(server.reports[1]).toMatchObject(how)
    expect(events).toContainEqual({
      type: 'downloaded',
      ...how,
      sizeBytes: update.bundle.length,
      releaseId: update.releaseId,
    })
    expect(made.bytes.length).toBeLessThan(update.bundle.length)
    expect(device.disk().tree('ota/pending')?.has('patch')).toBe(false)
    expect(device.identify(await device.boot(), all)).toBe('1.1.0')
    await device.engine.confirm()
    expect(device.engine.status()).toMatchObject({ standing: 'confirmed', highWater: 11 })
  })

  test('is made of what ran before, too', async () => {
    const { server, device } = await runningDevice()
    await device.engine.sync()
    await device.boot()
    await device.engine.confirm()
    server.target = { release: mend }
    server.patches = [{ ...(await patchBetween(good, mend)), from: update.releaseId }]
    server.requests.length = 0
    await device.engine.sync()
    expect(fetched(server)).toEqual(['patch'])
    expect(device.identify(await device.boot(), all)).toBe('1.2.0')
  })

  test('without keys: to what the answer says', async () => {
    const { server, device } = await runningDevice({ publicKeys: [] })
    await device.engine.sync()
    expect(fetched(server)).toEqual(['patch'])
    expect(device.identify(await device.boot(), all)).toBe('1.1.0')
  })

  test('is asked for in what can be unpacked', async () => {
    const { server, device } = await runningDevice()
    await device.engine.check()
    // What the binary shipped with runs, and then a release.
    for (const asked of [server.checks[0], server.checks.at(-1)]) {
      expect(asked).toMatchObject({ patches: ['hpdelta1-br', 'hpdelta1-deflate'] })
    }
  })

  test('is gone on with after a reset, in the same call', async () => {
    const { server, device } = await runningDevice()
    let attempts = 0
    server.intercept = ({ url }) => {
      if (!isPatch(server, url)) return undefined
      attempts += 1
      return attempts === 1 ? { status: 200, headers: { etag: '"a"' }, body: chunked(patch.bytes, 10, 100) } : undefined
    }
    await device.engine.sync()
    expect(fetched(server)).toEqual(['patch', 'patch'])
    expect(server.downloads()[1]?.headers.range).toBe('bytes=100-')
    expect(device.identify(await device.boot(), all)).toBe('1.1.0')
  })

  test('is gone on with by the next process, when the bundle could not be had either', async () => {
    const { server, device } = await runningDevice({ limits: { attempts: 1 } })
    server.intercept = ({ url }) => {
      if (isPatch(server, url)) return { status: 200, headers: { etag: '"a"' }, body: chunked(patch.bytes, 10, 100) }
      return url.endsWith(update.sha256) ? { status: 500 } : undefined
    }
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'download-failed' })
    server.intercept = () => undefined
    server.requests.length = 0
    await device.boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(fetched(server)).toEqual(['patch'])
    expect(server.downloads()[0]?.headers.range).toBe('bytes=100-')
    expect(server.reports.at(-1)).toMatchObject({ kind: 'downloaded', receivedBytes: patch.bytes.length })
  })

  test('of which the kept part is not what it seemed, starts again, unnoticed', async () => {
    const { server, device } = await runningDevice({ limits: { attempts: 1 } })
    server.intercept = ({ url }) => {
      const other = new Uint8Array(patch.bytes.length)
      if (isPatch(server, url)) return { status: 200, headers: { etag: '"a"' }, body: chunked(other, 10, 100) }
      return url.endsWith(update.sha256) ? { status: 500 } : undefined
    }
    await device.engine.sync()
    server.intercept = () => undefined
    server.reports.length = 0
    server.requests.length = 0
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(fetched(server)).toEqual(['patch', 'patch'])
    expect(server.kinds()).toEqual(['downloaded'])
  })

  test('is left where less is missing of the bundle', async () => {
    const { server, device } = await runningDevice({ limits: { attempts: 1 } })
    server.patches = []
    const most = update.bundle.length - 20
    server.intercept = ({ url }) =>
      url.endsWith(update.sha256)
        ? { status: 200, headers: { etag: '"a"' }, body: chunked(update.bundle, most, most) }
        : undefined
    await device.engine.sync()
    server.intercept = () => undefined
    server.patches = [patch]
    server.requests.length = 0
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(fetched(server)).toEqual(['bundle'])
  })
})

describe('a release that comes packed', () => {
  /** A device that has its binary and nothing else. */
  async function newDevice() {
    const server = createFakeServer()
    const device = createDevice({ server, publicKeys: SIGNED })
    await device.boot()
    server.target = { release: good }
    server.patches = [await patchBetween(null, good)]
    return { server, device }
  }

  test('is whole on a device that has nothing', async () => {
    const { server, device } = await newDevice()
    const [{ bytes }] = server.patches as [FakePatch]
    expect(bytes.length).toBeLessThan(good.bundle.length)
    expect(await device.engine.check()).toMatchObject({ kind: 'available', expectedBytes: bytes.length })
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged', releaseId: good.releaseId })
    expect(fetched(server)).toEqual(['patch'])
    expect(server.reports.at(-1)).toMatchObject({ kind: 'downloaded', receivedBytes: bytes.length, arrival: 'packed' })
    expect(device.identify(await device.boot(), all)).toBe('1.0.0')
  })

  test('takes nothing of what runs', async () => {
    const { server, device } = await runningDevice()
    server.patches = [await patchBetween(null, update)]
    await device.disk().write('ota/bundle/assets/fonts/same.txt', utf8FromText('damaged since it was started'))
    await device.engine.sync()
    expect(fetched(server)).toEqual(['patch'])
    expect(device.identify(await device.boot(), all)).toBe('1.1.0')
  })

  test.each([
    ['is another release', () => patchBetween(null, update)],
    ['was damaged', async () => damaged(await patchBetween(null, good))],
    ['makes files of a base', () => patchBetween(update, good)],
  ] as const)('that %s, comes as its bundle after that, at once', async (_, make) => {
    const { server, device } = await newDevice()
    const other = await make()
    const { baseTree } = (server.patches[0] as FakePatch).offer
    server.patches = [{ ...other, from: null, to: good.releaseId, offer: { ...other.offer, baseTree } }]
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(fetched(server).at(-1)).toBe('bundle')
    expect(server.downloads().length).toBeLessThanOrEqual(2)
    expect(server.kinds()).toContain('download-failed:patch-failed')
    expect(server.reports.at(-1)).toMatchObject({ kind: 'downloaded', arrival: 'whole' })
    expect(device.identify(await device.boot(), all)).toBe('1.0.0')
  })

  function damaged({ offer, bytes, ...patch }: FakePatch): FakePatch {
    const other = bytes.map((byte, index) => (index === bytes.length - 9 ? byte ^ 0xff : byte))
    return { ...patch, bytes: other, offer: { ...offer, sha256: sha256Of(other) } }
  }
})

describe('a patch that is not as it must be', () => {
  const { offer, bytes } = patch
  const about = { format: offer.format, baseTree: offer.baseTree, tree: offer.tree }
  const told = (change: object) => (server: FakeServer) => {
    server.patches = [{ ...patch, offer: { ...offer, ...change } }]
  }
  /** Other bytes, and an answer that stands by them. */
  const made =
    (other: Uint8Array, change: Partial<typeof about> = {}) =>
    (server: FakeServer) => {
      server.patches = [offered(good, update, other, { ...about, ...change })]
    }
  const body = (respond: () => FakeResponse) => (server: FakeServer) => {
    server.intercept = ({ url }) => (url === offer.url ? respond() : undefined)
  }
  const changed = (at: number, value: number) => bytes.map((byte, index) => (index === at ? value : byte))
  const whole = (content: Uint8Array) => ({ status: 200, headers: { etag: '"a"' }, body: content })

  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield new Uint8Array(1000)
  }

  interface Row {
    name: string
    attack: (server: FakeServer, device: Awaited<ReturnType<typeof runningDevice>>['device']) => void | Promise<void>
    reason: string
    /** Most are seen before a byte is asked for. */
    isFetched: boolean
    /** Of an app without keys: nothing but the answer says what must come. */
    unsigned?: true
  }

  const rows: Row[] = [
    { name: 'is not there', attack: body(() => ({ status: 404 })), reason: 'download-failed', isFetched: true },
    { name: 'cannot be had', attack: body(() => ({ status: 500 })), reason: 'download-failed', isFetched: true },
    {
      name: 'is encoded',
      attack: body(() => ({ status: 200, headers: { 'content-encoding': 'br' } })),
      reason: 'download-failed',
      isFetched: true,
    },
    {
      name: 'leads to http:',
      attack: body(() => ({ status: 302, headers: { location: 'http://updates.test/a' } })),
      reason: 'insecure-url',
      isFetched: true,
    },
    {
      name: 'is at an http: address',
      attack: told({ url: 'http://updates.test/a' }),
      reason: 'insecure-url',
      isFetched: false,
    },
    {
      name: 'is cut off',
      attack: body(() => ({ status: 200, body: new Uint8Array() })),
      reason: 'download-truncated',
      isFetched: true,
    },
    {
      name: 'goes on for ever',
      attack: body(() => ({ status: 200, body: endless() })),
      reason: 'download-too-large',
      isFetched: true,
    },
    { name: 'came damaged', attack: body(() => whole(changed(100, 0))), reason: 'hash-mismatch', isFetched: true },
    {
      name: 'is damaged where it was made',
      attack: made(changed(bytes.length - 5, bytes[bytes.length - 5]! ^ 0xff)),
      reason: 'patch-damaged',
      isFetched: true,
    },
    { name: 'is something else', attack: made(utf8FromText('<html>')), reason: 'patch-damaged', isFetched: true },
    {
      name: 'goes on behind its end',
      attack: made(Uint8Array.of(...bytes, 0)),
      reason: 'patch-damaged',
      isFetched: true,
    },
    {
      name: 'has another packing than any',
      attack: made(changed(8, 9)),
      reason: 'packing-unsupported',
      isFetched: true,
    },
    {
      name: 'says that it is from another tree',
      attack: made(changed(9, bytes[9]! ^ 1)),
      reason: 'base-differs',
      isFetched: true,
    },
    {
      name: 'says that it is to another tree',
      attack: made(changed(41, bytes[41]! ^ 1)),
      reason: 'result-differs',
      isFetched: true,
    },
    { name: 'has a list of gigabytes', attack: made(changed(76, 0xff)), reason: 'patch-too-large', isFetched: true },
    { name: 'has a bomb for a list', attack: made(bombed(bytes)), reason: 'patch-damaged', isFetched: true },
    {
      name: 'is from what is not here',
      attack: told({ baseTree: '0'.repeat(64) }),
      reason: 'base-differs',
      isFetched: false,
    },
    {
      name: 'is to what nobody signed',
      attack: told({ tree: '0'.repeat(64) }),
      reason: 'result-differs',
      isFetched: false,
    },
    {
      name: 'is to another release that was signed',
      attack: async (server) => {
        const other = await patchBetween(good, mend)
        server.patches = [{ ...other, to: update.releaseId }]
      },
      reason: 'result-differs',
      isFetched: false,
    },
    {
      name: 'has as many bytes as the bundle',
      attack: told({ sizeBytes: update.bundle.length }),
      reason: 'patch-too-large',
      isFetched: false,
    },
    {
      name: 'has a format that nobody knows',
      attack: tampered({ ...offer, format: 'hpdelta9' }),
      reason: 'answer-invalid',
      isFetched: false,
    },
    { name: 'has no size', attack: tampered({ ...offer, sizeBytes: '7' }), reason: 'answer-invalid', isFetched: false },
    { name: 'is a word', attack: tampered('patch'), reason: 'answer-invalid', isFetched: false },
    {
      name: 'is for what has changed on the disk',
      attack: (_, device) =>
        device.disk().write('ota/bundle/assets/fonts/same.txt', utf8FromText('the same in no version!!')),
      reason: 'base-differs',
      isFetched: true,
    },
    {
      name: 'is for what the disk has lost',
      attack: (_, device) => device.disk().remove('ota/bundle/index.bundle'),
      reason: 'base-differs',
      isFetched: true,
    },
    ...['../../evil', '/evil', '.hotpatch.json', 'a/../../evil', 'CON'].map((path): Row => {
      const content = utf8FromText('evil')
      const tree = treeOf(new Map([[path, content]]))
      const evil = patchOf(path, content, { baseTree: offer.baseTree, tree })
      return {
        name: `writes ${path}`,
        attack: made(evil, { format: 'hpdelta1-deflate', tree }),
        reason: 'patch-damaged',
        isFetched: true,
        unsigned: true,
      }
    }),
  ]

  test.each(rows)('$name: the bundle follows, once, and that is told once', async (row) => {
    const { server, device, events } = await runningDevice(row.unsigned ? { publicKeys: [] } : {})
    await row.attack(server, device)
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged', releaseId: update.releaseId })
    expect(fetched(server)).toEqual(row.isFetched ? ['patch', 'bundle'] : ['bundle'])
    expect(server.kinds()).toEqual(['download-started', 'download-failed:patch-failed', 'downloaded'])
    expect(server.reports[1]).toMatchObject({ releaseId: update.releaseId })
    expect(server.reports[1]?.detail).toMatch(new RegExp(`^${row.reason}: `))
    expect(events.filter(({ type }) => type === 'patch-failed')).toMatchObject([{ reason: row.reason }])
    expect(device.engine.status().failedReleaseIds).toEqual([])
    expect(device.identify(await device.boot(), all)).toBe('1.1.0')
    expect([...(device.disk().tree('ota')?.keys() ?? [])].filter((path) => path.includes('evil'))).toEqual([])
  })

  test('is not tried again on this device, by no process', async () => {
    const { server, device } = await runningDevice({ limits: { attempts: 1 } })
    server.intercept = ({ url }) => (url.includes('/artifacts/') ? { status: 404 } : undefined)
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'download-failed' })
    expect(fetched(server)).toEqual(['patch', 'bundle'])
    server.intercept = () => undefined
    server.requests.length = 0
    await device.boot()
    expect(await device.engine.check()).toMatchObject({ kind: 'available', expectedBytes: null })
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(fetched(server)).toEqual(['bundle'])
    expect(server.kinds().filter((kind) => kind.endsWith('patch-failed'))).toHaveLength(1)
  })

  test('of which too many failed: only so many are remembered', async () => {
    const { server, device } = await runningDevice({ limits: { rememberedReleases: 3, attempts: 1 } })
    server.intercept = ({ url }) => (url.includes('/artifacts/') ? { status: 404 } : undefined)
    for (let index = 0; index < 9; index += 1) {
      told({ baseTree: String(index).repeat(64) })(server)
      await device.boot()
      await device.engine.sync()
    }
    const stored = JSON.parse(new TextDecoder().decode(await device.disk().read('ota/metadata.json'))) as {
      failedPatches: object[]
    }
    expect(stored.failedPatches).toHaveLength(3)
  })

  test('and a release whose statement names no tree comes as its bundle', async () => {
    const { server, device } = await runningDevice()
    const treeless = publisher.publish({ version: '1.1.0', sequence: 11, statement: { content: { kind: 'archive' } } })
    server.target = { release: treeless }
    await device.engine.sync()
    expect(fetched(server)).toEqual(['bundle'])
  })

  function tampered(found: unknown) {
    return (server: FakeServer) => {
      server.tamper = (answer) => ({ ...answer, patch: found })
    }
  }
})

/** The same header, and a list that unpacks to far more than it says. */
function bombed(bytes: Uint8Array): Uint8Array {
  const bomb = deflateSync(new Uint8Array(20_000))
  const header = new Uint8Array(bytes.subarray(0, 81))
  const view = new DataView(header.buffer)
  header[8] = 1
  view.setUint32(73, 100, true)
  view.setUint32(77, bomb.length, true)
  return Uint8Array.of(...header, ...bomb)
}

/** Patches §5 by hand: one new file. */
function patchOf(
  path: string,
  content: Uint8Array,
  { baseTree, tree }: { baseTree: string; tree: string },
): Uint8Array {
  const frame = deflateSync(content)
  const digest = (hex: string) => Buffer.from(hex, 'hex')
  const name = utf8FromText(path)
  const entry = [2, name.length, ...name, content.length, ...digest(sha256Of(content))]
  const index = Uint8Array.of(1, frame.length, 0, 0, content.length, 1, 1, ...entry)
  const packed = deflateSync(index)
  const sizes = new Uint8Array(8)
  new DataView(sizes.buffer).setUint32(0, index.length, true)
  new DataView(sizes.buffer).setUint32(4, packed.length, true)
  return Uint8Array.of(
    ...utf8FromText('HPDELTA1'),
    1,
    ...digest(baseTree),
    ...digest(tree),
    ...sizes,
    ...packed,
    ...frame,
  )
}
