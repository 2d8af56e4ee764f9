import type { App } from '@hotpatch/api'
import { writeReleaseStatement, STATED_EMBEDDED } from '@hotpatch/protocol'
import {
  bundleOf,
  describeOnEveryDatabase,
  dumpDecisions,
  listFiles,
  newSigningKey,
  problemOf,
  publishForm,
  sha256Of,
  signRelease,
  signStatement,
  startTestServer,
  zipOf,
  type TestResponse,
  type TestServer,
} from '@hotpatch/testkit'
import { writeZip } from '@hotpatch/testkit/archives'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'

describeOnEveryDatabase('publishing', (openDatabase) => {
  let db: Database
  let server: TestServer
  let bundle: Buffer
  let app: App

  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, env: { HOTPATCH_MAX_BUNDLE_BYTES: '100000' } })
    bundle = await bundleOf('one')
    app = await server.createTestApp()
    await server.published(app, { version: '0.9.0', bundle: await bundleOf('earlier') })
  })
  afterAll(() => server.close())

  const post = (form: FormData, path = `/manage/v1/apps/${app.slug}/releases`) => server.request('POST', path, { form })
  /** Without the devices: what their checks told is written when its time has come. */
  const state = async () => {
    const tables = await dumpDecisions(db)
    return [tables, await listFiles(server.directory)]
  }

  /** The answer's problem, after checking that nothing else came of the request. */
  async function refusal(act: () => Promise<TestResponse>): Promise<string> {
    const before = await state()
    const response = await act()
    expect(await state()).toEqual(before)
    return problemOf(response)
  }

  describe('a release', () => {
    test('is stored, placed and offered', async () => {
      const own = await server.createTestApp()
      const metadata = { platform: 'ios', version: '1.2.3+4', notes: 'Größer', percentage: 33.33, mandatory: true }
      const { status, body } = await post(publishForm(metadata, bundle), `/manage/v1/apps/${own.id}/releases`)
      expect(status).toBe(201)
      expect(body).toEqual({
        releaseId: expect.any(String),
        rolloutId: expect.any(String),
        version: '1.2.3+4',
        platform: 'ios',
        channel: 'production',
        sequence: 1,
        percentage: 33.33,
        mandatory: true,
        content: {
          kind: 'archive',
          sha256: sha256Of(bundle),
          sizeBytes: bundle.length,
          fileCount: 2,
          tree: expect.stringMatching(/^[0-9a-f]{64}$/),
          downloadUrl: `http://localhost:80/artifacts/${sha256Of(bundle)}`,
        },
        keyRegistered: false,
        existing: false,
      })
      const { body: release } = await server.request('GET', `/manage/v1/releases/${body.releaseId}`)
      expect(release).toMatchObject({
        content: body.content,
        version: '1.2.3+4',
        notes: 'Größer',
        signature: null,
        createdBy: 'owner',
      })
      const download = await server.app.http.inject(`/artifacts/${body.content.sha256}`)
      expect(download.rawPayload).toEqual(bundle)
    })

    test('of the same bytes is stored once', async () => {
      const own = await server.createTestApp()
      const files = await listFiles(server.directory)
      for (const version of ['1.0.0', '1.1.0']) await server.published(own, { version, bundle })
      expect((await listFiles(server.directory)).length).toBe(files.length)
    })

    test('may have the version of another platform', async () => {
      const own = await server.createTestApp()
      await server.published(own, { bundle })
      const ios = await server.published(own, { bundle: await bundleOf('other'), platform: 'ios' })
      expect(ios).toMatchObject({ sequence: 1, existing: false })
    })

    test('of a version that is there is refused, and says which one has it', async () => {
      const own = await server.createTestApp()
      const { releaseId } = await server.published(own, { bundle })
      const answer = await server.publish(own, { bundle: await bundleOf('other') })
      expect(problemOf(answer)).toBe('409 release-exists')
      expect(answer.body.releaseId).toBe(releaseId)
      const otherNotes = () => server.publish(own, { bundle, notes: 'other notes' })
      expect(await refusal(otherNotes)).toBe('409 release-exists')
    })

    test('of one version, published twice at once, is there once', async () => {
      const own = await server.createTestApp()
      const answers = await Promise.all([server.publish(own, { bundle }), server.publish(own, { bundle })])
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 201])
      expect(answers[0].body).toEqual(answers[1].body)
      const other = server.publish(own, { bundle, notes: 'other' })
      expect(problemOf(await other)).toBe('409 release-exists')
      const { body } = await server.request('GET', `/manage/v1/apps/${own.slug}/releases`)
      expect(body.items).toHaveLength(1)
    })

    test('takes the next sequence when it is unsigned, also with others at once', async () => {
      const own = await server.createTestApp()
      const versions = ['1.0.0', '1.1.0', '1.2.0', '1.3.0']
      const answers = await Promise.all(versions.map((version) => server.publish(own, { version, bundle })))
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201])
      expect(answers.map(({ body }) => body.sequence).sort((a, b) => a - b)).toEqual([1, 2, 3, 4])
    })
  })

  describe('a version that is there,', () => {
    const releasesOf = async (own: App) =>
      (await server.request('GET', `/manage/v1/apps/${own.slug}/releases`)).body.items as { id: string }[]

    test('published on a further channel, is the same release, placed there as that publish wants it', async () => {
      const own = await server.createTestApp()
      const first = await server.published(own, { bundle, channel: 'staging', notes: 'New' })
      const wishes = { percentage: 40, mandatory: true, cohorts: ['testers'], guard: { action: 'pause' } } as const
      const second = await server.publish(own, { bundle, ...wishes, cohorts: [...wishes.cohorts] })
      expect([second.status, second.body]).toEqual([
        201,
        {
          ...first,
          existing: true,
          channel: 'production',
          rolloutId: expect.any(String),
          percentage: 40,
          mandatory: true,
        },
      ])
      const { body: rollout } = await server.request('GET', `/manage/v1/rollouts/${second.body.rolloutId}`)
      expect(rollout).toMatchObject({
        releaseId: first.releaseId,
        cohorts: ['testers'],
        guard: { isOn: true, action: 'pause' },
      })
      expect((await server.check(own, { cohorts: [], deviceId: 'x', channel: 'staging' })).body.version).toBe('1.0.0')
      expect(await releasesOf(own)).toMatchObject([{ id: first.releaseId, channel: 'staging', notes: 'New' }])
      const { body } = await server.request('GET', `/manage/v1/apps/${own.slug}/releases?channel=production`)
      expect(body.items).toHaveLength(1)
    })

    test('has an answer for each channel, which the same request gets again', async () => {
      const own = await server.createTestApp()
      const on = (channel: string) => server.publish(own, { bundle, channel, percentage: 20 })
      const first = [await on('beta'), await on('production')]
      const again = [await on('beta'), await on('production')]
      expect(again.map(({ status }) => status)).toEqual([200, 200])
      expect(again.map(({ body }) => body)).toEqual(first.map(({ body }) => body))
    })

    test('is stated again where its publisher signs it again, and sets the floor that this says', async () => {
      const own = await server.createTestApp()
      const key = newSigningKey()
      const content = { appId: own.id, platform: 'android', version: '1.0.0', bundle } as const
      const first = signRelease(key, { ...content, sequence: 1 })
      const { releaseId } = await server.published(own, { bundle, channel: 'staging', signatures: first })
      const signatures = signRelease(key, { ...content, sequence: 7 }, { floor: 5 })
      const placed = await server.published(own, { bundle, signatures })
      expect(placed).toMatchObject({ releaseId, existing: true, sequence: 7, keyRegistered: false })
      const [offered, before] = await Promise.all([
        server.check(own, { deviceId: 'a' }),
        server.check(own, { deviceId: 'a', channel: 'staging' }),
      ])
      expect([offered.body.statement, before.body.statement]).toEqual([signatures.statement, first.statement])
      const { body: next } = await server.request('GET', `/manage/v1/apps/${own.slug}/sequence?platform=android`)
      expect(next.nextSequence).toBe(8)
    })

    test('says nothing new under the statement that it has, and takes no sequence', async () => {
      const own = await server.createTestApp()
      const content = { appId: own.id, platform: 'android', version: '1.0.0', sequence: 3, bundle } as const
      const signatures = signRelease(newSigningKey(), content)
      await server.published(own, { bundle, channel: 'staging', signatures })
      expect(await server.published(own, { bundle, signatures })).toMatchObject({ sequence: 3, existing: true })
    })

    test('with a statement whose sequence is taken is refused', async () => {
      const own = await server.createTestApp()
      const key = newSigningKey()
      const content = { appId: own.id, platform: 'android', version: '1.0.0', bundle } as const
      const publish = (channel: string, sequence: number, createdAt: string) =>
        server.publish(own, { bundle, channel, signatures: signRelease(key, { ...content, sequence }, { createdAt }) })
      await publish('staging', 3, '2027-01-01T00:00:00.000Z')
      expect(await refusal(() => publish('production', 3, '2027-01-02T00:00:00.000Z'))).toBe('409 sequence-taken')
    })

    test.each<[string, () => Promise<Record<string, unknown>>, Record<string, string>]>([
      [
        'other bytes',
        async () => ({ bundle: await bundleOf('other') }),
        { field: 'bundle.zip', expected: 'SHA-256 ', found: 'SHA-256 ' },
      ],
      [
        'another requirement',
        async () => ({ minNativeVersion: '2.0' }),
        { field: 'minNativeVersion', expected: 'none', found: '2.0' },
      ],
      ['other notes', async () => ({ notes: 'Other' }), { field: 'notes', expected: '"Notes"', found: '"Other"' }],
    ])('with %s is refused, and the difference told', async (_case, change, { field, expected, found }) => {
      const own = await server.createTestApp()
      const first = await server.published(own, { bundle, notes: 'Notes', channel: 'staging' })
      const changes = await change()
      const answer = await server.publish(own, { bundle, ...changes })
      expect(problemOf(answer)).toBe('409 release-exists')
      expect(answer.body).toMatchObject({
        releaseId: first.releaseId,
        publishedBy: 'owner',
        publishedAt: expect.any(String),
        channels: ['staging'],
        differences: [
          { field, expected: expect.stringContaining(expected ?? ''), found: expect.stringContaining(found ?? '') },
        ],
      })
      expect(answer.body.detail).toMatch(/by owner and is something else: .*new version.*hotpatch promote/)
      expect(await refusal(() => server.publish(own, { bundle, ...changes }))).toBe('409 release-exists')
    })

    test('that nobody signed cannot come signed', async () => {
      const own = await server.createTestApp()
      await server.published(own, { bundle, channel: 'staging' })
      const content = { appId: own.id, platform: 'android', version: '1.0.0', sequence: 2, bundle } as const
      const signatures = signRelease(newSigningKey(), content)
      expect(await refusal(() => server.publish(own, { bundle, signatures }))).toBe('409 release-exists')
    })

    test('is refused where a promotion has brought it, and on every channel when it is archived', async () => {
      const own = await server.createTestApp()
      const { releaseId } = await server.published(own, { bundle, channel: 'staging' })
      await server.request('POST', `/manage/v1/apps/${own.slug}/rollouts`, { body: { releaseId, channel: 'beta' } })
      const answer = await server.publish(own, { bundle, channel: 'beta' })
      expect([problemOf(answer), answer.body.channels]).toEqual(['409 release-exists', ['staging', 'beta']])
      expect(answer.body.detail).toContain('is on the channel "beta" already')
      await server.request('DELETE', `/manage/v1/releases/${releaseId}`)
      const archived = await server.publish(own, { bundle })
      expect([problemOf(archived), archived.body.detail]).toEqual([
        '409 release-exists',
        expect.stringContaining('archived'),
      ])
    })

    test('is of one release on each device: what is for any platform shares its versions with all', async () => {
      const own = await server.createTestApp()
      const other = await bundleOf('other')
      await server.published(own, { bundle, platform: 'android', version: '1.0.0' })
      await server.published(own, { bundle: other, platform: 'any', version: '2.0.0' })
      const refused = await server.publish(own, { bundle: other, platform: 'any', version: '1.0.0' })
      expect([problemOf(refused), refused.body.detail]).toEqual([
        '409 release-exists',
        expect.stringMatching(/^Version 1\.0\.0 for android .* for any\. Publish under a new version\.$/),
      ])
      expect(problemOf(await server.publish(own, { bundle, platform: 'ios', version: '2.0.0' }))).toBe(
        '409 release-exists',
      )
      // Not even the same bytes: they would be two releases of one name.
      expect(problemOf(await server.publish(own, { bundle: other, platform: 'android', version: '2.0.0' }))).toBe(
        '409 release-exists',
      )
      const body = { platform: 'any', version: '1.0.0' }
      const asked = await server.request('POST', `/manage/v1/apps/${own.slug}/releases/preflight`, { body })
      expect(asked.body).toMatchObject({ existing: null, findings: [{ check: 'version', severity: 'error' }] })
      const both = [{ platform: 'android' as const }, { platform: 'any' as const }, { platform: 'ios' as const }]
      const answers = await Promise.all(
        both.map((changes) => server.publish(own, { bundle, version: '3.0.0', ...changes })),
      )
      const published = answers.flatMap(({ status, body: { platform } }) => (status === 201 ? [platform] : []))
      expect([['any'], ['android', 'ios']]).toContainEqual(published)
    })

    test('published by several at once, is one release; who has something else is told', async () => {
      const own = await server.createTestApp()
      const other = await bundleOf('other')
      const channels = ['staging', 'beta', 'production']
      const answers = await Promise.all([
        ...channels.map((channel) => server.publish(own, { bundle, channel })),
        ...channels.map((channel) => server.publish(own, { bundle: other, channel })),
      ])
      const statuses = answers.map(({ status }) => status).sort((a, b) => a - b)
      expect(statuses).toEqual([201, 201, 201, 409, 409, 409])
      const winners = answers.filter(({ status }) => status === 201).map(({ body }) => body)
      expect(new Set(winners.map(({ releaseId }) => releaseId)).size).toBe(1)
      expect(winners.filter(({ existing }) => existing)).toHaveLength(2)
      expect(await releasesOf(own)).toHaveLength(1)
    })
  })

  describe('the same request again', () => {
    /** Nothing at all is new, not even what is told to those who listen. */
    const unchanged = async (act: () => Promise<TestResponse>) => {
      // Not where one stands in their order: that is found in the background, also of those from before.
      const told = () => db.selectFrom('announcement').select('id').orderBy('id').execute()
      const written = async () => [await dumpDecisions(db), await told()]
      const before = await written()
      const response = await act()
      expect(await written()).toEqual(before)
      return response
    }

    test('has the same answer, whatever became of the rollout since', async () => {
      const own = await server.createTestApp()
      const rules = [{ attribute: 'osVersion', range: '>=1' }] as const
      const first = await server.publish(own, { bundle, percentage: 10, notes: 'n', rules: [...rules] })
      await server.request('PATCH', `/manage/v1/rollouts/${first.body.rolloutId}`, { body: { percentage: 50 } })
      const again = await unchanged(() =>
        server.publish(own, { rules: [...rules], notes: 'n', percentage: 10, bundle }),
      )
      expect([first.status, again.status]).toEqual([201, 200])
      expect(again.body).toEqual(first.body)
    })

    test('has it with or without the bytes', async () => {
      const own = await server.createTestApp()
      const { body: first } = await server.publish(own, { bundle })
      const metadata = { platform: 'android', version: '1.0.0', content: { kind: 'archive', sha256: sha256Of(bundle) } }
      const again = await unchanged(() => post(formWithoutBundle(metadata), `/manage/v1/apps/${own.id}/releases`))
      expect([again.status, again.body]).toEqual([200, first])
    })

    test('is the conflict of the contract, which takes a version once on a channel', async () => {
      const own = await server.createTestApp()
      const metadata = { app: own.slug, platform: 'android', version: '1.0.0' }
      const publish = (channel: string) => post(publishForm({ ...metadata, channel }, bundle), '/releases')
      const first = await publish('production')
      expect(first.status).toBe(201)
      const again = await unchanged(() => publish('production'))
      expect([problemOf(again), again.body.releaseId]).toEqual(['409 release-exists', first.body.id])
      expect(again.body.detail).toContain('published on the channel "production" before')
      const elsewhere = await publish('beta')
      expect([elsewhere.status, elsewhere.body.id]).toEqual([201, first.body.id])
      const back = (query = '') => server.request('PATCH', `/releases/${first.body.id}/rollback${query}`)
      expect(problemOf(await back())).toBe('400 invalid-request')
      expect((await back('?channel=beta')).body).toMatchObject({ channel: 'beta', releaseId: first.body.id })
    })

    test('has it when it is signed; another statement for the same bytes is another request', async () => {
      const own = await server.createTestApp()
      const key = newSigningKey()
      const content = { appId: own.id, platform: 'android', version: '1.0.0', sequence: 1, bundle } as const
      const signatures = signRelease(key, content)
      const first = await server.publish(own, { bundle, signatures })
      expect(first.body.keyRegistered).toBe(true)
      const again = await unchanged(() => server.publish(own, { bundle, signatures }))
      expect(again).toMatchObject({ status: 200, body: first.body })
      const restated = signRelease(key, { ...content, sequence: 2 })
      expect(await refusal(() => server.publish(own, { bundle, signatures: restated }))).toBe('409 release-exists')
    })

    test('is a conflict when the release was archived since', async () => {
      const own = await server.createTestApp()
      const { releaseId } = await server.published(own, { bundle })
      await server.request('DELETE', `/manage/v1/releases/${releaseId}`)
      expect(await refusal(() => server.publish(own, { bundle }))).toBe('409 release-exists')
    })
  })

  describe('bytes that come before their release', () => {
    const address = (bytes: Uint8Array, of: App = app) => `/manage/v1/apps/${of.slug}/artifacts/${sha256Of(bytes)}`
    const upload = (bytes: Uint8Array, path = address(bytes), headers: Record<string, string> = {}) =>
      server.request('PUT', path, { body: bytes, headers: { 'content-type': 'application/zip', ...headers } })
    const metadataOf = (bytes: Uint8Array, version = '1.0.0') => ({
      platform: 'android',
      version,
      content: { kind: 'archive', sha256: sha256Of(bytes), sizeBytes: bytes.length },
    })

    test('are sent once, for as many releases as want them', async () => {
      const own = await server.createTestApp()
      const bytes = await bundleOf('before')
      expect(problemOf(await server.request('GET', address(bytes, own)))).toBe('404 artifact-not-found')
      const uploaded = await upload(bytes, address(bytes, own))
      const sha256 = sha256Of(bytes)
      const downloadUrl = `http://localhost:80/artifacts/${sha256}`
      const { tree } = uploaded.body
      const content = { kind: 'archive', sha256, sizeBytes: bytes.length, fileCount: 2, tree, downloadUrl }
      expect(uploaded).toMatchObject({ status: 200, body: content })
      expect((await server.request('GET', address(bytes, own))).body).toEqual(content)

      const path = `/manage/v1/apps/${own.slug}/releases`
      for (const version of ['1.0.0', '1.1.0']) {
        const { status, body } = await post(formWithoutBundle(metadataOf(bytes, version)), path)
        expect(status).toBe(201)
        expect(body).toMatchObject({ content, version })
      }
      expect((await server.app.http.inject(downloadUrl)).rawPayload).toEqual(bytes)
    })

    test('are named by a release that is signed', async () => {
      const own = await server.createTestApp()
      const bytes = await bundleOf('signed')
      await upload(bytes, address(bytes, own))
      const content = { appId: own.id, platform: 'android', version: '1.0.0', sequence: 4, bundle: bytes } as const
      const form = formWithoutBundle(metadataOf(bytes), signRelease(newSigningKey(), content))
      const { status, body } = await post(form, `/manage/v1/apps/${own.slug}/releases`)
      expect([status, body.sequence, body.keyRegistered]).toEqual([201, 4, true])
    })

    test.each<[string, () => Promise<TestResponse>, string]>([
      ['under the name of others', () => upload(bundle, address(Buffer.from('x'))), '422 hash-mismatch'],
      ['that are no zip', () => upload(Buffer.from('no zip')), '422 invalid-archive'],
      ['that are too many', () => upload(Buffer.alloc(100_001)), '413 body-too-large'],
      ['under no hash', () => upload(bundle, `/manage/v1/apps/${app.slug}/artifacts/abc`), '400 invalid-request'],
      ['for an unknown app', () => upload(bundle, address(bundle, { slug: 'nobody' } as App)), '404 app-not-found'],
      [
        'as JSON',
        () => upload(Buffer.from('{}'), address(bundle), { 'content-type': 'application/json' }),
        '415 unsupported-media-type',
      ],
    ])('%s are refused', async (_case, act, expected) => {
      expect(await refusal(act)).toBe(expected)
    })

    test('are refused unread when their length says that they are too many', async () => {
      const headers = { 'content-length': '100001' }
      expect(problemOf(await upload(Buffer.from('x'), address(bundle), headers))).toBe('413 body-too-large')
    })

    test('and did not come are missing', async () => {
      const form = () =>
        formWithoutBundle({ ...metadataOf(bundle), content: { kind: 'archive', sha256: 'c'.repeat(64) } })
      expect(await refusal(() => post(form()))).toBe('409 artifact-missing')
    })
  })

  describe('for the web', () => {
    const html = writeZip([
      { name: 'index.html', content: '<p>' },
      { name: 'assets/index.js', content: '' },
    ])
    const inFolder = writeZip([{ name: 'www/index.html', content: '<p>' }])
    const web = { platform: 'web', version: '1.0.0' }
    let site = ''
    beforeEach(async () => {
      site = `/manage/v1/apps/${(await server.createTestApp({ platforms: ['web'] })).slug}`
    })

    test('needs index.html at the root, or the file that it names', async () => {
      expect(problemOf(await post(publishForm(web, inFolder), `${site}/releases`))).toBe('422 content-unfit')
      expect((await post(publishForm(web, html), `${site}/releases`)).status).toBe(201)
      const named = { ...web, version: '1.1.0', content: { kind: 'archive', entry: 'start.html' } }
      expect(problemOf(await post(publishForm(named, html), `${site}/releases`))).toBe('422 content-unfit')
      const start = writeZip([{ name: 'start.html', content: '<p>' }])
      expect((await post(publishForm(named, start), `${site}/releases`)).status).toBe(201)
    })

    test('also when its bytes came before', async () => {
      for (const [bytes, expected] of [
        [inFolder, 422],
        [html, 201],
      ] as const) {
        const sha256 = sha256Of(bytes)
        const headers = { 'content-type': 'application/zip' }
        await server.request('PUT', `${site}/artifacts/${sha256}`, { body: bytes, headers })
        const form = formWithoutBundle({ ...web, content: { kind: 'archive', sha256 } })
        expect((await post(form, `${site}/releases`)).status).toBe(expected)
      }
    })
  })

  describe('what is refused changes nothing:', () => {
    const valid = { platform: 'android', version: '1.0.0' }

    test.each<[string, Record<string, unknown>, string]>([
      ['an unknown channel', { channel: 'nightly' }, '404 channel-not-found'],
      ['a platform that the app does not have', { platform: 'web' }, '404 platform-not-found'],
      ['an unknown platform', { platform: 'symbian' }, '400 invalid-request'],
      ['no platform', { platform: undefined }, '400 invalid-request'],
      ['no version', { version: undefined }, '400 invalid-request'],
      ['an empty version', { version: '' }, '400 invalid-request'],
      ['a version of 51 characters', { version: '1'.repeat(51) }, '400 invalid-request'],
      ['a version that is none', { version: 'abc' }, '400 invalid-request'],
      ['a version that is a lone letter', { version: 'v' }, '400 invalid-request'],
      ['a version with a slash', { version: '1/2' }, '400 invalid-request'],
      ['a version that is there', { version: '0.9.0' }, '409 release-exists'],
      ['a percentage above 100', { percentage: 100.01 }, '400 invalid-request'],
      ['a percentage below 0', { percentage: -1 }, '400 invalid-request'],
      ['a percentage finer than 0.01', { percentage: 33.333 }, '400 invalid-request'],
      ['a percentage that is text', { percentage: '50' }, '400 invalid-request'],
      ['a mandatory that is text', { mandatory: 'true' }, '400 invalid-request'],
      ['a start that is no time', { startsAt: 'tomorrow' }, '400 invalid-request'],
      ['a start without a time zone', { startsAt: '2027-01-01 00:00' }, '400 invalid-request'],
      ['endless notes', { notes: 'x'.repeat(10_001) }, '400 invalid-request'],
      ['a native minimum that nobody can read', { minNativeVersion: 'new' }, '400 invalid-request'],
      ['a native range that nobody can read', { nativeRange: 'newer than 2' }, '400 invalid-request'],
      ['an unknown field', { colour: 'red' }, '400 invalid-request'],
      ['the hash of something else', { content: { kind: 'archive', sha256: 'a'.repeat(64) } }, '422 hash-mismatch'],
      ['a hash that is none', { content: { kind: 'archive', sha256: 'abc' } }, '400 invalid-request'],
      ['the size of something else', { content: { kind: 'archive', sizeBytes: 7 } }, '422 size-mismatch'],
      ['an entry that the zip has not', { content: { kind: 'archive', entry: 'main.js' } }, '422 content-unfit'],
      [
        'an entry that is no file at the root',
        { content: { kind: 'archive', entry: 'assets/main.js' } },
        '400 invalid-request',
      ],
    ])('%s', async (_case, changes, expected) => {
      expect(await refusal(() => post(publishForm({ ...valid, ...changes }, bundle)))).toBe(expected)
    })

    test('an unknown app', async () => {
      const form = publishForm(valid, bundle)
      expect(await refusal(() => post(form, '/manage/v1/apps/nobody/releases'))).toBe('404 app-not-found')
    })

    test.each<[string, () => Promise<Uint8Array>, string]>([
      ['an empty archive', () => Promise.resolve(Buffer.alloc(0)), '422 invalid-archive'],
      ['something that is no zip', () => Promise.resolve(Buffer.from('not a zip')), '422 invalid-archive'],
      ['a zip that was cut off', async () => bundle.subarray(0, bundle.length - 30), '422 invalid-archive'],
      ['a zip without files', () => zipOf({}), '422 invalid-archive'],
      ['an archive above the limit', () => Promise.resolve(Buffer.alloc(100_001)), '413 body-too-large'],
      ['a body far above the limit', () => Promise.resolve(Buffer.alloc(3_000_000)), '413 body-too-large'],
    ])('%s', async (_case, make, expected) => {
      const archive = await make()
      expect(await refusal(() => post(publishForm(valid, archive)))).toBe(expected)
    })

    const withParts = (edit: (form: FormData) => void) => {
      const form = publishForm(valid, bundle)
      edit(form)
      return form
    }
    test.each<[string, (form: FormData) => void, string]>([
      ['no metadata', (form) => form.delete('metadata'), '400 invalid-request'],
      ['no archive', (form) => form.delete('bundle'), '400 invalid-request'],
      [
        'two archives',
        (form) => form.append('other', new Blob([new Uint8Array(bundle)]), 'b.zip'),
        '400 invalid-request',
      ],
      ['a field that is not known', (form) => form.set('colour', 'red'), '400 invalid-request'],
      ['metadata that is not JSON', (form) => form.set('metadata', '{'), '400 malformed-json'],
      ['metadata that is a list', (form) => form.set('metadata', '[]'), '400 invalid-request'],
      ['metadata without end', (form) => form.set('metadata', ' '.repeat(300_000)), '400 invalid-request'],
      ['a signature that is not base64', (form) => form.set('signature', '***'), '400 invalid-request'],
      ['a lone statement', (form) => form.set('statement', 'AAAA'), '400 invalid-request'],
      ['a lone signature of one', (form) => form.set('statementSignature', 'AAAA'), '400 invalid-request'],
    ])('%s', async (_case, edit, expected) => {
      expect(await refusal(() => post(withParts(edit)))).toBe(expected)
    })

    test.each([
      ['JSON', 'application/json', '{}', '400 invalid-request'],
      ['text', 'text/plain', 'hello', '415 unsupported-media-type'],
      ['a form without a boundary', 'multipart/form-data', 'x', '400 invalid-request'],
      ['a form that breaks off', 'multipart/form-data; boundary=x', '--x\r\ncontent-disp', '400 invalid-request'],
      [
        'a form that breaks off in the archive',
        'multipart/form-data; boundary=x',
        '--x\r\ncontent-disposition: form-data; name="bundle"; filename="b.zip"\r\n\r\nPK',
        '400 invalid-request',
      ],
    ])('a body that is %s', async (_case, type, body, expected) => {
      const path = `/manage/v1/apps/${app.slug}/releases`
      expect(await refusal(() => server.request('POST', path, { body, headers: { 'content-type': type } }))).toBe(
        expected,
      )
    })

    test('an upload by a token that may only read', async () => {
      const token = await server.createToken({ role: 'reader' })
      await server.request('GET', '/manage/v1/whoami', { token })
      expect(await refusal(() => server.publish(app, { ...valid, platform: 'android', bundle, token }))).toBe(
        '403 forbidden',
      )
    })
  })

  describe('every percentage from 0 to 100 in steps of 0.01', () => {
    test('is taken when it is published, whatever its binary fraction', async () => {
      const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts`)
      const { id } = body.items.at(-1)
      for (const percentage of [0, 0.01, 0.07, 0.29, 0.57, 1.13, 4.35, 8.2, 16.4, 33.33, 57.3, 64.1, 99.99, 100]) {
        const changed = await server.request('PATCH', `/manage/v1/rollouts/${id}`, { body: { percentage } })
        expect(changed.body.percentage).toBe(percentage)
        const version = `1.0.0-p${percentage}`
        expect((await server.published(app, { version, bundle, percentage })).percentage).toBe(percentage)
      }
    })
  })

  describe('the form', () => {
    const publishAs = async (edit: (form: FormData, own: App) => void) => {
      const own = await server.createTestApp()
      const form = publishForm({ platform: 'android', version: '1.0.0' }, bundle)
      edit(form, own)
      return post(form, `/manage/v1/apps/${own.slug}/releases`)
    }

    test('may hold its metadata as a file', async () => {
      const { status } = await publishAs((form) => {
        form.set('metadata', new Blob(['{"platform":"android","version":"1.0.0"}']), 'metadata.json')
      })
      expect(status).toBe(201)
    })

    test('may hold its metadata as a field of JSON', async () => {
      const own = await server.createTestApp()
      const part = (head: string) => `--x\r\ncontent-disposition: form-data; ${head}\r\n\r\n`
      const body = Buffer.concat([
        Buffer.from(part('name="metadata"\r\ncontent-type: application/json')),
        Buffer.from('{"platform":"android","version":"1.0.0"}\r\n'),
        Buffer.from(part('name="bundle"; filename="bundle.zip"\r\ncontent-type: application/zip')),
        bundle,
        Buffer.from('\r\n--x--\r\n'),
      ])
      const headers = { 'content-type': 'multipart/form-data; boundary=x' }
      const { status } = await server.request('POST', `/manage/v1/apps/${own.slug}/releases`, { body, headers })
      expect(status).toBe(201)
    })

    test('may name the archive as it likes, and bring it first', async () => {
      const own = await server.createTestApp()
      const form = new FormData()
      form.set('file', new Blob([new Uint8Array(bundle)]), 'main.zip')
      form.set('metadata', '{"platform":"android","version":"1.0.0"}')
      expect((await post(form, `/manage/v1/apps/${own.slug}/releases`)).status).toBe(201)
    })

    test('may hold the signature as the 64 bytes themselves', async () => {
      const key = newSigningKey()
      const { status, body } = await publishAs((form, own) => {
        const content = { appId: own.id, platform: 'android' as const, version: '1.0.0', sequence: 1, bundle }
        const { signature } = signRelease(key, content)
        form.set('signature', new Blob([Buffer.from(signature, 'base64')]), 'signature.sig')
        form.set('publicKey', key.publicKey)
      })
      expect(status).toBe(201)
      const { body: release } = await server.request('GET', `/manage/v1/releases/${body.releaseId}`)
      expect(release).toMatchObject({ signature: expect.stringMatching(/^[\w+/]{86}==$/), statement: null })
    })
  })

  describe('a signed release', () => {
    const key = newSigningKey()
    const content = (sequence: number) =>
      ({ appId: app.id, platform: 'android', version: '2.0.0', sequence, bundle }) as const
    let signed: App
    const base = (sequence: number) => ({ ...content(sequence), appId: signed.id })
    const publish = (signatures: Record<string, string>, changes: Record<string, unknown> = {}) =>
      server.publish(signed, { version: '2.0.0', bundle, signatures, ...changes })

    beforeAll(async () => {
      signed = await server.createTestApp()
      for (const sequence of [1, 5]) {
        const version = `1.${sequence}.0`
        const signatures = signRelease(key, { ...base(sequence), version })
        await server.published(signed, { version, bundle, signatures })
      }
    })

    test('is given to devices exactly as it was signed', async () => {
      const own = await server.createTestApp()
      const signatures = signRelease(key, { ...content(3), appId: own.id }, { floor: 2, createdAt: 'any text at all' })
      const published = await server.published(own, { version: '2.0.0', bundle, signatures })
      expect(published).toMatchObject({ sequence: 3, keyRegistered: true })
      const { body } = await server.check(own)
      expect(body).toMatchObject({
        signature: signatures.signature,
        statement: signatures.statement,
        statementSignature: signatures.statementSignature,
      })
    })

    test('tells which sequence comes next', async () => {
      const at = `/manage/v1/apps/${signed.slug}/sequence`
      expect((await server.request('GET', `${at}?platform=android`)).body).toMatchObject({
        platform: 'android',
        nextSequence: 6,
      })
      expect((await server.request('GET', `${at}?platform=ios`)).body).toMatchObject({
        platform: 'ios',
        nextSequence: 1,
      })
      expect((await server.request('GET', `${at}?platform=any`)).body).toMatchObject({
        platform: 'any',
        nextSequence: 6,
      })
      expect(problemOf(await server.request('GET', `${at}?platform=web`))).toBe('404 platform-not-found')
    })

    test.each([1, 4, 5])('with the sequence %i, when 5 was taken, is told the next one', async (sequence) => {
      const answer = await publish(signRelease(key, base(sequence)))
      expect(problemOf(answer)).toBe('409 sequence-taken')
      expect(answer.body.nextSequence).toBe(6)
      expect(await refusal(() => publish(signRelease(key, base(sequence))))).toBe('409 sequence-taken')
    })

    test.each([1_000_006, Number.MAX_SAFE_INTEGER])(
      'with the sequence %i, which devices refuse, is refused',
      async (far) => {
        const answer = await publish(signRelease(key, base(far)))
        expect(problemOf(answer)).toBe('422 sequence-too-far')
        expect(answer.body).toMatchObject({ nextSequence: 6, highestSequence: 1_000_005 })
        expect(answer.body.detail).toContain('at most 1000005')
        const next = await server.request('GET', `/manage/v1/apps/${signed.slug}/sequence?platform=android`)
        expect(next.body.nextSequence).toBe(6)
      },
    )

    test('with the highest sequence that devices take is taken', async () => {
      const own = await server.createTestApp()
      const signatures = signRelease(key, { ...content(1_000_000), appId: own.id })
      expect(await server.published(own, { version: '2.0.0', bundle, signatures })).toMatchObject({
        sequence: 1_000_000,
      })
    })

    test('with the sequence of another at the same time is told the next one', async () => {
      const own = await server.createTestApp()
      const sign = (version: string) => signRelease(key, { ...content(7), appId: own.id, version })
      const answers = await Promise.all(
        ['1.0.0', '1.1.0'].map((version) => server.publish(own, { version, bundle, signatures: sign(version) })),
      )
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409])
      expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ nextSequence: 8 })
    })

    test('for any platform takes its sequence on all of them', async () => {
      const own = await server.createTestApp()
      const signatures = signRelease(key, { ...content(4), appId: own.id, platform: 'any' })
      await server.published(own, { version: '2.0.0', platform: 'any', bundle, signatures })
      const next = await server.request('GET', `/manage/v1/apps/${own.slug}/sequence?platform=ios`)
      expect(next.body.nextSequence).toBe(5)
    })

    test.each<[string, Parameters<typeof signRelease>[2]]>([
      ['another app', { appId: '01890000-0000-7000-8000-000000000000' }],
      ['another platform', { platform: 'ios' }],
      ['another version', { version: '2.0.1' }],
      ['another target', STATED_EMBEDDED],
      ['another requirement', { requirement: { minNativeVersion: '3.0' } }],
      ['another artifact', { artifacts: [{ name: 'bundle.zip', sha256: 'a'.repeat(64), sizeBytes: 1 }] }],
      ['an artifact under another name', { artifacts: [{ name: 'main.zip', sha256: 'a'.repeat(64), sizeBytes: 1 }] }],
      ['no artifact', { artifacts: [] }],
      ['another kind of content', { content: { kind: 'files' } }],
      ['a zip that unpacks to something else', { content: { kind: 'archive', tree: 'a'.repeat(64) } }],
      ['no sequence', { sequence: 0 }],
      ['half a sequence', { sequence: 6.5 }],
    ])('whose statement is for %s is refused', async (_case, changes) => {
      const signatures = signRelease(key, base(6), changes)
      expect(await refusal(() => publish(signatures))).toBe('422 statement-invalid')
    })

    test('whose statement names a second artifact is refused', async () => {
      const { sha256, sizeBytes } = { sha256: sha256Of(bundle), sizeBytes: bundle.length }
      const artifacts = ['bundle.zip', 'extra.zip'].map((name) => ({ name, sha256, sizeBytes }))
      expect(await refusal(() => publish(signRelease(key, base(6), { artifacts })))).toBe('422 statement-invalid')
    })

    test('whose requirement is not the one that was signed is refused', async () => {
      const signatures = signRelease(key, base(6))
      expect(await refusal(() => publish(signatures, { minNativeVersion: '2.0' }))).toBe('422 statement-invalid')
    })

    test.each<[string, string | Uint8Array]>([
      ['no JSON', 'hello'],
      ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
      ['too long', ' '.repeat(64 * 1024 + 1)],
      ['of another type', '{"type":"hotpatch.release.v2"}'],
    ])('whose statement is %s is refused', async (_case, text) => {
      const bytes = Buffer.from(text)
      const { signature } = signRelease(key, base(6))
      const signatures = {
        signature,
        statement: bytes.toString('base64'),
        statementSignature: key.sign(bytes),
      }
      expect(await refusal(() => publish(signatures))).toBe('422 statement-invalid')
    })

    const other = newSigningKey()
    test.each<[string, (mine: Record<string, string>, theirs: Record<string, string>) => Record<string, string>]>([
      ['signed by another key', (_mine, theirs) => theirs],
      [
        'with the digest signed by another key',
        (mine, { signature }) => ({ ...mine, ...(signature && { signature }) }),
      ],
      [
        'with the statement signed by another key',
        (mine, theirs) => ({ ...mine, statementSignature: theirs.statementSignature ?? '' }),
      ],
      ['with a signature over other bytes', (mine) => ({ ...mine, signature: key.sign(Buffer.from('other')) })],
      [
        'with a signature without its padding',
        (mine) => ({ ...mine, signature: mine.signature?.replace(/=+$/, '') ?? '' }),
      ],
      ['with a short signature', (mine) => ({ ...mine, signature: 'AAAA' })],
      [
        'with another statement than the signed one',
        (mine) => ({ ...mine, statement: Buffer.from(writeReleaseStatement(NOTHING)).toString('base64') }),
      ],
    ])('%s is refused', async (_case, mix) => {
      const signatures = mix(signRelease(key, base(6)), signRelease(other, base(6)))
      expect(await refusal(() => publish(signatures))).toBe('422 signature-invalid')
    })

    test('with a statement but without the signature over the digest is refused', async () => {
      const { signature: _, ...signatures } = signRelease(key, base(6))
      expect(await refusal(() => publish(signatures))).toBe('400 invalid-request')
    })

    test('of an app without a key says with which key it was signed', async () => {
      const own = await server.createTestApp()
      const { publicKey: _, ...signatures } = signRelease(key, { ...content(1), appId: own.id })
      expect(await refusal(() => server.publish(own, { version: '2.0.0', bundle, signatures }))).toBe(
        '422 signature-invalid',
      )
    })

    test('of an app without a key is refused when the key that comes along did not sign it', async () => {
      const own = await server.createTestApp()
      const signatures = { ...signRelease(key, { ...content(1), appId: own.id }), publicKey: other.publicKey }
      expect(await refusal(() => server.publish(own, { version: '2.0.0', bundle, signatures }))).toBe(
        '422 signature-invalid',
      )
    })

    test('cannot pass a rollback statement off as a release', async () => {
      const text = writeReleaseStatement({ ...NOTHING, appId: signed.id, platform: 'android', sequence: 6 })
      const { signature } = signRelease(key, base(6))
      const signatures = { signature, ...signStatement(key, text) }
      expect(await refusal(() => publish(signatures))).toBe('422 statement-invalid')
    })
  })

  describe("the contract's own upload", () => {
    const upload = (metadata: unknown, path = '/releases') => post(publishForm(metadata, bundle), path)

    test("takes the contract's names", async () => {
      const own = await server.createTestApp()
      const { status, body } = await upload({
        appId: own.id,
        platform: 'android',
        version: '1.0.0',
        channel: 'staging',
        hash: sha256Of(bundle),
        mandatory: true,
        rollout_percentage: 10,
      })
      expect(status).toBe(201)
      expect(body).toMatchObject({ id: body.releaseId, channel: 'staging', percentage: 10, mandatory: true })
    })

    test.each(['rollout', 'rolloutPercentage', 'rollout_percentage', 'percentage'])('reads %s', async (name) => {
      const own = await server.createTestApp()
      const { body } = await upload({ app: own.slug, platform: 'android', version: '1.0.0', [name]: 12.5 })
      expect(body.percentage).toBe(12.5)
    })

    test('is told its app by the address', async () => {
      const own = await server.createTestApp()
      const { status, body } = await upload({ platform: 'ios', version: '1.0.0' }, `/apps/${own.slug}/releases`)
      expect(status).toBe(201)
      expect((await server.request('GET', `/releases/${body.id}`)).body.appId).toBe(own.id)
    })

    test.each<[string, Record<string, unknown>, string]>([
      ['no app', { app: undefined }, '400 invalid-request'],
      ['an unknown app', { app: 'nobody' }, '404 app-not-found'],
      ['the hash of something else', { hash: 'b'.repeat(64) }, '422 hash-mismatch'],
      ['a rollout of 101', { rollout_percentage: 101 }, '400 invalid-request'],
      ['a version that is there', { version: '0.9.0' }, '409 release-exists'],
      ['an unknown channel', { channel: 'nightly' }, '404 channel-not-found'],
    ])('with %s is refused', async (_case, changes, expected) => {
      const metadata = { app: app.slug, platform: 'android', version: '1.0.0', ...changes }
      expect(await refusal(() => upload(metadata))).toBe(expected)
    })
  })
})

/** A release whose bytes were uploaded before. */
function formWithoutBundle(metadata: unknown, signatures: Record<string, string> = {}): FormData {
  const form = publishForm(metadata, Buffer.alloc(0), signatures)
  form.delete('bundle')
  return form
}

const NOTHING = {
  appId: '01890000-0000-7000-8000-000000000000',
  platform: 'android',
  ...STATED_EMBEDDED,
  sequence: 1,
  floor: 0,
  requirement: {},
  createdAt: '2027-01-01T00:00:00.000Z',
} as const
