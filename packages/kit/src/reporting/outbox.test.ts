import { createMemoryFiles, createVirtualClock } from '@hotpatch/client/memory'
import { createNodeCrypto } from '@hotpatch/client/node'
import { sleep, type HttpRequest } from '@hotpatch/device-ground'
import { KIT_CODES } from '../ground/kit-error.ts'
import { isDeviceFailure, utf8FromText } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import { OUTBOX_FILE } from '../ground/kit-files.ts'
import { eventIdOf, readReports, reportedCode, shortDetail } from './kit-report.ts'
import { createOutbox, OUTBOX_LIMITS, type Reporter } from './outbox.ts'

const REPORTER: Reporter = {
  source: { url: 'https://updates.example/base', appId: 'the app', appKey: 'hpk_key' },
  installId: 'install-1',
  installerVersion: '1.0.0',
  platform: 'linux',
  architecture: 'arm64',
  channel: 'stable',
}

interface SentBody {
  events: { id: string; kind: string; component?: string; version: string }[]
}

function outboxOn(
  disk = createMemoryFiles(),
  answer: (
    body: SentBody,
    count: number,
  ) => { status: number; headers?: Record<string, string>; body?: string; afterMs?: number } | undefined = () => ({
    status: 200,
  }),
  reporter = REPORTER,
) {
  const requests: HttpRequest[] = []
  const clock = createVirtualClock({ whenIdle: setImmediate, startAt: Date.parse('2026-06-02T12:00:00Z') })
  const http = {
    open(request: HttpRequest) {
      requests.push(request)
      const answered = answer(JSON.parse(request.body ?? '') as SentBody, requests.length)
      async function* body() {
        yield utf8FromText(answered?.body ?? '{}')
      }
      const response = answered
        ? sleep(clock, answered.afterMs ?? 0).then(() => ({
            status: answered.status,
            headers: answered.headers ?? {},
            body: body(),
          }))
        : Promise.reject(new Error('no network'))
      return { response, abort: () => undefined }
    },
  }
  const crypto = createNodeCrypto()
  return { disk, requests, clock, outbox: createOutbox({ disk, http, clock, crypto, allowInsecure: false }, reporter) }
}

const APPLIED = { transaction: 't-1', kind: 'applied', releaseId: '2026.06.02' } as const
const sentIn = (requests: readonly HttpRequest[]) =>
  requests.flatMap(({ body }) => (JSON.parse(body ?? '') as SentBody).events.map(({ id }) => id))

