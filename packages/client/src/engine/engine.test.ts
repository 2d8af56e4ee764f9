import { beforeEach, describe, expect, test } from 'vitest'
import type { FilesPort } from '@hotpatch/device-ground'
import type { StartOptions } from '../recovery/launch.ts'
import { createDevice, type Device } from '../testing/device.ts'
import { createFakeServer, type FakeServer } from '../testing/fake-server.ts'
import { createPublisher } from '../testing/publisher.ts'

const publisher = createPublisher()
const v1 = publisher.publish({ version: '1.0.0', sequence: 10 })
const v2 = publisher.publish({ version: '1.1.0', sequence: 11 })
const v3 = publisher.publish({ version: '1.2.0', sequence: 12 })
const all = [v1, v2, v3]

let server: FakeServer
let device: Device

beforeEach(() => {
  server = createFakeServer()
  device = createDevice({ server, publicKeys: [publisher.publicKey] })
})

async function boot(options: StartOptions = {}): Promise<string> {
  return device.identify(await device.boot(device.disk(), options), all)
}

async function install(release: typeof v1): Promise<void> {
  server.target = { release }
  await boot()
  expect(await device.engine.sync()).toMatchObject({ kind: 'staged', version: release.version })
  expect(await boot()).toBe(release.version)
  expect(await device.engine.confirm()).toBe(true)
  await device.engine.flushReports()
}

describe('the usual way', () => {
  test('an update is staged now, runs at the next start, and is confirmed', async () => {
    expect(await boot()).toBe('embedded')
    server.target = { release: v1 }
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged', version: '1.0.0', mandatory: false })
    expect(device.engine.status()).toMatchObject({ standing: null, staged: { version: '1.0.0' }, highWater: 0 })
    expect(await boot()).toBe('1.0.0')
    expect(device.engine.status()).toMatchObject({ standing: 'probation', staged: null })
    await device.engine.confirm()
    await device.engine.flushReports()
    expect(device.engine.status()).toMatchObject({ standing: 'confirmed', highWater: 10 })
    expect(server.kinds()).toEqual(['download-started', 'downloaded', 'applied', 'confirmed'])
    expect(await device.engine.sync()).toMatchObject({ kind: 'up-to-date', reason: 'runs-the-target' })
  })

  test('the check says what runs', async () => {
    await boot()
    await device.engine.check()
    expect(server.checks[0]).toEqual({
      appId: expect.any(String),
      deviceId: 'device-1',
      version: '1.0',
      platform: 'android',
      channel: 'production',
      nativeVersion: '1.0',
      failedReleaseIds: [],
      highestSequence: 0,
      floor: 0,
      trustedKeys: [publisher.keyId],
      patches: ['hpdelta1-br', 'hpdelta1-deflate'],
    })
    await install(v1)
    await device.engine.check()
    expect(server.checks.at(-1)).toMatchObject({ version: '1.0.0', releaseId: v1.releaseId, nativeVersion: '1.0' })
  })

  test('what ran before is kept as the last stable release', async () => {
    await install(v1)
    await install(v2)
    expect(device.engine.status()).toMatchObject({ previous: { version: '1.0.0' }, standing: 'confirmed' })
  })

  test('check() and download() are the two halves of sync()', async () => {
    await boot()
    server.target = { release: v1 }
    expect(await device.engine.check()).toMatchObject({
      kind: 'available',
      version: '1.0.0',
      sizeBytes: v1.bundle.length,
    })
    expect(server.downloads()).toHaveLength(0)
    expect(await device.engine.download()).toMatchObject({ kind: 'staged' })
    expect(server.checks).toHaveLength(1)
  })

  test('a second call joins the first', async () => {
    await boot()
    server.target = { release: v1 }
    const [first, second] = await Promise.all([device.engine.sync(), device.engine.sync(), device.engine.check()])
    expect(second).toBe(first)
    expect(server.downloads()).toHaveLength(1)
  })

  test('a mandatory update restarts the app, unless the configuration says otherwise', async () => {
    server.target = { release: v1, mandatory: true }
    await boot()
    await device.engine.sync()
    expect(device.restarts).toBe(1)
    expect(server.kinds()).toEqual(['download-started', 'downloaded'])

    device = createDevice({ server, publicKeys: [publisher.publicKey], config: { restartsWhenMandatory: false } })
    await boot()
    await device.engine.sync()
    expect(device.restarts).toBe(0)
  })

  test('events tell the way through the table and the progress', async () => {
    await boot()
    server.target = { release: v1 }
    const states: string[] = []
    const received: number[] = []
    device.engine.subscribe((event) => {
      if (event.type === 'state') states.push(event.state)
      if (event.type === 'progress') received.push(event.receivedBytes)
      throw new Error('a listener that fails changes nothing')
    })
    await device.engine.sync()
    expect(states).toEqual(['checking', 'offered', 'downloading', 'verifying', 'staged'])
    expect(received.at(-1)).toBe(v1.bundle.length)
  })

  test('without keys the hash alone decides', async () => {
    device = createDevice({ server })
    const unsigned = { ...v1, signature: null, statement: null, statementSignature: null } as unknown as typeof v1
    server.target = { release: unsigned }
    await boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(await boot()).toBe('1.0.0')
  })

  test('any one of several keys may sign', async () => {
    device = createDevice({ server, publicKeys: [createPublisher().publicKey, publisher.publicKey] })
    await install(v1)
  })
})

