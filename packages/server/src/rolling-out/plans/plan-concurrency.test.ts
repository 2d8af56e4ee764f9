import type { App, RolloutPlan } from '@hotpatch/api'
import {
  bundleOf,
  createPostgresDatabase,
  describeOnEveryDatabase,
  fixedClock,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HOUR_MS } from '../../ground/clock.ts'

/** Of each race; more take minutes. */
const ROUNDS = Number(process.env.PLAN_RACES ?? 10)

const PLAN: RolloutPlan = {
  steps: [1, 10, 50, 100].map((percentage) => ({ percentage, bakeMinutes: 60 })),
}

interface Entry {
  action: string
  before: { state: string; percentage: number } | null
  after: { state: string; percentage: number }
}

/** Everyone who may change a rollout at once: people at two servers, and the servers by themselves. */
type Act = (server: TestServer, rolloutId: string) => Promise<unknown>

const post =
  (verb: string, body?: unknown): Act =>
  (server, rolloutId) =>
    server.request('POST', `/manage/v1/rollouts/${rolloutId}/${verb}`, { body })
const tick: Act = (server) => server.tick()
const advance = (fromStep: number) => post('advance', { fromStep })
const change: Act = (server, rolloutId) =>
  server.request('PATCH', `/manage/v1/rollouts/${rolloutId}`, { body: { mandatory: true } })
const setPercentage: Act = (server, rolloutId) =>
  server.request('PATCH', `/manage/v1/rollouts/${rolloutId}`, { body: { percentage: 100 } })

const ACTS: Act[] = [
  tick,
  tick,
  advance(1),
  advance(1),
  advance(2),
  post('pause'),
  post('resume'),
  change,
  setPercentage,
]

/** The same at every run: mulberry32. */
function randomOf(seed: number) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Each act once at each server, in an order that the seed says; `next` says what happens between two of them. */
async function contend(servers: readonly TestServer[], rolloutId: string, acts: readonly Act[], seed: number) {
  const random = randomOf(seed)
  const shuffled = servers
    .flatMap((server) => acts.map((act) => ({ server, act, order: random() })))
    .sort((a, b) => a.order - b.order)
  const work: Promise<unknown>[] = []
  for (const { server, act } of shuffled) {
    work.push(act(server, rolloutId))
    // Some turns of the event loop, in which those before get to different places.
    for (let turns = Math.floor(random() * 4); turns > 0; turns -= 1) await new Promise(setImmediate)
  }
  return Promise.all(work)
}

async function entriesOf(server: TestServer, rolloutId: string): Promise<Entry[]> {
  const { body } = await server.request('GET', `/manage/v1/audit?subjectId=${rolloutId}&limit=200`)
  // Seals come when they come.
  return body.items.reverse().map(({ seal: _seal, ...entry }: Entry & { seal: unknown }) => entry)
}

/** What must hold of every history, whoever wrote it in whatever order. */
function requireSound(entries: readonly Entry[]) {
  // Each change found what the one before left: nothing was lost or done twice.
  for (const [index, { before }] of entries.entries()) {
    if (index > 0) expect(before).toEqual(entries[index - 1]?.after)
  }
  const halted = entries.findIndex(({ action }) => action === 'rollout.halted')
  if (halted >= 0) expect(entries.slice(halted + 1)).toEqual([])
  expect(entries.filter(({ action }) => action === 'rollout.started')).toHaveLength(1)
  expect(entries.filter(({ action }) => action === 'rollout.finished').length).toBeLessThanOrEqual(1)
  const steps = entries.filter(({ action }) => action === 'rollout.advanced').map(({ after }) => after.percentage)
  expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b))
  for (const { before, after } of entries) expect(after.percentage).toBeGreaterThanOrEqual(before?.percentage ?? 0)
}

