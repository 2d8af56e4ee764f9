import { utf8FromText } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import type { EngineEvent } from '../ground/engine-event.ts'
import type { EngineConfig } from '../ground/settings.ts'
import { createDevice } from '../testing/device.ts'
import { chunked, createFakeServer, type FakePatch, type FakeServer } from '../testing/fake-server.ts'
import { createPatchRows } from '../testing/patch-rows.ts'
import { patchBetween } from '../testing/patches.ts'
import { createPublisher, sha256Of } from '../testing/publisher.ts'

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

const toAnother = await patchBetween(good, mend)

describe('a patch that is not as it must be', () => {
  const told = (change: object) => (server: FakeServer) => {
    server.patches = [{ ...patch, offer: { ...patch.offer, ...change } }]
  }
  const rows = createPatchRows(patch, { good, update, toAnother })

  test.each(rows)('$name: the bundle follows, once, and that is told once', async (row) => {
    const { server, device, events } = await runningDevice(row.unsigned ? { publicKeys: [] } : {})
    row.attack(server)
    if (row.damage) await device.disk().write(row.damage.path, row.damage.bytes)
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
})