describe('staged updates', () => {
  test('a newer one takes the place of one that waits', async () => {
    await boot()
    server.target = { release: v1 }
    await device.engine.sync()
    server.target = { release: v2 }
    await device.engine.sync()
    expect(await boot()).toBe('1.1.0')
  })

  test('the same one is not downloaded twice', async () => {
    await boot()
    server.target = { release: v1 }
    await device.engine.sync()
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged', version: '1.0.0' })
    expect(server.downloads()).toHaveLength(1)
  })

  test('one that the server took back is dropped', async () => {
    await boot()
    server.target = { release: v1 }
    await device.engine.sync()
    server.target = null
    expect(await device.engine.sync()).toMatchObject({ kind: 'up-to-date' })
    expect(await boot()).toBe('embedded')
  })

  test('a failed check keeps it', async () => {
    await boot()
    server.target = { release: v1 }
    await device.engine.sync()
    server.isReachable = false
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'check-failed' })
    expect(await boot()).toBe('1.0.0')
  })

  test('one that was damaged since is reported, and what ran before is started', async () => {
    await install(v1)
    server.target = { release: v2 }
    await device.engine.sync()
    await device.disk().write('ota/pending/files/index.bundle', new Uint8Array(3))
    expect(await boot()).toBe('1.0.0')
    await device.engine.flushReports()
    expect(server.kinds().at(-1)).toBe('failed:storage-failed')
    await install(v2)
  })

  test('damage that keeps the size is seen when the tree changes places', async () => {
    await install(v1)
    server.target = { release: v2 }
    await device.engine.sync()
    const bytes = await device.disk().read('ota/pending/files/index.bundle')
    await device.disk().write('ota/pending/files/index.bundle', new Uint8Array(bytes?.length ?? 0))
    expect(await boot()).toBe('1.0.0')
    expect(device.engine.status()).toMatchObject({ standing: 'confirmed', staged: null })
  })
})

describe('a running release that lost a file', () => {
  test.each([
    ['all of it', () => device.disk().remove('ota/bundle/index.bundle')],
    ['a part of it', () => device.disk().write('ota/bundle/index.bundle', new Uint8Array(3))],
    ['its marker', () => device.disk().remove('ota/bundle/.hotpatch.json')],
  ])('%s: the last stable one takes over, and it is told', async (_, damage) => {
    await install(v1)
    await install(v2)
    await damage()
    expect(await boot()).toBe('1.0.0')
    await device.engine.flushReports()
    expect(server.kinds().at(-1)).toBe('failed:storage-failed')
    // It was not its fault: it may come again.
    await install(v2)
  })

  test('embedded takes over when nothing else is left, or nothing can be read', async () => {
    await install(v1)
    await device.disk().remove('ota/bundle/index.bundle')
    expect(await boot()).toBe('embedded')
    await install(v2)
    const read = async () => {
      throw new Error('EIO')
    }
    expect(await device.boot({ ...device.disk(), read })).toEqual({ kind: 'embedded' })
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'storage-failed' })
    expect(await device.engine.confirm()).toBe(true)
    expect(await boot()).toBe('1.1.0')
  })

  test('unreadable metadata means embedded, and what was seen still counts', async () => {
    await install(v2)
    await device.disk().write('ota/metadata.json', new Uint8Array(9))
    expect(await boot()).toBe('embedded')
    await device.disk().remove('ota/bundle')
    await boot()
    expect(device.engine.status().highWater).toBe(11)
    server.target = { release: v1 }
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'sequence-too-low' })
    await install(v2)
  })
})

