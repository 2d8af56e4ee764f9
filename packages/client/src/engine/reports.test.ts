import { utf8FromText } from '@hotpatch/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { jsonFromUtf8 } from '../ground/bytes.ts'
import type { EngineEvent } from '../ground/engine-event.ts'
import { createDevice, type Device } from '../testing/device.ts'
import { chunked, createFakeServer, SERVER, type FakeResponse, type FakeServer } from '../testing/fake-server.ts'
import { createPublisher } from '../testing/publisher.ts'

const publisher = createPublisher()
const v1 = publisher.publish({ version: '1.0.0', sequence: 10 })
const v2 = publisher.publish({ version: '1.1.0', sequence: 11 })

let server: FakeServer
let device: Device
let dropped: EngineEvent[]

beforeEach(() => {
  server = createFakeServer()
  device = createDevice({ server, publicKeys: [publisher.publicKey] })
  dropped = []
})

async function boot(): Promise<void> {
  await device.boot()
  device.engine.subscribe((event) => {
    if (event.type === 'report-dropped') dropped.push(event)
  })
}

/** Nothing that this device has to tell arrives, until `listen` is called. */
function deafen(): () => void {
  server.intercept = ({ url }) => (url === `${SERVER}/events` ? { status: 500 } : undefined)
  return () => {
    server.intercept = () => undefined
    server.requests.length = 0
  }
}

async function install(release: typeof v1): Promise<void> {
  server.target = { release }
  await boot()
  await device.engine.sync()
  await boot()
  await device.engine.confirm()
  await device.engine.flushReports()
}

function answerEvents(answer: (body: { events: { id: string }[] }, attempt: number) => FakeResponse | undefined): void {
  let attempt = 0
  server.intercept = ({ url, body = '' }) => {
    if (url !== `${SERVER}/events`) return undefined
    attempt += 1
    return answer(JSON.parse(body) as { events: { id: string }[] }, attempt)
  }
}

