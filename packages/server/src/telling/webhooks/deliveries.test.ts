import { createHmac } from 'node:crypto'
import type { WebhookDelivery, WebhookDeliveryDetail, WebhookWithSecret } from '@hotpatch/api'
import {
  bundleOf,
  createPostgresDatabase,
  describeOnEveryDatabase,
  eventually,
  problemOf,
  startTestServer,
} from '@hotpatch/testkit'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'
import { createFakeTime } from '../../fleet/recording/testing/fake-time.ts'
import { answering, startReceiver, type Received } from './testing/receiver.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const env = { HOTPATCH_WEBHOOK_ALLOW_PRIVATE: '127.0.0.0/8', HOTPATCH_REFRESH_SECONDS: '3600' }

type FakeTime = ReturnType<typeof createFakeTime>

/** What the network and the database do takes its own time; what falls due at once after it is due. */
const waitUntil = <Result>(time: FakeTime, check: () => Result | Promise<Result>) =>
  eventually(() => time.advance(0).then(check), { everyMs: 15 })

describeOnEveryDatabase('deliveries', (openDatabase, database) => {
  let db: Database
  beforeAll(async () => {
    db = await openDatabase()
  })

  /** A server with its own time, a receiver, and a webhook for an app of its own. */
  async function start(time = createFakeTime(Date.now()), timers = time.timers) {
    const server = await startTestServer({ database: db, env, clock: time.clock, timers })
    const receiver = await startReceiver()
    onTestFinished(async () => {
      await receiver.close()
      await stop(server)
      await db.deleteFrom('webhook').execute()
    })
    const token = ownerToken || server.ownerToken
    ownerToken = token
    const call = async (method: string, path: string, body?: unknown) =>
      server.request(method, `/manage/v1${path}`, { body, token })
    slugs += 1
    const { body: app } = await call('POST', '/apps', { slug: `app-${slugs}`, deviceIds: 'as-given' })
    const { body } = await call('POST', '/webhooks', { url: receiver.url, app: app.slug, types: ['rollout.started'] })
    const webhook = body as WebhookWithSecret
    const publish = async () => {
      versions += 1
      const release = { bundle: await bundleOf(`${versions}`), version: `1.0.${versions}`, token }
      const { status } = await server.publish(app, release)
      expect(status).toBe(201)
    }
    const soon = <Result>(check: () => Result | Promise<Result>) => waitUntil(time, check)
    const list = async () =>
      (await call('GET', `/webhooks/${webhook.id}/deliveries?limit=200`)).body.items as WebhookDelivery[]
    const get = async (id: string) =>
      (await call('GET', `/webhooks/${webhook.id}/deliveries/${id}`)).body as WebhookDeliveryDetail
    /** Resolves when the only delivery has been tried so often, and is not being sent. */
    const tried = (attempts: number, { passingMs = 0 } = {}) =>
      soon(async () => {
        // What is under way has a time limit of its own, by the same clock.
        await time.advance(receiver.received.length < attempts ? passingMs : 0)
        const [delivery] = await list()
        expect(delivery).toMatchObject({ attempts })
        if (delivery?.state === 'pending') expect(delivery.nextAttemptAt).not.toBeNull()
        return delivery as WebhookDelivery
      })
    return { server, time, soon, receiver, call, app, webhook, publish, list, get, tried }
  }

  let ownerToken = ''
  let slugs = 0
  let versions = 0

  /** Without the database, which the next test needs. */
  async function stop(server: Awaited<ReturnType<typeof startTestServer>>) {
    const destroy = vi.spyOn(db, 'destroy').mockResolvedValue()
    await server.close()
    destroy.mockRestore()
  }

  test('are signed as Standard Webhooks has it, and told once', async () => {
    const { receiver, webhook, publish, tried, get, time } = await start()
    await publish()
    const { id, ...delivery } = await tried(1)
    expect(delivery).toMatchObject({
      type: 'rollout.started',
      state: 'delivered',
      lastStatus: 204,
      nextAttemptAt: null,
    })
    expect(receiver.received).toHaveLength(1)
    const [{ headers, body }] = receiver.received as [Received]
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': delivery.messageId,
      'webhook-timestamp': String(Math.floor(time.clock.now() / 1000)),
      'user-agent': 'HotPatch',
    })
    expect(signatureBy(webhook.secret, headers, body)).toBe(headers['webhook-signature'])
    expect(JSON.parse(body)).toEqual({
      type: 'rollout.started',
      timestamp: new Date(time.clock.now()).toISOString(),
      data: { rollout: expect.objectContaining({ appId: webhook.appId }), by: expect.any(String) },
    })
    const { payload, log } = await get(id)
    expect(payload).toEqual(JSON.parse(body))
    expect(log).toHaveLength(1)
  })

  test('one slow receiver does not hold up another, nor is it given more than four at once', async () => {
    const { soon, receiver, publish, list, call, app } = await start()
    receiver.answerWith(() => undefined)
    for (let count = 0; count < 6; count++) await publish()
    await soon(async () => expect([receiver.received.length, (await list()).length]).toEqual([4, 6]))
    const quick = await startReceiver()
    await call('POST', '/webhooks', { url: quick.url, app: app.slug, types: ['rollout.started'] })
    await publish()
    await soon(() => expect(quick.received).toHaveLength(1))
    expect(receiver.received).toHaveLength(4)
    await quick.close()
  })

  test('go on when the server is started again, and what was under way is sent again', async () => {
    const time = createFakeTime(Date.now())
    // So long what is under way may take to its end.
    const isWaitedFor = Promise.withResolvers<void>()
    const { soon, server, receiver, publish, webhook } = await start(time, {
      after(delayMs, run) {
        if (delayMs === 5_000) isWaitedFor.resolve()
        return time.timers.after(delayMs, run)
      },
    })
    receiver.answerWith(() => undefined)
    await publish()
    await soon(() => expect(receiver.received).toHaveLength(1))
    const stopped = stop(server)
    await isWaitedFor.promise
    await time.advance(5_000)
    await stopped
    const row = await db.selectFrom('webhook_delivery').selectAll().where('webhook_id', '=', webhook.id).execute()
    expect(row).toMatchObject([{ state: 'pending', attempts: 0, claim: null, last_error: 'The server stopped.' }])

    receiver.answerWith(answering(200))
    const again = await startTestServer({ database: db, env, clock: time.clock, timers: time.timers })
    await soon(() => expect(receiver.received).toHaveLength(2))
    const [first, second] = receiver.received as [Received, Received]
    expect(second.headers['webhook-id']).toBe(first.headers['webhook-id'])
    await soon(async () => {
      const [delivery] = await db
        .selectFrom('webhook_delivery')
        .selectAll()
        .where('webhook_id', '=', webhook.id)
        .execute()
      expect(delivery).toMatchObject({ state: 'delivered', attempts: 1 })
    })
    await stop(again)
  })

  test('that a server has claimed and never finished are sent by another one when the claim lapses', async () => {
    const { receiver, publish, tried, time } = await start()
    const claimed = { claim: 'a server that died', next_attempt_at: time.clock.now() + MINUTE, attempts: 1 }
    receiver.answerWith(answering(500))
    await publish()
    const { id } = await tried(1)
    await db.updateTable('webhook_delivery').set(claimed).where('id', '=', id).execute()
    receiver.answerWith(answering(200))
    await time.advance(MINUTE - 1)
    expect(receiver.received).toHaveLength(1)
    await time.advance(1)
    expect(await tried(2)).toMatchObject({ state: 'delivered' })
  })

  test('wait for their own length when the clock is set back, and are sent once', async () => {
    const { receiver, publish, tried, time } = await start()
    receiver.answerWith(answering(503, { 'retry-after': '600' }))
    await publish()
    await tried(1)
    receiver.answerWith(answering(200))
    await time.advance(4 * MINUTE)
    time.set(time.clock.now() - DAY)
    await time.advance(6 * MINUTE - 1)
    expect(receiver.received).toHaveLength(1)
    // A database that is slow to answer may have it look again only after its interval.
    expect(await tried(2, { passingMs: 3_000 })).toMatchObject({ state: 'delivered' })
    await time.advance(2 * DAY)
    expect(receiver.received).toHaveLength(2)
  })

  test('wait for their own length at most when the clock was set back before a start', async () => {
    const { receiver, publish, tried, time, server, soon } = await start()
    receiver.answerWith(answering(503, { 'retry-after': '600' }))
    await publish()
    await tried(1)
    receiver.answerWith(answering(200))
    await stop(server)
    time.set(time.clock.now() - DAY)
    const again = await startTestServer({ database: db, env, clock: time.clock, timers: time.timers })
    onTestFinished(() => stop(again))
    const planned = () => db.selectFrom('webhook_delivery').select(['next_attempt_at', 'state']).execute()
    await soon(async () => expect((await planned())[0]?.next_attempt_at).toBe(time.clock.now() + 10 * MINUTE))
    await time.advance(10 * MINUTE - 1)
    expect(receiver.received).toHaveLength(1)
    await time.advance(1)
    await soon(() => expect(receiver.received).toHaveLength(2))
    await soon(async () => expect(await planned()).toMatchObject([{ state: 'delivered' }]))
    await time.advance(2 * DAY)
    expect(receiver.received).toHaveLength(2)
  })

  test('recorded before a stop, and placed by nobody, are found at the next start', async () => {
    const time = createFakeTime(Date.now())
    const { soon, server, receiver, webhook } = await start(time)
    await stop(server)
    await db.updateTable('webhook').set({ is_enabled: 1 }).where('id', '=', webhook.id).execute()
    const data = JSON.stringify({ rollout: {}, by: 'nobody' })
    const row = { id: crypto.randomUUID(), app_id: webhook.appId, type: 'rollout.started', at: 0, data, position: null }
    await db.insertInto('announcement').values(row).execute()
    const again = await startTestServer({ database: db, env, clock: time.clock, timers: time.timers })
    await soon(() => expect(receiver.received).toHaveLength(1))
    expect(receiver.received[0]?.headers['webhook-id']).toBe(row.id)
    await stop(again)
  })

  test('and announcements are kept for thirty days', async () => {
    const time = createFakeTime(Date.now())
    const { server, soon, publish, tried, webhook } = await start(time)
    await publish()
    const { id } = await tried(1)
    await stop(server)
    await multiply(id, 300)
    const kept = async () => [
      (await db.selectFrom('webhook_delivery').select('id').where('webhook_id', '=', webhook.id).execute()).length,
      (await db.selectFrom('announcement').select('id').where('app_id', '=', webhook.appId).execute()).length,
    ]
    for (const [days, expected] of [
      [29, [301, 302]],
      [2, [0, 0]],
    ] as const) {
      time.set(time.clock.now() + days * DAY)
      const later = await startTestServer({ database: db, env, clock: time.clock, timers: time.timers })
      await soon(async () => expect(await kept()).toEqual(expected))
      await stop(later)
    }
  })

  test('can be sent again by hand, under the same id', async () => {
    const { soon, receiver, publish, tried, call, webhook } = await start()
    receiver.answerWith(answering(400))
    await publish()
    const { id, messageId } = await tried(1)
    receiver.answerWith(answering(200))
    const redeliver = () => call('POST', `/webhooks/${webhook.id}/deliveries/${id}/redeliver`)
    expect(await redeliver()).toMatchObject({ status: 202, body: { state: 'pending', attempts: 0 } })
    await soon(async () => expect(await tried(1)).toMatchObject({ state: 'delivered' }))
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([messageId, messageId])

    receiver.answerWith(() => undefined)
    expect((await redeliver()).status).toBe(202)
    await soon(() => expect(receiver.received).toHaveLength(3))
    expect(problemOf(await redeliver())).toBe('409 webhook-state')
    await call('PATCH', `/webhooks/${webhook.id}`, { isEnabled: false })
    expect(problemOf(await redeliver())).toBe('409 webhook-state')
  })

  describe('disable the webhook, with an entry in the audit log,', () => {
    type Started = Awaited<ReturnType<typeof start>>
    const webhookOf = async ({ call, webhook }: Started) => (await call('GET', `/webhooks/${webhook.id}`)).body
    const disablings = async ({ call, webhook }: Started) =>
      (await call('GET', `/audit?action=webhook.disabled&subjectId=${webhook.id}`)).body.items

    test('when the receiver says that it is gone', async () => {
      const started = await start()
      const { receiver, publish, tried, call, webhook, list } = started
      receiver.answerWith(answering(410))
      await publish()
      expect(await tried(1)).toMatchObject({ state: 'failed', lastStatus: 410 })
      const disabled = await started.soon(async () => {
        const found = await webhookOf(started)
        expect(found.isEnabled).toBe(false)
        return found
      })
      expect(disabled.disabledReason).toMatch(/410/)
      expect(await disablings(started)).toMatchObject([
        { actorName: 'server', before: { isEnabled: true }, after: { isEnabled: false } },
      ])
      await publish()
      await started.time.advance(HOUR)
      expect(await list()).toHaveLength(1)
      expect((await call('PATCH', `/webhooks/${webhook.id}`, { isEnabled: true })).body).toMatchObject({
        isEnabled: true,
        disabledReason: null,
        failingSince: null,
      })
    })

    // Days of attempts: the clock and the network are the same on every database.
    if (database !== 'sqlite') return

    test('when nothing has arrived for five days', async () => {
      const started = await start()
      const { receiver, publish, time } = started
      const since = time.clock.now()
      receiver.answerWith(answering(500))
      await publish()
      await advanceWithNetwork(time, 3 * DAY)
      const { failingSince, isEnabled } = await webhookOf(started)
      expect([Date.parse(failingSince), isEnabled]).toEqual([since, true])
      await publish()
      await advanceWithNetwork(time, 3 * DAY)
      await started.soon(async () => expect((await webhookOf(started)).isEnabled).toBe(false))
      expect((await webhookOf(started)).disabledReason).toMatch(/five days/)
      expect(await disablings(started)).toHaveLength(1)
      const sent = receiver.received.length
      await publish()
      await advanceWithNetwork(time, 2 * DAY)
      expect(receiver.received).toHaveLength(sent)
      expect((await started.list()).map(({ state }) => state)).toEqual(['failed', 'failed'])
    })

    test('but not when something arrived in between, or the failures are far apart', async () => {
      const started = await start()
      const { receiver, publish, time } = started
      receiver.answerWith(answering(400))
      await publish()
      await advanceWithNetwork(time, 2 * DAY)
      receiver.answerWith(answering(200))
      await advanceWithNetwork(time, DAY)
      const working = { isEnabled: true, failingSince: null }
      await started.soon(async () => expect(await webhookOf(started)).toMatchObject(working))
      receiver.answerWith(answering(400))
      await publish()
      await advanceWithNetwork(time, 6 * DAY)
      expect((await started.list()).map(({ state }) => state)).toEqual(['failed', 'delivered'])
      // The last failure was two days ago, the first more than five.
      const again = time.clock.now()
      await publish()
      await advanceWithNetwork(time, 0)
      const failing = { isEnabled: true, failingSince: new Date(again).toISOString() }
      await started.soon(async () => expect(await webhookOf(started)).toMatchObject(failing))
    })
  })

  if (database !== 'sqlite') return

  test('are tried ten times by the schedule, under the same id and with a fresh timestamp, and are failed then', async () => {
    const { receiver, publish, tried, time, get } = await start()
    receiver.answerWith(answering(500, {}, 'out of \u0007 order; expected whsec_abc+/=\n'))
    await publish()
    const schedule = [5_000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
    for (const [index, delay] of schedule.entries()) {
      const { nextAttemptAt, state, lastError, lastStatus } = await tried(index + 1)
      expect([state, lastStatus]).toEqual(['pending', 500])
      expect(lastError).toBe('It answered 500. It said: out of   order; expected whsec_…')
      const wait = Date.parse(nextAttemptAt ?? '') - time.clock.now()
      expect(wait).toBeGreaterThanOrEqual(delay)
      expect(wait).toBeLessThanOrEqual(delay * 1.2)
      await time.advance(wait - 1)
      expect(receiver.received).toHaveLength(index + 1)
      await time.advance(1)
    }
    const last = await tried(10)
    expect(last).toMatchObject({ state: 'failed', nextAttemptAt: null, finishedAt: expect.any(String) })
    await time.advance(30 * HOUR)
    expect(receiver.received).toHaveLength(10)
    const ids = new Set(receiver.received.map(({ headers }) => headers['webhook-id']))
    const timestamps = new Set(receiver.received.map(({ headers }) => headers['webhook-timestamp']))
    expect([ids.size, timestamps.size]).toEqual([1, 10])
    expect((await get(last.id)).log.map(({ status }) => status)).toEqual(Array(10).fill(500))
  })

  test('are each made once, and four at a time, when the clock is set forward', async () => {
    const { receiver, publish, list, time, soon } = await start()
    receiver.answerWith(answering(503, { 'retry-after': '600' }))
    for (let count = 0; count < 6; count++) await publish()
    await soon(async () => expect((await list()).filter(({ nextAttemptAt }) => nextAttemptAt !== null)).toHaveLength(6))
    expect(receiver.received).toHaveLength(6)
    receiver.answerWith(() => undefined)
    time.set(time.clock.now() + DAY)
    await publish()
    await soon(() => expect(receiver.received).toHaveLength(10))
    // Forward again: their claims have lapsed, and something else is due.
    time.set(time.clock.now() + DAY)
    await publish()
    await soon(async () => expect(await list()).toHaveLength(8))
    expect(receiver.received).toHaveLength(10)
    receiver.answerWith(answering(200))
    receiver.end()
    const states = async () => (await list()).map(({ state }) => state)
    await soon(async () => expect((await states()).filter((state) => state === 'delivered')).toHaveLength(4))
    await advanceWithNetwork(time, HOUR)
    await soon(async () => expect(await states()).toEqual(Array(8).fill('delivered')))
    const ids = receiver.received.map(({ headers }) => String(headers['webhook-id']))
    // Six failed once, and of all eight four were broken off once.
    expect([ids.length, new Set(ids).size]).toEqual([18, 8])
  })

  test('are not sent beside themselves when the clock is set forward past their claim', async () => {
    const { receiver, publish, list, time, soon } = await start()
    receiver.answerWith(() => undefined)
    await publish()
    await soon(() => expect(receiver.received).toHaveLength(1))
    time.set(time.clock.now() + DAY)
    await publish()
    await soon(() => expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(2))
    await soon(async () => expect((await list()).map(({ attempts }) => attempts)).toEqual([1, 1]))
    expect(receiver.received).toHaveLength(2)
  })

  test('wait as long as the receiver asks', async () => {
    const { receiver, publish, tried, time } = await start()
    receiver.answerWith(answering(503, { 'retry-after': '3600' }))
    await publish()
    expect(Date.parse((await tried(1)).nextAttemptAt ?? '') - time.clock.now()).toBe(HOUR)
  })

  test('follow no redirect', async () => {
    const { receiver, publish, tried } = await start()
    receiver.answerWith(answering(307, { location: receiver.url.replace('hook', 'elsewhere') }))
    await publish()
    expect(await tried(1)).toMatchObject({ lastStatus: 307, lastError: 'It answered 307. Redirects are not followed.' })
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hook'])
  })

  test('are given up on for now when there is no answer within 15 seconds', async () => {
    const { soon, receiver, publish, tried, time } = await start()
    receiver.answerWith(() => undefined)
    await publish()
    await soon(() => expect(receiver.received).toHaveLength(1))
    await time.advance(15_000)
    expect(await tried(1)).toMatchObject({ lastStatus: null, lastError: 'No answer within 15 s.', durationMs: 15_000 })
  })

  test('are signed by both secrets for a day after a rotation', async () => {
    const { soon, receiver, webhook, publish, call, time } = await start()
    const { body: rotated } = await call('POST', `/webhooks/${webhook.id}/rotate-secret`)
    await publish()
    await soon(() => expect(receiver.received).toHaveLength(1))
    await time.advance(DAY)
    await publish()
    await soon(() => expect(receiver.received).toHaveLength(2))
    const [during, after] = receiver.received as [Received, Received]
    const signaturesOf = ({ headers }: Received) => String(headers['webhook-signature']).split(' ')
    const by = (secret: string, { headers, body }: Received) => signatureBy(secret, headers, body)
    expect(signaturesOf(during)).toEqual([by(rotated.secret, during), by(webhook.secret, during)])
    expect(signaturesOf(after)).toEqual([by(rotated.secret, after)])
  })

  test('of tests: four wait for one receiver at once, and the next one is told when to come again', async () => {
    const { soon, receiver, call, webhook, publish } = await start()
    receiver.answerWith(() => undefined)
    const sendTest = () => call('POST', `/webhooks/${webhook.id}/test`)
    const waiting = Array.from({ length: 4 }, sendTest)
    await soon(() => expect(receiver.received).toHaveLength(4))
    const refused = await sendTest()
    expect([problemOf(refused), refused.headers['retry-after']]).toEqual(['429 too-many-requests', '15'])
    // They take no place of what is due.
    await publish()
    await soon(() => expect(receiver.received).toHaveLength(5))
    receiver.answerWith(answering(200))
    receiver.end()
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect((await sendTest()).body).toMatchObject({ state: 'delivered' })
  })

  test('to a private address are refused at each send, not only when the webhook is made', async () => {
    const { publish, tried, webhook } = await start()
    await db.updateTable('webhook').set({ url: 'http://10.0.0.1/' }).where('id', '=', webhook.id).execute()
    await publish()
    expect((await tried(1)).lastError).toBe('10.0.0.1 is not on the public internet.')
  })

  /** More than a sweep deletes at once. */
  async function multiply(deliveryId: string, times: number) {
    const delivery = await db
      .selectFrom('webhook_delivery')
      .selectAll()
      .where('id', '=', deliveryId)
      .executeTakeFirstOrThrow()
    const announcement = await db
      .selectFrom('announcement')
      .selectAll()
      .where('id', '=', delivery.announcement_id)
      .executeTakeFirstOrThrow()
    for (let made = 0; made < times; made += 100) {
      const ids = Array.from({ length: 100 }, () => crypto.randomUUID())
      const position = (announcement.position ?? 0) + made + 1_000
      await db
        .insertInto('announcement')
        .values(ids.map((id, index) => ({ ...announcement, id, position: position + index })))
        .execute()
      await db
        .insertInto('webhook_delivery')
        .values(ids.map((id) => ({ ...delivery, id, announcement_id: id })))
        .execute()
    }
  }

  /** From one attempt to the next, so that what the network answers finds the time at which it was asked. */
  async function advanceWithNetwork(time: FakeTime, milliseconds: number) {
    const end = time.clock.now() + milliseconds
    await settled(time)
    while (time.clock.now() < end) {
      const pending = await db.selectFrom('webhook_delivery').selectAll().where('state', '=', 'pending').execute()
      const next = Math.min(end, ...pending.map((delivery) => delivery.next_attempt_at ?? end))
      await time.advance(next - time.clock.now())
      await settled(time)
    }
  }

  /** Nothing waits that could be done now. */
  function settled(time: FakeTime) {
    return waitUntil(time, async () => {
      const unplaced = await db.selectFrom('announcement').select('id').where('position', 'is', null).execute()
      const due = await db
        .selectFrom('webhook_delivery')
        .select('id')
        .where('state', '=', 'pending')
        .where((where) => where.or([where('claim', 'is not', null), where('next_attempt_at', '<=', time.clock.now())]))
        .execute()
      expect([unplaced, due]).toEqual([[], []])
    })
  }
})