describe('a start that cannot write', () => {
  test('does not start a release that it cannot count', async () => {
    await install(v1)
    server.target = { release: v2 }
    await device.engine.sync()
    expect(await boot()).toBe('1.1.0')
    device.disk().arrange({ fullAt: 1 })
    expect([await boot(), await boot(), await boot()]).toEqual(['1.0.0', '1.0.0', '1.0.0'])
    expect(device.engine.status()).toMatchObject({ standing: null, previous: { version: '1.0.0' } })
    device.disk().arrange({})
    expect([await boot(), await boot()]).toEqual(['1.1.0', '1.0.0'])
  })

  test('does not start a release of another binary', async () => {
    await install(v1)
    device.host.nativeVersion = '2.0'
    device.disk().arrange({ fullAt: 1 })
    expect(await boot()).toBe('embedded')
  })

  test('a confirmation that cannot be stored is not one', async () => {
    await boot()
    server.target = { release: v1 }
    await device.engine.sync()
    await boot()
    device.disk().arrange({ fullAt: 1 })
    expect(await device.engine.confirm()).toBe(false)
    device.disk().arrange({})
    expect(await device.engine.confirm()).toBe(true)
    expect(device.engine.status().standing).toBe('confirmed')
  })
})

describe('a release that does not confirm', () => {
  test('is rolled back after two starts, reported, and never tried again', async () => {
    await install(v1)
    server.target = { release: v2 }
    await device.engine.sync()
    expect([await boot(), await boot(), await boot()]).toEqual(['1.1.0', '1.1.0', '1.0.0'])
    expect(device.engine.status()).toMatchObject({ standing: 'confirmed', failedReleaseIds: [v2.releaseId] })
    expect(await device.engine.sync()).toMatchObject({ kind: 'up-to-date' })
    expect(server.kinds().at(-1)).toBe('rolled-back:not-confirmed')
    expect(server.checks.at(-1)).toMatchObject({ failedReleaseIds: [v2.releaseId] })
    // A server that offers it all the same, under this or another id, is not followed.
    server.tamper = () => ({ ...offerOf(v2), releaseId: 'another-id' })
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'not-confirmed' })
    expect(await boot()).toBe('1.0.0')
    server.tamper = (answer) => answer
    await install(v3)
  })

  test('falls back to embedded when there is nothing else', async () => {
    await boot()
    server.target = { release: v1 }
    await device.engine.sync()
    expect([await boot(), await boot(), await boot(), await boot()]).toEqual(['1.0.0', '1.0.0', 'embedded', 'embedded'])
  })

  test('falls back to embedded when the last stable release is below the floor', async () => {
    const raised = publisher.publish({ version: '1.2.0', sequence: 12, floor: 12, releaseId: v3.releaseId })
    await install(v1)
    server.target = { release: raised }
    await device.engine.sync()
    expect([await boot(), await boot(), await boot()]).toEqual(['1.2.0', '1.2.0', 'embedded'])
    expect(device.engine.status().floor).toBe(12)
  })

  test('is replaced by a staged mend, which never makes it the last stable release', async () => {
    await install(v1)
    server.target = { release: v2 }
    await device.engine.sync()
    expect(await boot()).toBe('1.1.0')
    server.target = { release: v3 }
    await device.engine.sync()
    expect(await boot()).toBe('1.2.0')
    expect(device.engine.status().previous?.version).toBe('1.0.0')
    expect([await boot(), await boot()]).toEqual(['1.2.0', '1.0.0'])
  })

  test('counts anew when it comes a second time', async () => {
    await install(v1)
    server.target = { release: v2 }
    await device.engine.sync()
    await boot()
    server.target = { release: v1 }
    await device.engine.sync()
    expect(await boot()).toBe('1.0.0')
    server.target = { release: v2 }
    await device.engine.sync()
    expect([await boot(), await boot(), await boot()]).toEqual(['1.1.0', '1.1.0', '1.0.0'])
  })

  test('says so with no network: the report waits for it', async () => {
    await install(v1)
    server.target = { release: v2 }
    await device.engine.sync()
    server.isReachable = false
    for (let start = 0; start < 5; start += 1) {
      await boot()
      await device.engine.sync()
    }
    server.isReachable = true
    await boot()
    await device.engine.sync()
    expect(server.kinds().filter((kind) => kind.startsWith('rolled-back'))).toEqual(['rolled-back:not-confirmed'])
  })

  test('can be given up at once by the app', async () => {
    await install(v1)
    server.target = { release: v2 }
    await device.engine.sync()
    await boot()
    await device.engine.crashed()
    expect(await boot()).toBe('1.0.0')
    await device.engine.flushReports()
    expect(server.kinds().at(-1)).toBe('rolled-back:crashed')
  })
})