function defineRaces(
  rounds: number,
  open: () => Promise<{ servers: TestServer[]; clock: ReturnType<typeof fixedClock> }>,
) {
  let servers: TestServer[]
  let first: TestServer
  let clock: ReturnType<typeof fixedClock>
  let bundle: Buffer
  let app: App

  beforeAll(async () => {
    ;({ servers, clock } = await open())
    first = servers[0] as TestServer
    bundle = await bundleOf('one')
    app = await first.createTestApp()
  })
  afterAll(async () => {
    for (const server of [...servers].reverse()) await server.close()
  })

  let published = 0
  const begin = async () => {
    const version = `1.${(published += 1)}.0`
    const { rolloutId } = await first.published(app, { bundle, version, plan: PLAN })
    clock.advance(HOUR_MS)
    return rolloutId
  }
  const planOf = async (rolloutId: string) => (await first.request('GET', `/manage/v1/rollouts/${rolloutId}/plan`)).body

  test('servers and people who go on at once go on once', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const rolloutId = await begin()
      await contend(servers, rolloutId, [tick, tick, advance(1)], round)
      expect(await planOf(rolloutId)).toMatchObject({ step: 2, percentage: 10 })
      const entries = await entriesOf(first, rolloutId)
      expect(entries.map(({ action }) => action)).toEqual(['rollout.started', 'rollout.advanced'])
      requireSound(entries)
      await first.request('POST', `/manage/v1/rollouts/${rolloutId}/halt`)
    }
  })

  test('two who finish at once finish once', async () => {
    for (let round = 0; round < rounds / 5; round += 1) {
      const rolloutId = await begin()
      await contend(servers, rolloutId, [post('finish'), post('finish'), tick, advance(1)], round)
      expect(await planOf(rolloutId)).toMatchObject({ state: 'finished', percentage: 100 })
      requireSound(await entriesOf(first, rolloutId))
    }
  })

  test('a start is told once', async () => {
    for (let round = 0; round < rounds / 5; round += 1) {
      const startsAt = new Date(clock.now() + HOUR_MS).toISOString()
      const version = `2.${round}.0`
      const { rolloutId } = await first.published(app, { bundle, version, plan: PLAN, startsAt })
      clock.advance(HOUR_MS)
      await contend(servers, rolloutId, [tick, tick, change], round)
      const entries = await entriesOf(first, rolloutId)
      requireSound(entries)
      expect(entries.at(0)?.action).toBe('rollout.scheduled')
      await first.request('POST', `/manage/v1/rollouts/${rolloutId}/halt`)
    }
  })

  test('whatever else happens at once: after a halt nothing does, and no step is taken twice', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const rolloutId = await begin()
      // Not at every server: what is halted twice is answered twice.
      const answers = await contend(servers, rolloutId, [...ACTS, post('halt')], round)
      const entries = await entriesOf(first, rolloutId)
      requireSound(entries)
      expect(entries.at(-1)?.action).toBe('rollout.halted')
      expect((await first.request('GET', `/manage/v1/rollouts/${rolloutId}`)).body.state).toBe('halted')
      expect(await planOf(rolloutId)).toMatchObject({ state: 'over' })
      for (const server of servers) await server.tick()
      expect(await entriesOf(first, rolloutId)).toEqual(entries)
      const statuses = answers.map((answer) => (answer as { status?: number } | undefined)?.status ?? 200)
      expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([])
    }
  })
}

describeOnEveryDatabase('plans that several change at once', (openDatabase, database) => {
  // PGlite does one thing after the other, and slowly; on PostgreSQL two servers, below, do more than one.
  defineRaces(database === 'sqlite' ? ROUNDS : Math.min(ROUNDS, 3), async () => {
    const clock = fixedClock()
    return { clock, servers: [await startTestServer({ database: await openDatabase(), clock })] }
  })
})

const url = process.env.TEST_POSTGRES_URL

describe.skipIf(!url)('plans on two servers with one PostgreSQL', () => {
  let drop: () => Promise<void>
  defineRaces(ROUNDS, async () => {
    const created = await createPostgresDatabase(url ?? '')
    drop = created.drop
    const clock = fixedClock()
    const env = { DATABASE_URL: created.url }
    const one = await startTestServer({ env, clock })
    // The other has no owner to tell of: its requests are by the first one's.
    const two = await startTestServer({ env, clock })
    const token = one.ownerToken
    const request: TestServer['request'] = (method, path, options) => two.request(method, path, { token, ...options })
    return { clock, servers: [one, { ...two, request }] }
  })
  afterAll(() => drop())
})
