import {
  bundleOf,
  createPostgresDatabase,
  newSigningKey,
  signRelease,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import type { App } from '@hotpatch/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROUNDS = 10
const POSTGRES = process.env.TEST_POSTGRES_URL

/** Needs a real PostgreSQL, where two may wait for each other: everywhere else one writes after the other. */
describe.skipIf(!POSTGRES)('people who change the rollouts of a channel at once', () => {
  let postgres: Awaited<ReturnType<typeof createPostgresDatabase>>
  let server: TestServer
  let app: App

  beforeAll(async () => {
    postgres = await createPostgresDatabase(POSTGRES ?? '')
    server = await startTestServer({ env: { DATABASE_URL: postgres.url } })
  })
  afterAll(async () => {
    await server.close()
    await postgres.drop()
  })

  /** In some turns of the event loop: what it meets is at another place each time. */
  const after = async <Result>(turns: number, act: () => Promise<Result>): Promise<Result> => {
    for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate)
    return act()
  }
  const post = (path: string, body?: unknown) => server.request('POST', `/manage/v1/${path}`, { body })

  test('archive a release and pause its rollouts: nobody waits for ever', async () => {
    app = await server.createTestApp()
    for (let round = 0; round < ROUNDS; round += 1) {
      const bundle = await bundleOf(`${round}`)
      const { releaseId, rolloutId } = await server.published(app, { bundle, version: `1.${round}.0` })
      const ids = [rolloutId]
      for (let more = 0; more < 3; more += 1) {
        ids.push((await post(`apps/${app.slug}/rollouts`, { releaseId, channel: 'production' })).body.id)
      }
      const answers = await Promise.all([
        server.request('DELETE', `/manage/v1/releases/${releaseId}`),
        ...ids.map((id, index) => after(round * index, () => post(`rollouts/${id}/pause`))),
      ])
      expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 409)).toEqual([])
      const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts?state=withdrawn&limit=200`)
      expect(body.items).toHaveLength(4 * (round + 1))
    }
  })

  test('end a test and pause its arms', async () => {
    app = await server.createTestApp()
    const arms: { name: string; weight: number; releaseId: string }[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      const { releaseId } = await server.published(app, {
        bundle: await bundleOf(name),
        version: `1.0.0-${name}`,
        channel: 'beta',
      })
      arms.push({ name, weight: 25, releaseId })
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      const test = { name: `test ${round}`, channel: 'production', arms }
      const { body } = await post(`apps/${app.slug}/experiments`, test)
      const ids = (body.arms as { rolloutId: string }[]).map(({ rolloutId }) => rolloutId)
      const answers = await Promise.all([
        post(`experiments/${body.id}/finish`, { winner: 'a' }),
        ...ids.map((id, index) => after(round * index, () => post(`rollouts/${id}/pause`))),
      ])
      expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 409)).toEqual([])
    }
  })

  test('promote with a roll-back that is prepared, and publish', async () => {
    app = await server.createTestApp()
    const key = newSigningKey()
    const sign = async (version: string, sequence: number) =>
      signRelease(key, { appId: app.id, platform: 'android', version, sequence, bundle: await bundleOf(version) })
    const publish = async (version: string, sequence: number) =>
      server.publish(app, { bundle: await bundleOf(version), version, signatures: await sign(version, sequence) })
    const first = (await publish('1.0.0', 1)).body
    for (let round = 0; round < ROUNDS; round += 1) {
      const sequence = 2 + round * 3
      const { releaseId } = (await publish(`2.${round}.0`, sequence)).body
      await post(`apps/${app.slug}/rollouts`, { releaseId: first.releaseId, channel: 'production' })
      const { statement, statementSignature } = await sign('1.0.0', sequence + 1)
      const body = { releaseId, channel: 'production', prepared: [{ statement, statementSignature }] }
      const [promoted, published] = await Promise.all([
        after(round * 2, () => post(`apps/${app.slug}/rollouts`, body)),
        publish(`3.${round}.0`, sequence + 2),
      ])
      expect([201, 409, 422]).toContain(promoted.status)
      expect([201]).toContain(published.status)
    }
  })
})