/** A start that ends in a crash that the app tells, or before it is ready, or well. */
async function session(ending: 'crash' | 'silence' | 'ready'): Promise<string> {
  const runs = await boot()
  if (ending === 'ready') await device.engine.confirm()
  if (ending === 'crash') await device.engine.crashed()
  return runs
}

describe('a confirmed release that fails later', () => {
  const inTurn = async (...endings: Parameters<typeof session>[0][]) => {
    const ran: string[] = []
    for (const ending of endings) ran.push(await session(ending))
    return ran
  }

  test('is rolled back after three crashes in a row, reported, and never tried again', async () => {
    await install(v1)
    await install(v2)
    server.target = { release: v2 }
    expect(await inTurn('crash', 'crash', 'crash', 'ready')).toEqual(['1.1.0', '1.1.0', '1.1.0', '1.0.0'])
    expect(device.engine.status()).toMatchObject({ standing: 'confirmed', failedReleaseIds: [v2.releaseId] })
    await device.engine.sync()
    expect(server.checks.at(-1)).toMatchObject({ failedReleaseIds: [v2.releaseId], highestSequence: 11 })
    expect(server.kinds().at(-1)).toBe('rolled-back:crashed-after-confirm')
    expect(await boot()).toBe('1.0.0')
  })

  test('is rolled back as well when the app, which tells that it is ready, stays silent', async () => {
    await install(v1)
    expect(await inTurn('ready', 'silence', 'crash', 'silence', 'ready')).toEqual([
      '1.0.0',
      '1.0.0',
      '1.0.0',
      '1.0.0',
      'embedded',
    ])
    await device.engine.flushReports()
    expect(server.kinds().at(-1)).toBe('rolled-back:crashed-after-confirm')
  })

  test('what embedded told of the app’s habits counts for what comes after it', async () => {
    await inTurn('ready')
    await install(v1)
    expect(await inTurn('silence', 'silence', 'silence', 'silence')).toEqual(['1.0.0', '1.0.0', '1.0.0', 'embedded'])
  })

  test('is never blamed for one crash, nor for any number that good starts divide', async () => {
    await install(v1)
    const many = ['crash', 'crash', 'ready', 'silence', 'crash', 'ready', 'crash', 'silence', 'ready', 'ready'] as const
    expect(new Set(await inTurn(...many, ...many))).toEqual(new Set(['1.0.0']))
    expect(server.kinds()).not.toContain('rolled-back:crashed-after-confirm')
  })

  test('of crashes that come after the app was ready: three in a row are too many', async () => {
    await install(v1)
    for (let count = 0; count < 3; count += 1) {
      expect(await session('ready')).toBe('1.0.0')
      await device.engine.crashed()
    }
    expect(await boot()).toBe('embedded')
  })

  test('an app that says that it is ready only when that is due is not judged by its silence', async () => {
    await install(v1)
    expect(new Set(await inTurn(...Array<'silence'>(10).fill('silence')))).toEqual(new Set(['1.0.0']))
  })

  test('starts in the background are no starts to judge by', async () => {
    await install(v1)
    await session('ready')
    for (let count = 0; count < 10; count += 1) expect(await boot({ inBackground: true })).toBe('1.0.0')
    expect(await inTurn('silence', 'silence')).toEqual(['1.0.0', '1.0.0'])
    expect(await boot({ inBackground: true })).toBe('1.0.0')
    expect(await inTurn('silence', 'ready')).toEqual(['1.0.0', 'embedded'])
  })

  test('its usual start writes nothing that it waits for, and looks at one directory', async () => {
    await install(v1)
    await session('ready')
    const calls: string[] = []
    const watched = new Proxy<FilesPort>(device.disk(), {
      get(files, name: keyof FilesPort) {
        return (path: string, ...more: unknown[]) => {
          calls.push(`${name} ${path.replace(/bundle\/.*/, 'bundle')}`)
          return (files[name] as (...values: unknown[]) => unknown)(path, ...more)
        }
      },
    })
    await device.boot(watched)
    expect(new Set(calls.splice(0))).toEqual(
      new Set([
        'read ota/metadata.json',
        'read ota/bundle',
        'stat ota/bundle',
        'read ota/crash_count.json',
        'append ota/crash_count.json',
        'locate ota/bundle',
      ]),
    )
    await device.engine.confirm()
    expect(calls).toEqual(['read ota/crash_count.json', 'append ota/crash_count.json', 'read ota/outbox.json'])
  })

  test('a power cut may lose what was noted, and blames nobody', async () => {
    await install(v1)
    await session('ready')
    for (let count = 0; count < 10; count += 1) {
      expect(await session('silence')).toBe('1.0.0')
      device.cutPower('worst')
    }
    expect(await session('ready')).toBe('1.0.0')
  })

  test('bad starts that a good one ended do not come back with a power cut', async () => {
    await install(v1)
    expect(await inTurn('ready', 'crash', 'crash', 'ready')).toEqual(['1.0.0', '1.0.0', '1.0.0', '1.0.0'])
    device.cutPower('worst')
    expect(await inTurn('crash', 'crash', 'ready')).toEqual(['1.0.0', '1.0.0', '1.0.0'])
  })

  test('one on a disk that takes nothing gives way to the last stable one from where it lies', async () => {
    await install(v1)
    await install(v2)
    await inTurn('crash', 'crash', 'crash')
    device.disk().arrange({ fullAt: 1 })
    expect(await boot()).toBe('1.0.0')
  })
})