describe('two servers', () => {
  const url = process.env.TEST_POSTGRES_URL
  test.skipIf(!url)('on one PostgreSQL send each attempt once', async () => {
    const database = await createPostgresDatabase(url ?? '')
    onTestFinished(() => database.drop())
    const receiver = await startReceiver()
    onTestFinished(() => receiver.close())
    const time = createFakeTime(Date.now())
    const both = { ...env, DATABASE_URL: database.url, JWT_SECRET: 'j'.repeat(32) }
    const first = await startTestServer({ env: both, clock: time.clock, timers: time.timers })
    const second = await startTestServer({ env: both, clock: time.clock, timers: time.timers })
    onTestFinished(async () => {
      await Promise.all([first.close(), second.close()])
    })
    const token = first.ownerToken
    const app = await first.createTestApp()
    for (let count = 0; count < 5; count++) {
      const body = { url: receiver.url, app: app.slug, types: ['rollout.started', 'rollout.changed'] }
      expect((await first.request('POST', '/manage/v1/webhooks', { body })).status).toBe(201)
    }
    const failed = new Set<unknown>()
    // Each message fails once at each webhook's first attempt.
    receiver.answerWith((response, { headers }) => {
      const key = headers['webhook-signature']
      failed.add(key)
      response.writeHead(failed.size <= 50 ? 500 : 200).end()
    })
    const { rolloutId } = await first.published(app, { bundle: await bundleOf('one'), percentage: 1 })
    await Promise.all(
      Array.from({ length: 9 }, (_, index) =>
        (index % 2 ? first : second).request('PATCH', `/manage/v1/rollouts/${rolloutId}`, {
          body: { percentage: index + 2 },
          token,
        }),
      ),
    )
    const rows = () =>
      first.request('GET', '/manage/v1/webhooks', { token }).then(async ({ body }) => {
        const lists = await Promise.all(
          (body.items as { id: string }[]).map(({ id }) =>
            first.request('GET', `/manage/v1/webhooks/${id}/deliveries?limit=200`, { token }),
          ),
        )
        return lists.flatMap((list) => list.body.items as WebhookDelivery[])
      })
    await waitUntil(time, async () => {
      const deliveries = await rows()
      expect(deliveries).toHaveLength(50)
      expect(deliveries.every(({ attempts, nextAttemptAt }) => attempts === 1 && nextAttemptAt !== null)).toBe(true)
    })
    expect(receiver.received).toHaveLength(50)
    await time.advance(10_000)
    await waitUntil(time, async () => {
      const deliveries = await rows()
      expect(deliveries.every(({ attempts, state }) => attempts === 2 && state === 'delivered')).toBe(true)
    })
    expect(receiver.received).toHaveLength(100)
  })
})

function signatureBy(secret: string, headers: Received['headers'], body: string): string {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
}
