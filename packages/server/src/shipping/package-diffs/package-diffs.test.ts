import { createHash } from 'node:crypto'
import type { App } from '@hotpatch/api'
import {
  describeOnEveryDatabase,
  eventually,
  sha256Of,
  startTestServer,
  zipOf,
  type TestServer,
} from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'
import { unzip } from '../content/testing/unzip.ts'

type Files = Readonly<Record<string, string | Buffer>>

const FIRST: Files = {
  'CodePush/index.android.bundle': '// 1',
  'CodePush/photo.bin': noise(60_000),
  'CodePush/old.txt': 'goes',
  'CodePush/.codepushrelease': 'signature 1',
}
const SECOND: Files = {
  'CodePush/index.android.bundle': '// 2',
  'CodePush/photo.bin': noise(60_000),
  'CodePush/new/ü.txt': 'comes',
  'CodePush/.codepushrelease': 'signature 2',
}

describeOnEveryDatabase('packages of what changed', (open) => {
  let db: Database
  let server: TestServer
  let app: App
  let key = ''
  beforeAll(async () => {
    db = await open()
    // A device that asks until something is made asks more often than the limit allows, and this clock stands still.
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' }
    server = await startTestServer({ database: db, env })
  })
  // The database is the suite's, which closes it.
  afterAll(() => server?.close().catch(() => undefined))
  beforeEach(async () => {
    await db.deleteFrom('package_diff').execute()
    app = await server.createTestApp()
    key = await createKey()
  })

  async function createKey(): Promise<string> {
    const body = { channel: 'production', platform: 'android' }
    return (await server.request('POST', `/manage/v1/apps/${app.slug}/channel-keys`, { body })).body.key
  }
  const publish = async (version: string, files: Files, changes: object = {}) =>
    server.published(app, { bundle: await zipOf(files), platform: 'android', version, ...changes })
  async function check(packageHash: string) {
    const told = { deployment_key: key, app_version: '1.0.0', package_hash: packageHash, label: 'v1' }
    const url = `/v0.1/public/codepush/update_check?${new URLSearchParams(told)}`
    return (await server.request('GET', url, { token: null })).body.update_info
  }
  /** As soon as it is there. */
  const diffFor = async (files: Files) =>
    eventually(async () => {
      const offered = await check(hashOf(files))
      expect(offered.package_size).toBeLessThan(10_000)
      return offered
    })
  const download = async (offered: { download_url: string }) => {
    const { pathname } = new URL(offered.download_url)
    return (await server.app.http.inject({ url: pathname })).rawPayload
  }

  test('are one file where the same changed since two releases, and each is offered it', async () => {
    const versions = ['// a', '// b', '// c'].map((code) => ({ ...FIRST, 'CodePush/index.android.bundle': code }))
    for (const [index, files] of versions.entries()) await publish(`1.0.${index}`, files)
    const [first, second] = await Promise.all(versions.slice(0, 2).map(diffFor))
    expect(first?.download_url).toBe(second?.download_url)
  })

  test('bring a device from what it runs to the same content as the whole', async () => {
    await publish('1.0.0', FIRST)
    await publish('2.0.0', SECOND)
    const offered = await diffFor(FIRST)
    const zip = await download(offered)
    expect(zip.length).toBe(offered.package_size)
    const { 'hotcodepush.json': manifest = Buffer.from(''), ...changed } = Object.fromEntries(await unzip(zip))
    expect(Object.keys(changed).sort()).toEqual(
      ['CodePush/.codepushrelease', 'CodePush/index.android.bundle', 'CodePush/new/ü.txt'].sort(),
    )
    const { deletedFiles } = JSON.parse(manifest.toString()) as { deletedFiles: string[] }
    expect(deletedFiles).toEqual(['CodePush/old.txt'])
    const kept = Object.entries(FIRST).filter(([path]) => !deletedFiles.includes(path))
    const result = { ...Object.fromEntries(kept), ...changed }
    expect(hashOf(result)).toBe(offered.package_hash)
    expect(result['CodePush/.codepushrelease']?.toString()).toBe('signature 2')
    // Whoever runs something else takes the whole.
    expect((await check('f'.repeat(64))).package_size).toBeGreaterThan(60_000)
  })

  test('are made for the way back, and for what is promoted', async () => {
    const first = await publish('1.0.0', FIRST)
    await publish('2.0.0', SECOND)
    await diffFor(FIRST)
    const body = { platform: 'android', channel: 'production', to: { releaseId: first.releaseId } }
    await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body })
    expect((await diffFor(SECOND)).package_hash).toBe(hashOf(FIRST))
    const third = { ...SECOND, 'CodePush/index.android.bundle': '// 3' }
    const { releaseId } = await publish('3.0.0', third, { channel: 'staging' })
    const promoted = { releaseId, channel: 'production' }
    await server.request('POST', `/manage/v1/apps/${app.slug}/rollouts`, { body: promoted })
    expect((await diffFor(SECOND)).package_hash).toBe(hashOf(third))
  })

  test('are none where nothing is saved, and that is not tried again', async () => {
    await publish('1.0.0', { 'CodePush/index.android.bundle': noise(20_000) })
    const second = await publish('2.0.0', { 'CodePush/index.android.bundle': Buffer.concat([noise(20_000), noise(9)]) })
    const { sha256 } = second.content
    await eventually(async () => {
      const rows = await db.selectFrom('package_diff').selectAll().where('sha256', '=', sha256).execute()
      expect(rows).toMatchObject([{ diff_sha256: null }])
    })
  })
})

function hashOf(files: Files): string {
  const entries = Object.entries(files)
    .filter(([path]) => !path.endsWith('.codepushrelease'))
    .map(([path, content]) => `${path}:${sha256Of(Buffer.from(content))}`)
  return createHash('sha256').update(JSON.stringify(entries.sort())).digest('hex')
}