describe('going back', () => {
  test('a publisher states old content again under a higher sequence', async () => {
    await install(v1)
    await install(v2)
    await install(v3)
    const restated = publisher.publish({ version: '1.0.0', sequence: 13 })
    server.target = { release: restated }
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged', version: '1.0.0' })
    expect(await boot()).toBe('1.0.0')
    await device.engine.confirm()
    expect(device.engine.status().highWater).toBe(13)
  })

  test('a server that halted a release sends devices back to the one they keep, without a download', async () => {
    await install(v1)
    await install(v2)
    const before = server.downloads().length
    server.target = { release: v1 }
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged', version: '1.0.0' })
    expect(server.downloads()).toHaveLength(before)
    expect(await boot()).toBe('1.0.0')
    expect(device.engine.status()).toMatchObject({ standing: 'confirmed', highWater: 11 })
    await install(v2)
  })

  test('a device on which a new release failed takes the one before it, also when it never had it', async () => {
    await boot()
    server.target = { release: v2 }
    await device.engine.sync()
    await boot()
    await device.engine.crashed()
    expect(await boot()).toBe('embedded')
    await install(v1)
    expect(device.engine.status()).toMatchObject({ standing: 'confirmed', highWater: 10 })
  })

  test('what was halted between its download and its first start never runs', async () => {
    await boot()
    server.target = { release: v2 }
    await device.engine.sync()
    server.target = { release: v1 }
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged', version: '1.0.0' })
    expect(await boot()).toBe('1.0.0')
  })

  test('nothing else below the high-water mark is gone back to', async () => {
    await install(v1)
    await install(v2)
    await install(v3)
    server.target = { release: v1 }
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'sequence-too-low' })
    expect(await boot()).toBe('1.2.0')
  })

  test('nor the kept one when it is below the floor, under whatever statement', async () => {
    await install(v1)
    await install(publisher.publish({ version: '1.1.0', sequence: 13, floor: 11 }))
    server.target = { release: publisher.publish({ version: '1.0.0', sequence: 12 }) }
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'sequence-too-low' })
    expect(await boot()).toBe('1.1.0')
  })

  test('a binary that trusts no key any more, on a device that has a floor: what it keeps is gone back to', async () => {
    const config = { publicKeys: [publisher.publicKey] }
    device = createDevice({ server, config })
    await install(publisher.publish({ version: '1.0.0', sequence: 10, floor: 5 }))
    await install(v2)
    config.publicKeys = []
    await boot()
    server.target = { release: v1 }
    const before = server.downloads().length
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged', version: '1.0.0' })
    expect(server.downloads()).toHaveLength(before)
    expect(await boot()).toBe('1.0.0')
    expect(device.engine.status()).toMatchObject({ highWater: 11, floor: 5 })
  })

  test('of what nobody signed it cannot know whether it is below the floor, and fetches it again', async () => {
    const config = { publicKeys: [publisher.publicKey] }
    device = createDevice({ server, config })
    await install(publisher.publish({ version: '1.0.0', sequence: 10, floor: 5 }))
    config.publicKeys = []
    await install(v2)
    await install(v3)
    await install(v2)
    expect(server.kinds().filter((kind) => kind.startsWith('failed'))).toEqual([])
  })

  test('to embedded: by the server alone while no floor is set', async () => {
    await install(v1)
    server.target = { embedded: null }
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged', releaseId: null })
    expect(await boot()).toBe('embedded')
    await device.engine.flushReports()
    expect(server.reports.at(-1)).toMatchObject({ kind: 'applied', version: 'embedded' })
    await install(v2)
  })

  test('to embedded: only with the publisher once a floor is set', async () => {
    await install(publisher.publish({ version: '1.0.0', sequence: 10, floor: 5 }))
    server.target = { embedded: null }
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'below-floor' })
    server.target = { embedded: publisher.orderEmbedded(9) }
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'sequence-too-low' })
    server.target = { embedded: createPublisher().orderEmbedded(20) }
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'signature-invalid' })
    server.target = { embedded: v2 }
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'statement-invalid' })
    expect(await boot()).toBe('1.0.0')
    server.target = { embedded: publisher.orderEmbedded(20) }
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged', releaseId: null })
    expect(await boot()).toBe('embedded')
    expect(device.engine.status()).toMatchObject({ highWater: 20, floor: 5 })
  })
})

