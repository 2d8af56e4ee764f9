import { rm } from 'node:fs/promises'
import {
  bundleOf,
  createPostgresDatabase,
  makeTemporaryDirectory,
  publishForm,
  startServerProcess,
  type ServerProcess,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const PERCENTAGES = [1, 2, 5, 10, 20, 30, 50, 70, 90, 100]
/** Each is a race of ten steps: more of them are for whoever changes plans. */
const ROLLOUTS = Number(process.env.REPLICA_ROLLOUTS ?? 12)
const DEADLINE_MS = 120_000

interface Entry {
  action: string
  actorName: string
  before: { state: string; percentage: number } | null
  after: { state: string; percentage: number }
}

const url = process.env.TEST_POSTGRES_URL

// Both go on by themselves ten times a second, as fast as they may, while people at both interfere.
describe.skipIf(!url)('two server processes with one PostgreSQL', () => {
  let database: Awaited<ReturnType<typeof createPostgresDatabase>>
  let directories: string[]
  let servers: ServerProcess[]
  let token: string

  beforeAll(async () => {
    database = await createPostgresDatabase(url ?? '')
    directories = [await makeTemporaryDirectory(), await makeTemporaryDirectory()]
    const env = {
      DATABASE_URL: database.url,
      HOTPATCH_AUTOMATION_SECONDS: '0.1',
      HOTPATCH_DEVICE_ID_SECRET: 'the secret of both of these servers',
      HOTPATCH_SECRETS_KEY: 'the secrets key of both of these servers',
      HOTPATCH_LOG_LEVEL: 'error',
    }
    servers = []
    for (const directory of directories) servers.push(await startServerProcess({ directory, env }))
    token = servers[0]?.ownerToken ?? ''
  })
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    await Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true })))
    await database.drop()
  })

  async function request(server: number, method: string, path: string, body?: unknown) {
    const { url } = servers[server] as ServerProcess
    const isForm = body instanceof FormData
    const response = await fetch(`${url}/manage/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
    })
    // oxlint-disable-next-line typescript/no-explicit-any -- answers of every shape are looked into
    return { status: response.status, body: (await response.json()) as any }
  }

  async function publish(app: string, version: string, more: Record<string, unknown> = {}): Promise<string> {
    const plan = { steps: PERCENTAGES.map((percentage) => ({ percentage, bakeMinutes: 0 })) }
    const form = publishForm({ platform: 'android', version, plan, ...more }, await bundleOf('one'))
    const { status, body } = await request(0, 'POST', `/apps/${app}/releases`, form)
    expect(status).toBe(201)
    return body.rolloutId
  }

  /** What people do at a server, one after the other, until the rollout has come to its end. */
  async function interfere(server: number, rolloutId: string, halts: boolean): Promise<void> {
    const deadline = Date.now() + DEADLINE_MS
    const path = `/rollouts/${rolloutId}`
    for (let turn = 0; Date.now() < deadline; turn += 1) {
      const { body: plan } = await request(server, 'GET', `${path}/plan`)
      if (plan.state === 'finished' || plan.state === 'over') return
      const answers = await Promise.all([
        request(server, 'POST', `${path}/advance`, { fromStep: plan.step }),
        request(server, 'PATCH', path, { mandatory: turn % 2 === 0 }),
        request(server, 'POST', `${path}/${turn % 2 === 0 ? 'pause' : 'resume'}`),
        ...(halts && turn === 2 ? [request(server, 'POST', `${path}/halt`)] : []),
      ])
      for (const { status } of answers) expect([200, 409]).toContain(status)
      if (plan.state === 'paused') await request(server, 'POST', `${path}/resume`)
    }
    throw new Error('The rollout came to no end.')
  }

  const historyOf = async (rolloutId: string): Promise<Entry[]> =>
    (await request(0, 'GET', `/audit?subjectId=${rolloutId}&limit=200`)).body.items

  test('take each step once, and never bring back what was halted', async () => {
    const app = 'demo'
    expect((await request(0, 'POST', '/apps', { slug: app })).status).toBe(201)
    const histories: Entry[][] = []
    for (let index = 0; index < ROLLOUTS; index += 1) {
      const rolloutId = await publish(app, `1.${index}.0`)
      const halts = index % 2 === 0
      await Promise.all([interfere(0, rolloutId, halts), interfere(1, rolloutId, halts)])
      histories.push(await historyOf(rolloutId))
    }
    for (const history of histories) {
      expect(history.filter(({ before }) => before?.state === 'halted')).toEqual([])
      const advanced = history.filter(({ action }) => action === 'rollout.advanced')
      const reached = advanced.map(({ after }) => after.percentage)
      expect(reached).toHaveLength(new Set(reached).size)
      for (const { before, after } of advanced) {
        expect(PERCENTAGES.indexOf(after.percentage)).toBe(PERCENTAGES.indexOf(before?.percentage ?? -1) + 1)
        expect(before?.state).toBe('active')
      }
      const ends = history.filter(({ action }) => action === 'rollout.halted' || action === 'rollout.finished')
      expect(ends.length).toBeGreaterThanOrEqual(1)
      expect(new Set(ends.map(({ action }) => action)).size).toBe(ends.length)
    }
    // Servers and people both had their part in it, or this would show nothing.
    const authors = histories.flat().filter(({ action }) => action === 'rollout.advanced')
    expect(new Set(authors.map(({ actorName }) => actorName))).toEqual(new Set(['plan', 'owner']))
  })

  test('tell the start of a scheduled rollout once, and finish it, with nobody there', async () => {
    const startsAt = new Date(Date.now() + 500).toISOString()
    const rolloutIds = await Promise.all([1, 2, 3].map((minor) => publish('demo', `2.${minor}.0`, { startsAt })))
    for (const rolloutId of rolloutIds) {
      const deadline = Date.now() + DEADLINE_MS
      let state = ''
      while (state !== 'finished' && Date.now() < deadline) {
        state = (await request(1, 'GET', `/rollouts/${rolloutId}/plan`)).body.state
      }
      const actions = (await historyOf(rolloutId)).map(({ action }) => action)
      const count = (wanted: string) => actions.filter((action) => action === wanted).length
      expect(count('rollout.started')).toBe(1)
      expect(count('rollout.advanced')).toBe(PERCENTAGES.length - 1)
      expect(count('rollout.finished')).toBe(1)
    }
  })
})