describe('reports (Engine §7)', () => {
  test('that wait go in one request, which says of whom and when', async () => {
    const listen = deafen()
    await install(v1)
    listen()
    await device.engine.flushReports()
    expect(server.batches()).toEqual([
      {
        appId: expect.any(String),
        deviceId: 'device-1',
        platform: 'android',
        channel: 'production',
        sentAt: expect.stringMatching(/^2026-01-01T/),
        nativeVersion: '1.0',
        highestSequence: v1.sequence,
        floor: 0,
        trustedKeys: [expect.stringMatching(/^[0-9a-f]{16}$/)],
        events: ['download-started', 'downloaded', 'applied', 'confirmed'].map((kind) => ({
          id: expect.any(String),
          kind,
          releaseId: v1.releaseId,
          version: '1.0.0',
          occurredAt: expect.stringMatching(/^2026-01-01T/),
          ...(kind === 'downloaded' && { receivedBytes: v1.bundle.length, arrival: 'whole' }),
        })),
      },
    ])
    await device.engine.flushReports()
    expect(server.batches()).toHaveLength(1)
  })

  test('go in as many requests as the limit makes them', async () => {
    device = createDevice({ server, publicKeys: [publisher.publicKey], config: { limits: { reportsAtOnce: 3 } } })
    const listen = deafen()
    await install(v1)
    listen()
    await device.engine.flushReports()
    expect(server.batches().map(({ events }) => (events as unknown[]).length)).toEqual([3, 1])
  })

  test('of two native versions go in two requests', async () => {
    const listen = deafen()
    await install(v1)
    device.host = { ...device.host, nativeVersion: '2.0' }
    await boot()
    listen()
    await device.engine.flushReports()
    expect(server.batches().map(({ nativeVersion }) => nativeVersion)).toEqual(['1.0', '2.0'])
  })

  test('and checks say what the device is, when its host knows', async () => {
    const attributes = { nativeBuild: '45', osVersion: '15', model: 'Pixel 9', locale: 'de-AT' }
    device.host = { ...device.host, ...attributes }
    await install(v1)
    expect(server.checks[0]).toMatchObject(attributes)
    expect(server.batches()[0]).toMatchObject(attributes)
  })

  test('that the server rejects are dropped with its reason; the others arrived', async () => {
    answerEvents(({ events }) => {
      const rejected = events
        .slice(0, 1)
        .map(({ id }) => ({ id, type: 'release-not-found', detail: 'no such release' }))
      return { status: 200, body: utf8FromText(JSON.stringify({ accepted: events.length - 1, rejected })) }
    })
    await boot()
    server.target = { release: v1 }
    await device.engine.sync()
    expect(dropped).toMatchObject([
      { report: { kind: 'download-started' }, reason: 'release-not-found: no such release' },
    ])
    await device.engine.flushReports()
    expect(server.batches()).toHaveLength(1)
  })

  test('that make the server refuse the whole request are found by halves', async () => {
    const taken: string[] = []
    answerEvents(({ events }) => {
      const isBad = (event: { id: string }) => (event as unknown as { kind: string }).kind === 'applied'
      if (events.some(isBad)) return { status: 400, body: utf8FromText('{"detail":"no"}') }
      taken.push(...events.map((event) => (event as unknown as { kind: string }).kind))
      return undefined
    })
    const listen = server.intercept
    deafen()
    await install(v1)
    server.intercept = listen
    await boot()
    await device.engine.flushReports()
    expect(taken).toEqual(['download-started', 'downloaded', 'confirmed'])
    expect(dropped).toMatchObject([{ report: { kind: 'applied' }, reason: 'the server answered 400: no' }])
  })

  test.each([429, 503])('wait as long as a server asks that answers %i', async (status) => {
    answerEvents((_, attempt) => (attempt === 1 ? { status, headers: { 'retry-after': '60' } } : undefined))
    await boot()
    server.target = { release: v1 }
    await device.engine.sync()
    await device.engine.flushReports()
    expect(server.batches()).toHaveLength(1)
    expect(server.reports).toEqual([])
    await new Promise<void>((resolve) => {
      device.clock.after(60_000, resolve)
    })
    await device.engine.flushReports()
    expect(server.kinds()).toEqual(['download-started', 'downloaded'])
  })

  test('of another engine that cannot be read cost nothing else', async () => {
    deafen()
    await install(v1)
    const rewrite = async (path: string, change: (json: never) => unknown) => {
      const bytes = (await device.disk().read(path)) ?? expect.unreachable()
      await device.disk().write(path, utf8FromText(JSON.stringify(change(jsonFromUtf8(bytes) as never))))
    }
    const stored = {
      releaseId: v1.releaseId,
      version: '1.0.0',
      nativeVersion: '1.0',
      occurredAt: '2026-01-01T00:00:00Z',
    }
    await rewrite('ota/outbox.json', () => [
      { ...stored, eventId: '1', kind: 'rolled-back', code: 'crashed' },
      { ...stored, eventId: '2', kind: 'download-failed', code: 'download-timeout' },
      { ...stored, eventId: '3', kind: 'of a later engine' },
    ])
    await rewrite('ota/metadata.json', (state: object) => ({
      ...state,
      unreported: [{ ...stored, eventId: '4', kind: 'confirmed' }, 'nonsense'],
    }))
    server.intercept = () => undefined
    server.requests.length = 0
    await boot()
    await device.engine.flushReports()
    expect(device.engine.status()).toMatchObject({ standing: 'confirmed', highWater: 10 })
    expect(server.kinds()).toEqual(['rolled-back:crashed', 'download-failed:download-timeout', 'confirmed'])
  })

  test('that the disk takes no more are told all the same, and once', async () => {
    const listen = deafen()
    await install(v1)
    await boot()
    const full = async () => {
      throw new Error('ENOSPC')
    }
    const disk = device.disk()
    await device.disk().remove('ota/outbox.json')
    listen()
    server.target = { release: v2 }
    await device.boot({
      ...disk,
      write: (path, bytes) => (path.startsWith('ota/outbox') ? full() : disk.write(path, bytes)),
    })
    await device.engine.sync()
    await device.engine.flushReports()
    expect(server.kinds()).toEqual(['download-started', 'downloaded'])
    await boot()
    await device.engine.flushReports()
    expect(server.kinds()).toEqual(['download-started', 'downloaded', 'applied'])
  })

  test('of a failure that names no release blame none', async () => {
    await install(v1)
    server.tamper = () => []
    await device.engine.sync()
    expect(server.reports.at(-1)).toEqual({
      id: expect.any(String),
      kind: 'failed',
      code: 'answer-invalid',
      detail: expect.any(String),
      occurredAt: expect.any(String),
    })
  })
})

describe('a download that is interrupted', () => {
  test('began once, and counts what came over the network', async () => {
    device = createDevice({ server, publicKeys: [publisher.publicKey], config: { limits: { attempts: 1 } } })
    server.target = { release: v2 }
    let isFirst = true
    server.intercept = ({ method }) => {
      if (method !== 'GET' || !isFirst) return undefined
      isFirst = false
      return { status: 200, headers: { etag: '"a"' }, body: chunked(v2.bundle, 10, 100) }
    }
    await boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'download-failed' })
    await boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(server.kinds()).toEqual(['download-started', 'download-failed:download-failed', 'downloaded'])
    expect(server.reports.at(-1)?.receivedBytes).toBe(v2.bundle.length)
  })

  test('that must begin again is counted as often as it came', async () => {
    device = createDevice({ server, publicKeys: [publisher.publicKey], config: { limits: { attempts: 2 } } })
    server.target = { release: v2 }
    let isFirst = true
    server.intercept = ({ method }) => {
      if (method !== 'GET' || !isFirst) return undefined
      isFirst = false
      return { status: 200, body: chunked(v2.bundle, 10, 100) }
    }
    await boot()
    await device.engine.sync()
    expect(server.reports.at(-1)?.receivedBytes).toBe(v2.bundle.length + 100)
  })
})