describe('the app binary was replaced', () => {
  test('nothing made for the old one runs; what was learned stays', async () => {
    await install(publisher.publish({ version: '1.0.0', sequence: 10, floor: 5 }))
    await install(v2)
    server.target = { release: v3 }
    await device.engine.sync()
    device.host = { ...device.host, nativeVersion: '2.0' }
    expect(await boot()).toBe('embedded')
    expect(device.engine.status()).toMatchObject({ previous: null, staged: null, highWater: 11, floor: 5 })
    await device.engine.flushReports()
    expect(server.reports.at(-1)).toMatchObject({ kind: 'applied', version: 'embedded' })
    await install(v3)
  })

  test.each([
    ['another build of the same version', { nativeBuild: '8' }],
    ['another runtime of the same build', { nativeBuild: '7', runtimeVersion: 'rt-2' }],
  ])('%s is another binary', async (_, replaced) => {
    device.host = { ...device.host, nativeBuild: '7', runtimeVersion: 'rt-1' }
    await install(v1)
    await install(v2)
    server.target = { release: v3 }
    await device.engine.sync()
    device.host = { ...device.host, ...replaced }
    expect(await boot()).toBe('embedded')
    expect(device.engine.status()).toMatchObject({ previous: null, staged: null, highWater: 11 })
    expect(device.disk().tree('ota/bundle')).toBeUndefined()
    // Nor does the old one come back with the old binary: what it has was not proven here since.
    device.host = { ...device.host, nativeBuild: '7', runtimeVersion: 'rt-1' }
    expect(await boot()).toBe('embedded')
    await install(v3)
  })

  test('what failed on the old one is not tried on the new one', async () => {
    await install(v1)
    server.target = { release: v2 }
    await device.engine.sync()
    await session('crash')
    expect(await boot()).toBe('1.0.0')
    device.host = { ...device.host, nativeBuild: '8' }
    expect(await boot()).toBe('embedded')
    await device.engine.check()
    expect(server.checks.at(-1)).toMatchObject({ failedReleaseIds: [v2.releaseId], nativeBuild: '8' })
  })

  test('reports are told of the binary that they are of', async () => {
    device.host = { ...device.host, nativeBuild: '7', runtimeVersion: 'rt-1' }
    await install(v1)
    server.isReachable = false
    await device.engine.crashed()
    device.host = { ...device.host, nativeBuild: '8' }
    expect(await boot()).toBe('embedded')
    device.host = { nativeVersion: '1.0', platform: 'android' }
    await boot()
    server.isReachable = true
    await device.engine.flushReports()
    expect(server.batches().at(-1)).toMatchObject({ nativeBuild: '8', events: [{ kind: 'applied' }] })
  })

  describe('and tells when it was built', () => {
    const builtAt = Date.UTC(2025, 11, 15)
    const signed = (at: string, sequence: number, statement = {}) =>
      publisher.publish({ version: '1.0.0', sequence, statement: { createdAt: at, ...statement } })
    const older = signed('2025-12-14T23:59:59.999Z', 10)

    test('what was signed before, for no binary in particular, is refused once, and not blamed', async () => {
      device.host = { ...device.host, builtAt }
      server.target = { release: older }
      await boot()
      expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'older-than-binary' })
      expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'older-than-binary' })
      expect(server.kinds()).toEqual(['failed:older-than-binary'])
      expect(server.downloads()).toEqual([])
      expect(server.checks.at(-1)).toMatchObject({ embeddedBuiltAt: builtAt, failedReleaseIds: [] })
      // The same content, stated again.
      server.target = { release: signed('2025-12-15T00:00:00.000Z', 11) }
      expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    })

    test('what names the binaries that it is for is judged by that', async () => {
      device.host = { ...device.host, builtAt }
      const requirement = { minNativeVersion: '1.0' }
      server.target = { release: signed('2025-12-14T00:00:00.000Z', 10, { requirement }) }
      await boot()
      expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    })

    test('an order for embedded is taken however old it is', async () => {
      device.host = { ...device.host, builtAt: Date.UTC(2026, 0, 1) }
      await install(signed('2026-01-01T00:00:00.000Z', 10))
      device.host.builtAt = device.clock.now()
      server.target = { embedded: publisher.orderEmbedded(20) }
      await boot()
      expect(await device.engine.sync()).toMatchObject({ kind: 'staged', releaseId: null })
    })

    test.each([
      ['yet to come', Date.UTC(2026, 5, 1)],
      ['no time', Number.NaN],
      ['no whole number', 0.5],
      ['before everything', -1],
    ])('a time that is %s is not believed, and keeps no device from anything', async (_what, wrong) => {
      device.host = { ...device.host, builtAt: wrong }
      server.target = { release: older }
      await boot()
      expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
      expect(server.checks.at(-1)).not.toHaveProperty('embeddedBuiltAt')
    })

    test('a statement whose time cannot be read is not older than anything', async () => {
      device.host = { ...device.host, builtAt }
      server.target = { release: signed('14 December 2025', 10) }
      await boot()
      expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    })
  })

  test('the publisher’s requirement is judged on the device as well', async () => {
    const demanding = publisher.publish({
      version: '1.0.0',
      sequence: 10,
      statement: { requirement: { minNativeVersion: '2.0' } },
    })
    server.target = { release: demanding }
    await boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'requirement-not-met' })
    device.host = { ...device.host, nativeVersion: '2.0' }
    await install(demanding)
  })
})

function offerOf(release: typeof v1) {
  return {
    updateAvailable: true,
    bundleUrl: 'https://updates.test/none',
    hash: release.sha256,
    signature: release.signature,
    mandatory: false,
    version: release.version,
    releaseId: release.releaseId,
    sizeBytes: release.bundle.length,
    statement: release.statement,
    statementSignature: release.statementSignature,
  }
}
