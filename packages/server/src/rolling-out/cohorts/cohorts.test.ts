import type { App, Cohort } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  dumpDatabase,
  dumpDecisions,
  fixedClock,
  problemOf,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'

describeOnEveryDatabase('cohorts', (openDatabase) => {
  let db: Database
  let server: TestServer
  let app: App
  let bundle: Buffer

  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, clock: fixedClock() })
    bundle = await bundleOf('one')
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
  })

  const url = (name = '', rest = '') => `/manage/v1/apps/${app.slug}/cohorts${name && `/${name}`}${rest}`
  const create = (body: Record<string, unknown>) => server.request('POST', url(), { body })
  const change = (name: string, body: unknown) => server.request('POST', url(name, '/devices'), { body })
  const upload = (method: 'POST' | 'PUT', name: string, csv: string) =>
    server.request(method, url(name, '/devices'), { body: csv, headers: { 'content-type': 'text/csv' } })
  const members = async (name: string, query = '') => (await server.request('GET', url(name, `/devices${query}`))).body
  const offered = async (deviceId: string) => (await server.check(app, { deviceId })).body.updateAvailable

  test('takes devices in and leaves them out', async () => {
    const { status, body } = await create({ name: 'testers', description: 'QA', devices: ['a', 'b', 'a'] })
    expect([status, body]).toEqual([
      201,
      expect.objectContaining({ name: 'testers', description: 'QA', deviceCount: 2 }),
    ])
    const changed = await change('testers', { add: ['c'], remove: ['a'] })
    expect(changed.body).toMatchObject({ deviceCount: 2 })
    expect((await members('testers')).items).toEqual([{ deviceId: 'b' }, { deviceId: 'c' }])
    expect((await server.request('GET', url())).body.items).toEqual([changed.body])
    expect((await server.request('GET', url('testers'))).body).toEqual(changed.body)
  })

  test('the check of a member is answered by it at once, and of one who left as well', async () => {
    await server.published(app, { bundle, percentage: 0, cohorts: ['testers'] })
    await create({ name: 'testers', devices: ['in'] })
    expect([await offered('in'), await offered('out')]).toEqual([true, false])
    await change('testers', { add: ['out'], remove: ['in'] })
    expect([await offered('in'), await offered('out')]).toEqual([false, true])
  })

  test('is of one app only', async () => {
    const other = await server.createTestApp()
    await create({ name: 'testers', devices: ['in'] })
    await server.published(other, { bundle, percentage: 0, cohorts: ['testers'] })
    expect((await server.check(other, { deviceId: 'in' })).body.updateAvailable).toBe(false)
  })

  test.each([
    ['ids', 'a\nb\nc\n'],
    [
      'a header, further columns, a byte order mark and Windows line ends',
      '\uFEFFdevice_id,owner\r\na,"Ann, QA"\r\nb\r\n\r\nc,x,y\r\n',
    ],
    ['quoted ids', '"a"\n"b"\n"c"\n'],
  ])('is uploaded as CSV: %s', async (_case, csv) => {
    await create({ name: 'testers', devices: ['z'] })
    expect((await upload('POST', 'testers', csv)).body).toMatchObject({ deviceCount: 4 })
    expect((await upload('PUT', 'testers', csv)).body).toMatchObject({ deviceCount: 3 })
    expect((await members('testers')).items).toEqual(['a', 'b', 'c'].map((deviceId) => ({ deviceId })))
  })

  test('a list is read page by page', async () => {
    await upload(
      'PUT',
      (await create({ name: 'many' })).body.name,
      Array.from({ length: 2_500 }, (_, i) => `d${1e4 + i}`).join('\n'),
    )
    const seen: string[] = []
    let cursor: string | null = ''
    do {
      const page = await members('many', `?limit=200${cursor && `&cursor=${cursor}`}`)
      seen.push(...page.items.map((item: { deviceId: string }) => item.deviceId))
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(seen).toEqual(Array.from({ length: 2_500 }, (_, i) => `d${1e4 + i}`))
  })

  test('a hashed app keeps hashes only, and finds its members', async () => {
    app = await server.createTestApp({ deviceIds: 'hashed' })
    await server.published(app, { bundle, percentage: 0, cohorts: ['testers'] })
    await create({ name: 'testers', devices: ['secret-phone'] })
    expect(await offered('secret-phone')).toBe(true)
    const [{ deviceId }] = (await members('testers')).items
    expect(deviceId).toMatch(/^h_[\w-]{22}$/)
    expect(JSON.stringify(await dumpDatabase(db))).not.toContain('secret-phone')
    // What the server shows is what it takes.
    expect((await change('testers', { remove: [deviceId] })).body).toMatchObject({ deviceCount: 0 })
  })

  describe('refuses and changes nothing:', () => {
    test.each<[string, () => ReturnType<typeof create>, string]>([
      ['a name that is taken', () => create({ name: 'testers' }), '409 cohort-exists'],
      ['a name with a space', () => create({ name: 'my testers' }), '400 invalid-request'],
      ['an unknown cohort', () => change('nobody', { add: ['a'] }), '404 cohort-not-found'],
      ['no change', () => change('testers', {}), '400 invalid-request'],
      ['an empty id', () => change('testers', { add: ['ok', ''] }), '400 invalid-request'],
      ['an id with NUL', () => change('testers', { add: ['a\0b'] }), '400 invalid-request'],
      ['an empty file', () => upload('PUT', 'testers', '\n\n'), '400 invalid-request'],
      ['a file that is not CSV', () => upload('PUT', 'testers', 'a\n"b\nc'), '400 invalid-request'],
      [
        'an id in a file that is too long',
        () => upload('POST', 'testers', `a\n${'x'.repeat(201)}`),
        '400 invalid-request',
      ],
    ])('%s', async (_case, act, expected) => {
      await create({ name: 'testers', devices: ['a'] })
      const before = await dumpDecisions(db)
      expect(problemOf(await act())).toBe(expected)
      expect(await dumpDecisions(db)).toEqual(before)
    })
  })

  test('is not deleted while a rollout in force names it', async () => {
    await create({ name: 'testers', devices: ['a'] })
    const { rolloutId } = await server.published(app, { bundle, percentage: 0, cohorts: ['testers'] })
    const remove = () => server.request('DELETE', url('testers'))
    const { body: usedBy } = await server.request('GET', url('testers/rollouts'))
    expect(usedBy.items).toEqual([
      { rolloutId, platform: 'android', channel: 'production', version: '1.0.0', state: 'active', percentage: 0 },
    ])
    expect(problemOf(await remove())).toBe('409 cohort-in-use')
    await server.request('POST', `/manage/v1/rollouts/${rolloutId}/halt`)
    expect((await remove()).status).toBe(204)
    expect(problemOf(await members('testers').then(() => server.request('GET', url('testers'))))).toBe(
      '404 cohort-not-found',
    )
  })

  test('changes are in the audit log, without anybody’s device', async () => {
    await create({ name: 'testers', devices: ['a-device'] })
    await change('testers', { add: ['another-device'] })
    const { items } = (await server.request('GET', `/manage/v1/audit?app=${app.slug}`)).body
    const about = items.filter(
      (entry: { subjectKind: string; appId: string }) => entry.subjectKind === 'cohort' && entry.appId === app.id,
    )
    expect(about.map((entry: { action: string; after: Cohort }) => [entry.action, entry.after.deviceCount])).toEqual([
      ['cohort.changed', 2],
      ['cohort.created', 1],
    ])
    expect(JSON.stringify(about)).not.toContain('-device')
  })

  test('readers look, publishers change', async () => {
    const token = await server.createToken({ role: 'reader' })
    expect(problemOf(await server.request('POST', url(), { body: { name: 'x' }, token }))).toBe('403 forbidden')
    expect((await server.request('GET', url(), { token })).status).toBe(200)
  })
})
