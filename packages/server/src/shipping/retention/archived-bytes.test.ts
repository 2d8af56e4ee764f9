import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { App, PublishedArchive } from '@hotpatch/api'
import {
  allIsMade,
  bundleOf,
  describeOnEveryDatabase,
  problemOf,
  sha256Of,
  startTestServer,
  type TestServer,
  zipOf,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { DAY_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { createDiskStorage } from '../../ground/storage/disk-storage.ts'
import { createArtifactService } from '../artifacts/artifact-service.ts'
import { listArtifactsAfter } from '../artifacts/artifact-store.ts'
import { createArchivedBytes } from './archived-bytes.ts'

const KEPT_DAYS = 30

describeOnEveryDatabase('the bytes of archived releases', (openDatabase) => {
  let db: Database
  let server: TestServer
  let app: App
  let sweep: ReturnType<typeof createArchivedBytes>['sweep']
  let artifacts: ReturnType<typeof createArtifactService>
  let now = Date.UTC(2027, 0, 1)
  const clock = { now: () => now }
  const pass = (days: number) => void (now += days * DAY_MS)

  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, clock })
    const storage = createDiskStorage({ directory: join(server.directory, 'artifacts'), clock })
    artifacts = createArtifactService({ db, storage, clock })
    ;({ sweep } = createArchivedBytes({ db, clock }))
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp({ archivedRetentionDays: KEPT_DAYS })
  })

  const archive = (id: string) => server.request('DELETE', `/manage/v1/releases/${id}`)
  const show = async (id: string) => (await server.request('GET', `/manage/v1/releases/${id}`)).body
  const sweepBytes = () => artifacts.sweepOrphans({ olderThanMs: DAY_MS })
  const isThere = (key: string) =>
    stat(join(server.directory, 'artifacts', key.slice(0, 2), key)).then(
      () => true,
      () => false,
    )
  async function archived(bundle: Buffer, version = '1.0.0'): Promise<PublishedArchive> {
    const release = await server.published(app, { bundle, version })
    await allIsMade(db)
    expect((await archive(release.releaseId)).status).toBe(200)
    return release
  }

  test('leave when their app no longer keeps them, and the release says since when', async () => {
    const bundle = await zipOf({ 'index.android.bundle': 'one\n'.repeat(500) })
    const { releaseId } = await archived(bundle)
    const before = await listArtifactsAfter(db, '', 1_000)
    pass(KEPT_DAYS - 1)
    expect(await sweep()).toEqual({ releases: 0, artifacts: 0 })
    expect(await show(releaseId)).toMatchObject({ archivedAt: expect.any(String), bytesRemovedAt: null })
    expect(await isThere(sha256Of(bundle))).toBe(true)

    pass(1)
    expect(await sweep()).toMatchObject({ releases: 1 })
    const removedAt = new Date(now).toISOString()
    expect(await sweep()).toEqual({ releases: 0, artifacts: 0 })
    await sweepBytes()
    expect(await isThere(sha256Of(bundle))).toBe(false)
    const { content, bytesRemovedAt } = await show(releaseId)
    expect(bytesRemovedAt).toBe(removedAt)
    expect(content).toMatchObject({ kind: 'archive', sha256: sha256Of(bundle), sizeBytes: bundle.length })
    const after = await listArtifactsAfter(db, '', 1_000)
    expect(before.filter(({ sha256 }) => !after.some((each) => each.sha256 === sha256)).length).toBeGreaterThan(0)
    // What was made of it smaller waits for nobody either.
    pass(1)
    await sweepBytes()
    const left = await db.selectFrom('artifact').select('sha256').where('kept_until', 'is not', null).execute()
    expect(left).toEqual([])
  })

  test('stay for good in an app that does not say otherwise, and in one that says so again', async () => {
    const [kept, changed] = [await server.createTestApp(), app]
    app = kept
    const first = await archived(await bundleOf('kept for good'))
    app = changed
    const second = await archived(await bundleOf('kept again'))
    expect(
      (await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: { archivedRetentionDays: null } })).body,
    ).toMatchObject({ archivedRetentionDays: null })
    pass(3_650)
    expect(await sweep()).toEqual({ releases: 0, artifacts: 0 })
    await sweepBytes()
    for (const { releaseId } of [first, second]) expect((await show(releaseId)).bytesRemovedAt).toBeNull()
  })

  test('stay where another release has them, be it of another app, and until that is archived for as long', async () => {
    const bundle = await bundleOf('of two apps')
    const first = await archived(bundle)
    const own = app
    app = await server.createTestApp({ archivedRetentionDays: KEPT_DAYS })
    const other = await server.published(app, { bundle })
    await allIsMade(db)
    pass(KEPT_DAYS)
    expect(await sweep()).toEqual({ releases: 1, artifacts: 0 })
    await sweepBytes()
    expect(await isThere(sha256Of(bundle))).toBe(true)
    expect((await show(first.releaseId)).bytesRemovedAt).not.toBeNull()

    await archive(other.releaseId)
    pass(KEPT_DAYS)
    expect(await sweep()).toMatchObject({ releases: 1 })
    await sweepBytes()
    expect(await isThere(sha256Of(bundle))).toBe(false)
    app = own
  })

  test('have to be sent again for a new release, and leave again when none comes', async () => {
    const bundle = await bundleOf('comes again')
    const sha256 = sha256Of(bundle)
    await archived(bundle)
    pass(KEPT_DAYS)
    await sweep()
    // Between the two sweeps: nobody may count on what is about to be removed.
    expect(await artifacts.listMissing(app.id, [{ sha256, sizeBytes: bundle.length }])).toHaveLength(1)
    const claim = () => db.transaction().execute((tx) => artifacts.claim(tx, [sha256]))
    await expect(claim()).rejects.toMatchObject({ type: 'artifact-missing' })
    await sweepBytes()

    const upload = () =>
      server.request('PUT', `/manage/v1/apps/${app.slug}/artifacts/${sha256}`, {
        body: bundle,
        headers: { 'content-type': 'application/zip' },
      })
    expect((await upload()).status).toBe(200)
    pass(2)
    await sweepBytes()
    expect(await isThere(sha256)).toBe(false)

    const again = await server.published(app, { bundle, version: '2.0.0' })
    pass(2)
    await sweepBytes()
    expect(await isThere(sha256)).toBe(true)
    expect((await show(again.releaseId)).bytesRemovedAt).toBeNull()
  })

  test('leave once, when two servers sweep at once', async () => {
    await archived(await bundleOf('swept twice'))
    pass(KEPT_DAYS)
    const swept = await Promise.all([sweep(), sweep()])
    expect(swept.reduce((sum, { releases }) => sum + releases, 0)).toBe(1)
  })

  test('that are downloaded at the wrong moment are refused clearly', async () => {
    const bundle = await bundleOf('downloaded too late')
    const { releaseId } = await archived(bundle)
    pass(KEPT_DAYS)
    await sweep()
    await sweepBytes()
    const url = `/artifacts/${sha256Of(bundle)}?release=${releaseId}`
    expect(problemOf(await server.request('GET', url, { token: null }))).toBe('404 artifact-not-found')
  })
})
