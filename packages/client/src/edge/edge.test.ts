import { utf8FromText } from '@hotpatch/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { createDevice, type Device } from '../testing/device.ts'
import { createFakeEdge, EDGE_URL, KEYS, POINTER, timeAt, type FakeEdge } from '../testing/fake-edge.ts'
import { createFakeServer, SERVER, type FakeServer } from '../testing/fake-server.ts'
import { createPublisher } from '../testing/publisher.ts'
import { EDGE } from '../state/storage-layout.ts'

const START = Date.UTC(2026, 0, 1)
const HOUR_MS = 3_600_000
const publisher = createPublisher()
const v1 = publisher.publish({ version: '1.0.0', sequence: 10 })
const v2 = publisher.publish({ version: '1.1.0', sequence: 11 })
const all = [v1, v2]

let edge: FakeEdge
let server: FakeServer
let device: Device

function use(config: { hasServer: boolean; order?: 'first' | 'fallback' }): void {
  server = createFakeServer()
  server.intercept = (request) => edge.respond(request.url, request)
  const serverUrl = config.hasServer ? SERVER : ''
  const order = config.order ?? 'first'
  device = createDevice({
    server,
    publicKeys: [publisher.publicKey],
    config: { serverUrl, edge: { url: EDGE_URL, order } },
  })
}

beforeEach(() => {
  edge = createFakeEdge(publisher, START)
  edge.signKeys()
  use({ hasServer: false })
})

const boot = async () => device.identify(await device.boot(), all)

async function sync() {
  const outcome = await device.engine.sync()
  return outcome.kind === 'failed' ? outcome.code : outcome.kind
}

async function install(version: string): Promise<void> {
  expect(await sync()).toBe('staged')
  expect(await boot()).toBe(version)
  await device.engine.confirm()
}

/** All that was asked of the server, without its host. */
const askedOfServer = () =>
  server.requests.flatMap(({ url }) => (url.startsWith(SERVER) ? [url.slice(SERVER.length)] : []))

describe('without a server', () => {
  test('an update is taken of files alone, and the next one as well', async () => {
    edge.say([{ release: v1 }])
    expect(await boot()).toBe('embedded')
    await install('1.0.0')
    edge.say([{ release: v2 }, { release: v1 }])
    await install('1.1.0')
    expect(await sync()).toBe('up-to-date')
    expect(askedOfServer()).toEqual([])
  })

  test('a roll-back that the publisher has stated is one', async () => {
    edge.say([{ release: v2 }, { release: v1 }])
    await boot()
    await install('1.1.0')
    const again = publisher.publish({ version: '1.0.0', sequence: 12 })
    edge.say([{ release: v1, restated: again }, { release: v2 }, { release: v1 }])
    await install('1.0.0')
    expect(device.engine.status().highWater).toBe(12)
  })

  test('nobody is taken back without that: neither by the server’s key', async () => {
    edge.say([{ release: v2 }])
    await boot()
    await install('1.1.0')
    edge.say([{ release: v1 }])
    expect(await sync()).toBe('up-to-date')
    expect(await boot()).toBe('1.1.0')
  })

  test('what no publisher has signed is refused, whatever the server’s key says', async () => {
    const stranger = createPublisher().publish({ version: '1.0.0', sequence: 10 })
    edge.say([{ release: stranger }])
    await boot()
    expect(await sync()).toBe('signature-invalid')
  })

  test('what only the server can judge waits, and what was staged stays', async () => {
    edge.say([{ release: v1 }])
    await boot()
    expect(await sync()).toBe('staged')
    const audience = {
      devices: ['device-9'],
      cohorts: [],
      percentage: 0,
      buckets: 100 as const,
      rules: [],
      slice: null,
    }
    edge.say([{ release: v2, rollout: { audience } }, { release: v1 }])
    expect(await sync()).toBe('check-failed')
    expect(await boot()).toBe('1.0.0')
  })

  test('reports wait for a server', async () => {
    edge.say([{ release: v1 }])
    await boot()
    await install('1.0.0')
    await device.engine.flushReports()
    const outbox = JSON.parse(Buffer.from((await device.disk().read('ota/outbox.json')) ?? []).toString()) as unknown
    expect(JSON.stringify(outbox)).toMatch(/download-started.*confirmed/)
  })
})

