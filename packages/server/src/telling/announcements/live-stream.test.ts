import { connect } from 'node:net'
import { createManagementClient, readEventStream, type Announcement, type StreamEvent } from '@hotpatch/api'
import {
  bundleOf,
  createPostgresDatabase,
  describeOnEveryDatabase,
  eventually,
  problemOf,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'
import { createFakeTime } from '../../fleet/recording/testing/fake-time.ts'

const env = { HOTPATCH_REFRESH_SECONDS: '3600' }
const soon = <Result>(check: () => Result | Promise<Result>) => eventually(check, { everyMs: 5 })

/** Reads a stream in the background, until the test ends. */
async function watch(url: string, token: string, { query = '', lastId }: { query?: string; lastId?: string } = {}) {
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  const response = await fetch(`${url}/manage/v1/stream${query}`, {
    headers: {
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
      ...(lastId !== undefined && { 'last-event-id': lastId }),
    },
    signal: abort.signal,
  })
  const events: StreamEvent[] = []
  let bytes = ''
  const [shown, raw] = response.body?.tee() ?? []
  if (!shown || !raw) throw new Error('There is no stream.')
  const ended = (async () => {
    for await (const event of readEventStream(shown)) events.push(event)
    return 'ended'
  })().catch(() => 'broken')
  void (async () => {
    for await (const chunk of raw.pipeThrough(new TextDecoderStream())) bytes += chunk
  })().catch(() => undefined)
  const announced = (): Announcement[] =>
    events.flatMap((event) => (event.kind === 'announcement' ? [event.announcement] : []))
  return { response, events, announced, ended, bytes: () => bytes, close: () => abort.abort() }
}

describeOnEveryDatabase('the live stream', (openDatabase, database) => {
  const time = createFakeTime()
  let db: Database
  let server: TestServer
  let url: string

  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, env, clock: time.clock, timers: time.timers })
    url = await server.listen()
  })
  afterAll(() => server.close())

  let versions = 0
  const startRollout = async (app: { slug: string }) => {
    versions += 1
    return (await server.published(app, { bundle: await bundleOf(`${versions}`), version: `1.0.${versions}` }))
      .rolloutId
  }
  const pause = (rolloutId: string) => server.request('POST', `/manage/v1/rollouts/${rolloutId}/pause`)
  const openStreams = async () => {
    const { body } = await server.request('GET', '/metrics')
    return Number(/^hotpatch_live_streams (\d+)$/m.exec(String(body))?.[1])
  }

  test('tells what happens, in its order, each thing once, to everybody the same', async () => {
    const app = await server.createTestApp()
    const readers = [await watch(url, server.ownerToken), await watch(url, server.ownerToken)]
    expect(readers[0]?.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const rolloutId = await startRollout(app)
    await Promise.all(
      [2, 3, 4, 5, 6].map((percentage) =>
        server.request('PATCH', `/manage/v1/rollouts/${rolloutId}`, { body: { percentage } }),
      ),
    )
    await pause(rolloutId)
    const { items } = (await server.request('GET', `/manage/v1/announcements?app=${app.slug}`)).body
    for (const { announced } of readers) {
      await soon(() => expect(announced().map(({ id }) => id)).toHaveLength(8))
      expect(
        announced()
          .map(({ id }) => id)
          .toSorted(),
      ).toEqual(items.map(({ id }: Announcement) => id).toSorted())
    }
    const [first, second] = readers.map(({ announced }) => announced())
    expect(second).toEqual(first)
    expect(first?.[0]).toMatchObject({ type: 'release.published', appId: app.id })
    expect(first?.at(-1)).toMatchObject({
      type: 'rollout.paused',
      data: { rollout: { id: rolloutId, state: 'paused' } },
    })
    expect(readers[0]?.bytes()).toContain(`id: ${first?.[0]?.id}\nevent: release.published\ndata: {`)
  })

  test('goes on behind the last event that the reader has', async () => {
    const app = await server.createTestApp()
    const before = await watch(url, server.ownerToken)
    await pause(await startRollout(app))
    await soon(() => expect(before.announced()).toHaveLength(3))
    before.close()
    const missed = await startRollout(app)
    const again = await watch(url, server.ownerToken, { lastId: before.announced()[1]?.id ?? '' })
    await pause(missed)
    await soon(() => expect(again.announced()).toHaveLength(4))
    expect(again.announced().map(({ type }) => type)).toEqual([
      'rollout.paused',
      'release.published',
      'rollout.started',
      'rollout.paused',
    ])
    expect(again.events.map(({ kind }) => kind)).not.toContain('reset')
  })

  test('says so when more was missed than it tells', async () => {
    const app = await server.createTestApp()
    const before = await watch(url, server.ownerToken)
    await startRollout(app)
    await soon(() => expect(before.announced()).toHaveLength(2))
    const data = JSON.stringify({ by: 'test' })
    const at = time.clock.now()
    const rows = Array.from({ length: 1001 }, () => ({
      id: crypto.randomUUID(),
      app_id: app.id,
      type: 'rollback',
      at,
      data,
      position: null,
    }))
    for (let index = 0; index < rows.length; index += 100) {
      await db
        .insertInto('announcement')
        .values(rows.slice(index, index + 100))
        .execute()
    }
    await startRollout(app)
    await soon(() => expect(before.announced()).toHaveLength(1005))
    const [published] = before.announced()
    for (const lastId of [published?.id ?? '', 'nothing', crypto.randomUUID()]) {
      const reader = await watch(url, server.ownerToken, { lastId })
      await soon(() => expect(reader.events.map(({ kind }) => kind)).toEqual(['open', 'reset']))
      reader.close()
    }
    const told = before.announced()
    const within = await watch(url, server.ownerToken, { lastId: told.at(-1001)?.id ?? '' })
    await soon(() => expect(within.announced()).toHaveLength(1000))
    expect(within.announced()).toEqual(told.slice(-1000))
  })

  test('tells of the app that was asked for, and to a token for one app of no other', async () => {
    const mine = await server.createTestApp()
    const theirs = await server.createTestApp()
    const token = await server.createToken({ role: 'reader', app: mine.slug })
    const byToken = await watch(url, token)
    const byQuery = await watch(url, server.ownerToken, { query: `?app=${mine.slug}` })
    await startRollout(theirs)
    await startRollout(mine)
    for (const { announced } of [byToken, byQuery]) {
      await soon(() => expect(announced().map(({ appId }) => appId)).toEqual([mine.id, mine.id]))
    }
    const refused = await server.request('GET', `/manage/v1/stream?app=${theirs.slug}`, { token })
    expect(problemOf(refused)).toBe('403 forbidden')
    const { body } = await server.request('GET', '/manage/v1/announcements', { token })
    expect(new Set(body.items.map(({ appId }: Announcement) => appId))).toEqual(new Set([mine.id]))
  })

  // Sockets and timers are the same on every database.
  if (database !== 'sqlite') return

  test('is told in one form only', async () => {
    expect(problemOf(await server.request('GET', '/manage/v1/stream'))).toBe('406 not-acceptable')
    const headers = { accept: 'application/json' }
    expect(problemOf(await server.request('GET', '/manage/v1/stream', { headers }))).toBe('406 not-acceptable')
  })

  test('shows every twenty seconds that it is there, and ends when the token does', async () => {
    const body = { name: 'soon over', role: 'reader' }
    const { body: revoked } = await server.request('POST', '/manage/v1/tokens', { body })
    const expiresAt = new Date(time.clock.now() + 30_000).toISOString()
    const expiring = await server.createToken({ role: 'reader', expiresAt })
    const [ofOwner, ofRevoked, ofExpiring] = [
      await watch(url, server.ownerToken),
      await watch(url, revoked.token),
      await watch(url, expiring),
    ]
    const beats = ({ bytes }: typeof ofOwner) =>
      bytes()
        .split('\n')
        .filter((line) => line === ':').length
    await soon(() =>
      expect([ofOwner, ofRevoked, ofExpiring].map(({ bytes }) => bytes() !== '')).toEqual([true, true, true]),
    )
    await time.advance(20_000)
    await soon(() => expect([ofOwner, ofRevoked, ofExpiring].map(beats)).toEqual([1, 1, 1]))
    await server.request('POST', `/manage/v1/tokens/${revoked.id}/revoke`)
    await time.advance(20_000)
    expect(await Promise.all([ofRevoked.ended, ofExpiring.ended])).toEqual(['ended', 'ended'])
    await soon(() => expect(beats(ofOwner)).toBe(2))
    await startRollout(await server.createTestApp())
    await soon(() => expect(ofOwner.announced()).toHaveLength(2))
  })

  test('is for fifty readers of one token at once, and the next one is told when to come again', async () => {
    await soon(async () => expect(await openStreams()).toBe(0))
    const readers = await Promise.all(Array.from({ length: 50 }, () => watch(url, server.ownerToken)))
    const headers = { accept: 'text/event-stream' }
    const refused = await server.request('GET', '/manage/v1/stream', { headers })
    expect([problemOf(refused), refused.headers['retry-after']]).toEqual(['429 too-many-requests', '30'])
    readers[0]?.close()
    await soon(async () => expect(await openStreams()).toBe(49))
    const next = await watch(url, server.ownerToken)
    expect(next.response.status).toBe(200)
    for (const { close } of [...readers, next]) close()
    await soon(async () => expect(await openStreams()).toBe(0))
  })

  test('drops a reader that does not read, and waits for one that does', async () => {
    await soon(async () => expect(await openStreams()).toBe(0))
    const app = await server.createTestApp()
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    socket.pause()
    socket.write(
      'GET /manage/v1/stream HTTP/1.1\r\nhost: here\r\naccept: text/event-stream\r\n' +
        `authorization: Bearer ${server.ownerToken}\r\n\r\n`,
    )
    await soon(async () => expect(await openStreams()).toBe(1))
    const reading = await watch(url, server.ownerToken)
    // More than the buffers of the two machines take.
    const data = JSON.stringify({ notes: 'x'.repeat(500_000) })
    for (let count = 0; count < 40; count++) {
      const row = { id: crypto.randomUUID(), app_id: app.id, type: 'rollback', at: 0, data, position: null }
      await db.insertInto('announcement').values(row).execute()
    }
    await startRollout(app)
    await soon(() => expect(reading.announced()).toHaveLength(42))
    expect(await openStreams()).toBe(2)
    await time.advance(20_000)
    await soon(async () => expect(await openStreams()).toBe(1))
    reading.close()
    await db.deleteFrom('announcement').where('app_id', '=', app.id).execute()
  })
})