describe('reports', () => {
  test('are told to the server as of this installation, and are gone then', async () => {
    const { outbox, requests, disk } = outboxOn()
    await outbox.add(
      { ...APPLIED, component: 'web' },
      { ...APPLIED, kind: 'rolled-back', code: 'probe-failed', detail: 'gateway answered 500', rolloutId: 'r-1' },
    )
    expect(await outbox.flush()).toEqual({ sent: 2, dropped: [], waiting: 0 })
    expect(requests[0]).toMatchObject({
      url: 'https://updates.example/base/events',
      headers: { 'x-app-key': 'hpk_key' },
    })
    expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({
      appId: 'the app',
      deviceId: 'install-1',
      platform: 'linux',
      channel: 'stable',
      nativeVersion: '1.0.0',
      events: [
        { kind: 'applied', component: 'web', version: '2026.06.02', occurredAt: '2026-06-02T12:00:00.000Z' },
        { kind: 'rolled-back', code: 'probe-failed', detail: 'gateway answered 500', rolloutId: 'r-1' },
      ],
    })
    expect(await outboxOn(disk).outbox.flush()).toEqual({ sent: 0, dropped: [], waiting: 0 })
  })

  test('each has one id, whoever tells it, and however often', async () => {
    const disk = createMemoryFiles()
    await outboxOn(disk).outbox.add(APPLIED)
    const { outbox, requests } = outboxOn(disk)
    await outbox.add(APPLIED)
    await outbox.add({ ...APPLIED, component: 'web' }, { ...APPLIED, transaction: 't-2' })
    await outbox.flush()
    const ids = sentIn(requests)
    expect(new Set(ids).size).toBe(3)
    expect(ids).toHaveLength(3)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(await eventIdOf(createNodeCrypto(), APPLIED)).toBe(ids[0])
  })

  test('wait while nobody can be told, and go in the order in which they happened', async () => {
    const disk = createMemoryFiles()
    const offline = outboxOn(disk, () => undefined)
    await offline.outbox.add(APPLIED, { ...APPLIED, kind: 'confirmed' })
    expect(await offline.outbox.flush()).toEqual({ sent: 0, dropped: [], waiting: 2 })
    const { outbox, requests } = outboxOn(disk)
    expect(await outbox.flush()).toMatchObject({ sent: 2 })
    expect((JSON.parse(requests[0]?.body ?? '') as SentBody).events.map(({ kind }) => kind)).toEqual([
      'applied',
      'confirmed',
    ])
  })

  test.each([401, 403, 404, 408, 500, 502])('an answer %i says nothing about them', async (status) => {
    const { outbox } = outboxOn(createMemoryFiles(), () => ({ status }))
    await outbox.add(APPLIED)
    expect(await outbox.flush()).toEqual({ sent: 0, dropped: [], waiting: 1 })
  })

  test('a server that asks for patience is not asked again before', async () => {
    const { outbox, requests, clock } = outboxOn(createMemoryFiles(), (_body, count) =>
      count === 1 ? { status: 429, headers: { 'retry-after': '60' } } : { status: 200 },
    )
    await outbox.add(APPLIED)
    await outbox.flush()
    await outbox.flush()
    expect(requests).toHaveLength(1)
    await new Promise<void>((resolve) => void clock.after(60_000, resolve))
    expect(await outbox.flush()).toMatchObject({ sent: 1 })
  })

  test('one that is never taken stands in the way of no other', async () => {
    const { outbox, requests } = outboxOn(createMemoryFiles(), ({ events }) => ({
      status: events.some(({ component }) => component === 'bad') ? 400 : 200,
    }))
    for (const component of ['a', 'b', 'bad', 'c', 'd']) await outbox.add({ ...APPLIED, component })
    expect(await outbox.flush()).toEqual({ sent: 4, dropped: ['the server answered 400'], waiting: 0 })
    expect(requests.length).toBeLessThan(12)
  })

  test('a server that refuses each of them slowly holds nobody up for longer than a minute', async () => {
    const { outbox, requests } = outboxOn(createMemoryFiles(), () => ({ status: 400, afterMs: 10_000 }))
    await outbox.add(...Array.from({ length: 200 }, (_each, index) => ({ ...APPLIED, transaction: `t-${index}` })))
    expect((await outbox.flush()).waiting).toBeGreaterThan(100)
    expect(requests).toHaveLength(OUTBOX_LIMITS.flushMs / 10_000)
  })

  test('what the server rejects of them is said, and not sent again', async () => {
    const { outbox } = outboxOn(createMemoryFiles(), () => ({
      status: 200,
      body: '{"accepted":0,"rejected":[{"index":0,"type":"release-not-found"}]}',
    }))
    await outbox.add(APPLIED)
    const { dropped, sent, waiting } = await outbox.flush()
    expect({ sent, waiting }).toEqual({ sent: 0, waiting: 0 })
    expect(dropped[0]).toContain('release-not-found')
  })

  test('a full disk, and one that is damaged, stop nothing', async () => {
    const full = outboxOn(createMemoryFiles({ fullAt: 1 }))
    await full.outbox.add(APPLIED)
    expect(await full.outbox.flush()).toEqual({ sent: 0, dropped: [], waiting: 0 })
    const disk = createMemoryFiles()
    await disk.makeDirectory('.kit')
    await disk.write(OUTBOX_FILE, utf8FromText('{'))
    const damaged = outboxOn(disk)
    await damaged.outbox.add(APPLIED)
    expect(await damaged.outbox.flush()).toMatchObject({ sent: 1 })
  })

  test('are bounded: the oldest go', async () => {
    const { outbox, requests } = outboxOn()
    const many = Array.from({ length: OUTBOX_LIMITS.reports + 5 }, (_each, index) => ({
      ...APPLIED,
      transaction: `t-${index}`,
    }))
    await outbox.add(...many)
    expect(await outbox.flush()).toMatchObject({ sent: OUTBOX_LIMITS.reports })
    expect(requests).toHaveLength(OUTBOX_LIMITS.reports / OUTBOX_LIMITS.atOnce)
    expect(sentIn(requests)).not.toContain(await eventIdOf(createNodeCrypto(), { ...APPLIED, transaction: 't-0' }))
  })

  test('whoever asks nobody tells nobody', async () => {
    const { outbox, requests, disk } = outboxOn(createMemoryFiles(), undefined, { ...REPORTER, source: undefined })
    await outbox.add(APPLIED)
    await outbox.flush()
    expect(requests).toEqual([])
    expect(disk.changes()).toBe(0)
  })
})

test("a fault of this machine is told by a word that blames no release, and a release's by its own", () => {
  for (const [code, { isOfRelease }] of Object.entries(KIT_CODES) as [
    keyof typeof KIT_CODES,
    { isOfRelease: boolean },
  ][]) {
    if (!isOfRelease) expect(isDeviceFailure('failed', reportedCode(code))).toBe(false)
    else expect(reportedCode(code)).toBe(code)
  }
})

test('what is read from a file is what can be read, and details have an end', () => {
  const report = { id: 'a', kind: 'applied', releaseId: '1', occurredAt: 'now', later: true }
  expect(readReports([report, { ...report, kind: 'exploded' }, 7, { ...report, code: 7 }])).toEqual([
    { id: 'a', kind: 'applied', releaseId: '1', occurredAt: 'now' },
  ])
  expect(shortDetail(`${'a'.repeat(498)}😀😀`)).toBe(`${'a'.repeat(498)}…`)
  // Whatever a hook has printed may be a secret of its machine.
  expect(shortDetail('node ended with 1.\nDATABASE_PASSWORD=…')).toBe('node ended with 1.')
})