describe('a hostile edge', () => {
  /** What it does after the device has taken 1.0.0 of it, and what becomes of that. */
  const ROWS: [what: string, does: () => void, code: string][] = [
    ['shows an older word', () => edge.files.set(POINTER, before), 'catalog-too-old'],
    ['shows nothing newer, for hours', () => device.clock.set(7 * HOUR_MS), 'catalog-expired'],
    [
      'signs with a key of its own',
      () => void edge.say([{ release: v2 }], {}, createPublisher().privateKey),
      'signature-invalid',
    ],
    [
      'signs with the key of a publisher of another app',
      () => edge.signKeys({}, createPublisher().privateKey),
      'up-to-date',
    ],
    ['speaks of another app', () => void edge.say([{ release: v2 }], { appId: 'another' }), 'wrong-app'],
    ['speaks of another platform', () => void edge.say([{ release: v2 }], { platform: 'ios' }), 'wrong-platform'],
    ['speaks of another channel', () => void edge.say([{ release: v2 }], { channel: 'staging' }), 'answer-invalid'],
    [
      'is good for ever',
      () => void edge.say([{ release: v2 }], { expiresAt: timeAt(START + 9 * 24 * HOUR_MS) }),
      'answer-invalid',
    ],
    [
      'ends in the middle',
      () => edge.files.set(POINTER, edge.files.get(POINTER)?.subarray(0, 100) ?? new Uint8Array()),
      'answer-invalid',
    ],
    ['never ends', () => edge.files.set(POINTER, new Uint8Array(40_000).fill(0x20)), 'answer-invalid'],
    ['is empty', () => edge.files.set(POINTER, new Uint8Array()), 'answer-invalid'],
    ['is no JSON', () => edge.files.set(POINTER, utf8FromText('<html>')), 'answer-invalid'],
    ['is gone', () => edge.files.clear(), 'check-failed'],
    [
      'has another catalog at the place',
      () => swapCatalog((bytes) => utf8FromText(Buffer.from(bytes).toString().replace('1.1.0', '9.1.0'))),
      'hash-mismatch',
    ],
    ['has a shorter catalog', () => swapCatalog((bytes) => bytes.subarray(0, -1)), 'hash-mismatch'],
    [
      'has a longer catalog',
      () => swapCatalog((bytes) => utf8FromText(`${Buffer.from(bytes).toString()} `)),
      'answer-invalid',
    ],
    [
      'says that a catalog is huge',
      () => void edge.say([{ release: v2 }], { catalog: { sha256: 'a'.repeat(64), sizeBytes: 3_000_000_000 } }),
      'answer-invalid',
    ],
    [
      'has an older key document',
      () => {
        edge.signKeys({ version: 7, keys: [] })
        edge.say([{ release: v2 }], { keysVersion: 7 }, createPublisher().privateKey)
      },
      'check-failed',
    ],
  ]
  let before: Uint8Array

  function swapCatalog(change: (bytes: Uint8Array) => Uint8Array): void {
    const { catalog } = edge.say([{ release: v2 }])
    const path = [...edge.files.keys()].find((name) => name.includes(catalog.sha256)) ?? ''
    edge.files.set(path, change(edge.files.get(path) ?? new Uint8Array()))
  }

  test.each(ROWS)('that %s', async (_what, does, code) => {
    edge.say([{ release: v1 }])
    before = edge.files.get(POINTER) ?? new Uint8Array()
    edge.say([{ release: v1 }])
    await boot()
    await install('1.0.0')
    does()
    expect(await sync()).toBe(code)
    // Whatever it does, what runs goes on.
    expect(await boot()).toBe('1.0.0')
  })

  test('cannot put back a key that was taken away', async () => {
    edge.say([{ release: v1 }])
    const old = new Map(edge.files)
    await boot()
    await install('1.0.0')
    const next = createPublisher('archive', 'next server')
    edge.signKeys({ keys: [{ publicKey: next.publicKey, notAfter: timeAt(START + 100 * 24 * HOUR_MS) }] })
    edge.say([{ release: v1 }], {}, next.privateKey)
    expect(await sync()).toBe('up-to-date')
    for (const [name, bytes] of old) edge.files.set(name, bytes)
    expect(await sync()).toBe('catalog-too-old')
    // Also in another process.
    await boot()
    expect(await sync()).toBe('catalog-too-old')
  })

  test('whose key was stolen and pushed as far as it goes is mended by a new one', async () => {
    edge.say([{ release: v1 }])
    await boot()
    await install('1.0.0')
    edge.say([{ release: v1 }], { generation: Number.MAX_SAFE_INTEGER })
    expect(await sync()).toBe('up-to-date')
    edge.say([{ release: v2 }])
    expect(await sync()).toBe('catalog-too-old')
    const next = createPublisher('archive', 'next server')
    edge.signKeys({ keys: [{ publicKey: next.publicKey, notAfter: timeAt(START + 100 * 24 * HOUR_MS) }] })
    edge.say([{ release: v2 }], {}, next.privateKey)
    expect(await sync()).toBe('staged')
  })

  test('whose key has come to its end is believed no longer', async () => {
    edge.signKeys({ keys: [{ publicKey: edge.server.publicKey, notAfter: timeAt(START + HOUR_MS) }] })
    edge.say([{ release: v1 }])
    await boot()
    expect(await sync()).toBe('staged')
    device.clock.set(HOUR_MS)
    expect(await sync()).toBe('catalog-expired')
  })
})

