import type { App } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  fixedClock,
  newSigningKey,
  problemOf,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { sql, type RawBuilder } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'

interface Entry {
  id: string
  action: string
  before: unknown
  after: unknown
}

function withoutKey({ appKey: _, ...app }: App) {
  return app
}

describeOnEveryDatabase('the audit log', (openDatabase, database) => {
  const clock = fixedClock()
  let db: Database
  let server: TestServer

  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, clock })
  })
  afterAll(() => server.close())

  const entries = async (query: string): Promise<Entry[]> =>
    (await server.request('GET', `/manage/v1/audit?limit=200&${query}`)).body.items

  test('begins with the first owner', async () => {
    const [first] = await entries('action=token.created')
    expect(first).toMatchObject({
      actorName: 'server',
      actorKind: 'server',
      actorId: null,
      after: { name: 'owner', role: 'owner' },
    })
  })

  test('says who, what, when and from where', async () => {
    const app = await server.createTestApp()
    const body = { name: 'ci', role: 'admin' }
    const { body: token } = await server.request('POST', '/manage/v1/tokens', { body })
    clock.advance(1000)
    const changed = await server.request('PATCH', `/manage/v1/apps/${app.slug}`, {
      body: { name: 'N' },
      token: token.token,
    })
    expect(changed.status).toBe(200)
    expect((await entries(`app=${app.slug}&action=app.changed`))[0]).toEqual({
      id: expect.any(String),
      at: new Date(clock.now()).toISOString(),
      actorId: token.id,
      actorName: 'ci',
      actorKind: 'token',
      action: 'app.changed',
      subjectKind: 'app',
      subjectId: app.id,
      appId: app.id,
      address: '127.0.0.1',
      requestId: expect.any(String),
      personId: null,
      // Soon.
      seal: expect.toBeOneOf([null, expect.anything()]),
      before: withoutKey(app),
      after: { ...withoutKey(app), name: 'N' },
    })
  })

  test('every change of an app writes its entry, with what was and what is', async () => {
    const app = await server.createTestApp()
    const at = `/manage/v1/apps/${app.slug}`
    const post = async (path: string, body?: unknown) => (await server.request('POST', path, { body })).body
    await post(`${at}/channels`, { name: 'nightly' })
    const { releaseId, rolloutId } = await server.published(app, { bundle: await bundleOf('one'), percentage: 10 })
    await server.request('PATCH', `/manage/v1/rollouts/${rolloutId}`, { body: { percentage: 50 } })
    for (const transition of ['pause', 'resume', 'halt']) await post(`/manage/v1/rollouts/${rolloutId}/${transition}`)
    await post(`${at}/rollouts`, { releaseId, channel: 'beta' })
    await post(`${at}/rollbacks`, { platform: 'android', channel: 'production', to: 'embedded' })
    await server.request('DELETE', `/manage/v1/releases/${releaseId}`)
    const key = await post(`${at}/keys`, { publicKey: newSigningKey().publicKey })
    await post(`${at}/keys/${key.id}/revoke`)

    const found = await entries(`app=${app.slug}`)
    expect(found.map(({ action }) => action).reverse()).toEqual([
      'app.created',
      'channel.created',
      'release.published',
      'rollout.started',
      'rollout.changed',
      'rollout.paused',
      'rollout.resumed',
      'rollout.halted',
      'rollout.started',
      'rollout.rolled-back',
      'release.archived',
      'rollout.withdrawn',
      'rollout.withdrawn',
      'key.registered',
      'key.revoked',
    ])
    const of = (action: string) => found.find((entry) => entry.action === action)
    expect(of('rollout.changed')).toMatchObject({ before: { percentage: 10 }, after: { percentage: 50 } })
    expect(of('rollout.paused')).toMatchObject({ before: { state: 'active' }, after: { state: 'paused' } })
    expect(of('rollout.halted')).toMatchObject({ before: { state: 'active' }, after: { state: 'halted' } })
    expect(of('release.archived')).toMatchObject({
      before: { archivedAt: null },
      after: { archivedAt: new Date(clock.now()).toISOString() },
    })
    expect(of('key.revoked')).toMatchObject({ before: { revokedAt: null } })
    expect(of('app.created')).toMatchObject({ before: null, after: { slug: app.slug } })
  })

  test('what is changed twice at once is told in order: what one found is what the other left', async () => {
    const app = await server.createTestApp()
    const { rolloutId } = await server.published(app, { bundle: await bundleOf('one'), percentage: 1 })
    const set = (percentage: number) =>
      server.request('PATCH', `/manage/v1/rollouts/${rolloutId}`, { body: { percentage } })
    await Promise.all([set(2), set(3), set(4)])
    const percentages = (await entries(`app=${app.slug}&action=rollout.changed`)).map(({ before, after }) =>
      [before, after].map((state) => (state as { percentage: number }).percentage),
    )
    const links = new Map(percentages as [number, number][])
    let percentage = 1
    for (let step = 0; step < 3; step++) percentage = links.get(percentage) ?? Number.NaN
    expect(percentage).toBe((await server.request('GET', `/manage/v1/rollouts/${rolloutId}`)).body.percentage)
  })

  test('what changes nothing is not in it', async () => {
    const app = await server.createTestApp()
    const { rolloutId, releaseId } = await server.published(app, { bundle: await bundleOf('one') })
    await server.request('POST', `/manage/v1/rollouts/${rolloutId}/halt`)
    await server.request('DELETE', `/manage/v1/releases/${releaseId}`)
    // They are sealed a moment later.
    const ids = async () => (await entries(`app=${app.slug}`)).map(({ id }) => id)
    const before = await ids()
    await server.request('POST', `/manage/v1/rollouts/${rolloutId}/withdraw`)
    await server.request('DELETE', `/manage/v1/releases/${releaseId}`)
    await server.request('POST', `/manage/v1/rollouts/${rolloutId}/resume`)
    await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: {} })
    expect(await ids()).toEqual(before)
  })

  test('archiving twice at once is one change', async () => {
    const app = await server.createTestApp()
    const { releaseId } = await server.published(app, { bundle: await bundleOf('one') })
    const archive = () => server.request('DELETE', `/manage/v1/releases/${releaseId}`)
    const answers = await Promise.all([archive(), archive()])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(await entries(`app=${app.slug}&action=release.archived`)).toHaveLength(1)
  })

  test('is filtered by subject, and read by admins only', async () => {
    const app = await server.createTestApp()
    expect(await entries(`subjectId=${app.id}`)).toHaveLength(1)
    const token = await server.createToken({ role: 'publisher' })
    expect(problemOf(await server.request('GET', '/manage/v1/audit', { token }))).toBe('403 forbidden')
  })

  test('shows one entry by its id, to whoever may see it', async () => {
    const [mine, other] = [await server.createTestApp(), await server.createTestApp()]
    const [entry] = (await server.request('GET', `/manage/v1/audit?app=${mine.slug}`)).body.items
    const at = `/manage/v1/audit/entries/${entry.id}`
    expect((await server.request('GET', at)).body).toMatchObject({ id: entry.id, after: { slug: mine.slug } })
    const token = await server.createToken({ role: 'admin', app: other.slug })
    expect(problemOf(await server.request('GET', at, { token }))).toBe('404 not-found')
  })

  test('shows the admin of one app what concerns that app', async () => {
    const [app] = [await server.createTestApp(), await server.createTestApp()]
    const token = await server.createToken({ role: 'admin', app: app.slug })
    const { body } = await server.request('GET', '/manage/v1/audit', { token })
    expect(body.items.length).toBeGreaterThan(0)
    expect(body.items.every((entry: { appId: string }) => entry.appId === app.id)).toBe(true)
  })

  describe('refuses, in the database itself,', () => {
    const truncation: [string, RawBuilder<unknown>] = ['to be emptied', sql`truncate audit_entry`]
    test.each<[string, RawBuilder<unknown>]>([
      ['to be changed', sql`update audit_entry set actor_name = 'nobody'`],
      ['to lose an entry', sql`delete from audit_entry where 1 = 1`],
      // SQLite has no other way to empty a table than the one above.
      ...(database === 'sqlite' ? [] : [truncation]),
    ])('%s', async (_case, statement) => {
      // Sealed meanwhile, as entries are a moment after they were written.
      const unsealed = async () => (await entries('')).map((entry) => ({ ...entry, seal: undefined }))
      const before = await unsealed()
      await expect(statement.execute(db)).rejects.toThrow('append-only')
      expect(await unsealed()).toEqual(before)
    })
  })
})