test('the live stream ends when the server stops, which does not wait for it', async () => {
  // Longer than a test may take.
  const server = await startTestServer({ env: { ...env, HOTPATCH_STOP_SECONDS: '600' } })
  const reader = await watch(await server.listen(), server.ownerToken)
  await server.close()
  expect(await reader.ended).toBe('ended')
})

test('the client of the API reads the stream, and says when it breaks', async () => {
  const server = await startTestServer()
  const client = createManagementClient({ url: await server.listen(), token: server.ownerToken })
  const stream = client.streamAnnouncements()
  expect(await stream.next()).toEqual({ done: false, value: { kind: 'open' } })
  const app = await server.createTestApp()
  await server.published(app, { bundle: await bundleOf('one') })
  expect((await stream.next()).value).toMatchObject({
    kind: 'announcement',
    announcement: { type: 'release.published' },
  })
  expect((await stream.next()).value).toMatchObject({ kind: 'announcement', announcement: { type: 'rollout.started' } })
  await server.close()
  expect(await stream.next()).toEqual({ done: true, value: undefined })
  await expect(client.streamAnnouncements().next()).rejects.toThrow('No answer')
})

describe('two servers', () => {
  const postgres = process.env.TEST_POSTGRES_URL
  test.skipIf(!postgres)('tell of what happens on either', async () => {
    const database = await createPostgresDatabase(postgres ?? '')
    onTestFinished(() => database.drop())
    const both = { ...env, DATABASE_URL: database.url, JWT_SECRET: 'j'.repeat(32) }
    const first = await startTestServer({ env: both })
    const second = await startTestServer({ env: both })
    onTestFinished(async () => {
      await Promise.all([first.close(), second.close()])
    })
    const readers = [
      await watch(await first.listen(), first.ownerToken),
      await watch(await second.listen(), first.ownerToken),
    ]
    const app = await first.createTestApp()
    const { rolloutId } = await first.published(app, { bundle: await bundleOf('one') })
    const changes = Array.from({ length: 20 }, (_, index) =>
      (index % 2 ? first : second).request('PATCH', `/manage/v1/rollouts/${rolloutId}`, {
        body: { percentage: index + 1 },
        token: first.ownerToken,
      }),
    )
    expect(new Set((await Promise.all(changes)).map(({ status }) => status))).toEqual(new Set([200]))
    for (const { announced } of readers) await soon(() => expect(announced()).toHaveLength(22))
    expect(readers[1]?.announced()).toEqual(readers[0]?.announced())
    expect(new Set(readers[0]?.announced().map(({ id }) => id)).size).toBe(22)
  })
})