describe('a wrong clock', () => {
  test('that was set back finds out by what was heard before', async () => {
    edge.say([{ release: v1 }])
    const old = edge.files.get(POINTER) ?? new Uint8Array()
    await boot()
    expect(await sync()).toBe('staged')
    device.clock.set(8 * HOUR_MS)
    edge.say([{ release: v1 }], { issuedAt: timeAt(START + 8 * HOUR_MS), expiresAt: timeAt(START + 14 * HOUR_MS) })
    expect(await sync()).toBe('staged')
    device.clock.set(-8 * HOUR_MS)
    edge.files.set(POINTER, old)
    // Were it only for the clock, it would be good.
    expect(await sync()).toBe('catalog-expired')
  })

  test('that is behind finds out by the time that an honest mirror tells', async () => {
    edge.say([{ release: v1 }])
    const respond = edge.respond
    edge.respond = (url, request) => {
      const answer = respond(url, request)
      return answer && { ...answer, headers: { ...answer.headers, date: new Date(START + 7 * HOUR_MS).toUTCString() } }
    }
    await boot()
    expect(await sync()).toBe('catalog-expired')
  })

  test('that is far ahead believes nothing, and asks the server', async () => {
    use({ hasServer: true })
    edge.say([{ release: v1 }])
    server.target = { release: v2 }
    device.clock.set(365 * 24 * HOUR_MS)
    await boot()
    expect(await sync()).toBe('staged')
    expect(server.kinds()).toContain('failed:catalog-expired')
  })
})

describe('with a server', () => {
  test('nothing is asked of it but to take reports, as long as the edge can say', async () => {
    use({ hasServer: true })
    edge.say([{ release: v1 }])
    await boot()
    await install('1.0.0')
    await device.engine.flushReports()
    expect(new Set(askedOfServer())).toEqual(new Set(['/events']))
    expect(server.kinds()).toEqual(['download-started', 'downloaded', 'applied', 'confirmed'])
  })

  test('it judges what the edge leaves to it', async () => {
    use({ hasServer: true })
    const audience = {
      devices: ['device-1'],
      cohorts: [],
      percentage: 0,
      buckets: 100 as const,
      rules: [],
      slice: null,
    }
    edge.say([{ release: v2, rollout: { audience } }, { release: v1 }])
    server.target = { release: v2 }
    await boot()
    await install('1.1.0')
  })

  test('it is asked when the edge is not believed, and hears of that once', async () => {
    use({ hasServer: true })
    edge.say([{ release: v1 }], {}, createPublisher().privateKey)
    server.target = { release: v2 }
    await boot()
    const heard: string[] = []
    device.engine.subscribe((event) => {
      if (event.type === 'edge-refused') heard.push(event.code)
    })
    expect(await sync()).toBe('staged')
    expect(await sync()).toBe('staged')
    expect(heard).toEqual(['signature-invalid', 'signature-invalid'])
    expect(server.kinds().filter((kind) => kind === 'failed:signature-invalid')).toHaveLength(1)
  })

  test('it may come first, and the edge when it is not reached', async () => {
    use({ hasServer: true, order: 'fallback' })
    edge.say([{ release: v1 }])
    server.target = { release: v2 }
    server.intercept = (request) => {
      if (request.url === `${SERVER}/update/check`) throw new Error('no route to host')
      return edge.respond(request.url, request)
    }
    await boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged', version: '1.0.0' })
    server.intercept = (request) => edge.respond(request.url, request)
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged', version: '1.1.0' })
  })
})

describe('what is kept', () => {
  test('outlives the process, and no more is lost with the file than what it bars', async () => {
    edge.say([{ release: v1 }])
    const older = edge.files.get(POINTER) ?? new Uint8Array()
    edge.say([{ release: v1 }])
    await boot()
    expect(await sync()).toBe('staged')
    edge.files.set(POINTER, older)
    await boot()
    expect(await sync()).toBe('catalog-too-old')
    await device.disk().write(EDGE, utf8FromText('{'))
    await boot()
    expect(await sync()).toBe('up-to-date')
  })

  test('the keys are fetched once', async () => {
    edge.say([{ release: v1 }])
    await boot()
    await sync()
    await boot()
    await sync()
    expect(server.requests.filter(({ url }) => url.endsWith(KEYS))).toHaveLength(1)
  })
})

test('an edge needs public keys', async () => {
  device = createDevice({ server, config: { edge: { url: EDGE_URL } } })
  expect(() => device.boot()).toThrow('an edge needs public keys')
})

test('an edge whose address is not safe is not asked', async () => {
  device = createDevice({
    server,
    publicKeys: [publisher.publicKey],
    config: { serverUrl: '', edge: { url: 'http://cdn.test' } },
  })
  await boot()
  expect(await sync()).toBe('insecure-url')
})
