import { join } from 'node:path'
import type { App, Patch } from '@hotpatch/api'
import { applyBsdiff } from '@hotpatch/delta'
import { nodeSha256 } from '@hotpatch/delta/node'
import {
  describeOnEveryDatabase,
  eventually,
  fixedClock,
  injectRequest,
  publishFiles,
  sha256Of,
  startTestServer,
  zipOf,
  type TestServer,
} from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { exportOf } from '@hotpatch/testkit/expo'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { buildIdAt, buildOf } from '../../dialects/hot-updater/testing/hot-updater-build.ts'
import type { Database } from '../../ground/database/schema.ts'
import { createDiskStorage } from '../../ground/storage/disk-storage.ts'

const BINARY = 'f47ac10b-58cc-4372-a567-0e02b2c3d479'

/** Not small when packed, and nearly the same each time. */
const bundleOf = (text: string) => `${noise(30_000).toString('hex')}${text}${noise(9_000).toString('hex')}`
const digestOf = (text: string) => sha256Of(Buffer.from(text))

describeOnEveryDatabase('patches of single files', (open) => {
  const clock = fixedClock('2026-06-01T00:00:00Z')
  let db: Database
  let server: TestServer
  let app: App
  beforeAll(async () => {
    db = await open()
    const env = { HOTPATCH_PATCH_BASES: '2', HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' }
    server = await startTestServer({ database: db, clock, env })
  })
  // The database is the suite's, which closes it.
  afterAll(() => server?.close().catch(() => undefined))
  beforeEach(async () => {
    app = await server.createTestApp({ checkAccess: 'open', platforms: ['android', 'ios'] })
    clock.advance(3_600_000)
  })

  const patches = async () =>
    (await server.request('GET', `/manage/v1/apps/${app.slug}/patches`)).body.items as readonly Patch[]
  const made = (kind: Patch['kind'], from: string, to: string) =>
    eventually(async () => {
      const found = (await patches()).find((each) => each.kind === kind && each.from === from && each.to === to)
      expect(found?.state).toBe('made')
      return found as Patch
    })
  /** Throws unless it makes exactly that. */
  const apply = (patch: Uint8Array, base: string, target: string) => {
    const [from, to] = [Buffer.from(base), Buffer.from(target)]
    const announced = { sizeBytes: to.length, sha256: sha256Of(to) }
    return applyBsdiff({ patch, base: from, baseSha256: sha256Of(from), target: announced, sha256: nodeSha256 })
  }

  describe("for Expo's client", () => {
    const publish = (version: string, bundle: string, changes: Record<string, unknown> = {}) => {
      clock.advance(60_000)
      const files = exportOf({ bundle, assets: [{ ext: 'png', bytes: `logo ${version}` }] })
      return publishFiles(server, app, { files, platform: 'android', runtimeVersion: '1', version, ...changes })
    }
    const told = { 'expo-platform': 'android', 'expo-runtime-version': '1', 'expo-protocol-version': '1' }
    async function updateOf(current: string): Promise<{ id: string; url: string }> {
      const headers = { ...told, 'expo-current-update-id': current, 'expo-embedded-update-id': BINARY }
      const answer = await injectRequest(server.app, { url: `/expo/${app.slug}/manifest`, headers })
      const { id, launchAsset } = JSON.parse(/\{"id".*\}/.exec(answer.payload)?.[0] ?? '{}')
      return { id, url: new URL(launchAsset.url).pathname }
    }
    const load = (
      { id, url }: { id: string; url: string },
      current: string,
      more: Record<string, string> = { 'a-im': 'bsdiff' },
    ) =>
      injectRequest(server.app, {
        url,
        headers: { ...told, 'expo-current-update-id': current, 'expo-requested-update-id': id, ...more },
      })
    /** As soon as catalogs have it, a moment after it is made. */
    const loadPatch = (update: { id: string; url: string }, current: string) =>
      eventually(async () => {
        const answer = await load(update, current)
        expect(answer.statusCode).toBe(226)
        return answer
      })
    const registerBinary = async (bundle: string, id = BINARY) => {
      const bytes = Buffer.from(bundle)
      const sha256 = sha256Of(bytes)
      await server.request('PUT', `/manage/v1/apps/${app.slug}/artifacts/${sha256}?kind=asset`, {
        body: bytes,
        headers: { 'content-type': 'application/octet-stream' },
      })
      const body = { platform: 'android', id, builtAt: '2026-05-01T00:00:00.000Z', sha256, sizeBytes: bytes.length }
      const added = await server.request('POST', `/manage/v1/apps/${app.slug}/embedded-updates`, { body })
      expect(added.status).toBe(200)
    }

    test('bring the bundle of what runs to that of what is offered, to who asks for it so', async () => {
      await publish('1.0.0', bundleOf('one'))
      const first = await updateOf(BINARY)
      await publish('1.1.0', bundleOf('two'))
      const second = await updateOf(first.id)
      const { sizeBytes, savedShare, packed } = await made('bsdiff40', '1.0.0', '1.1.0')
      expect(packed.map(({ format }) => format)).toEqual(['bsdiff40'])
      expect(savedShare).toBeGreaterThan(0.9)

      const answer = await loadPatch(second, first.id)
      expect(answer.headers).toMatchObject({
        im: 'bsdiff',
        'expo-base-update-id': first.id,
        // One that is kept by a cache in between could reach somebody who did not ask for it.
        'cache-control': 'private, no-store',
        vary: 'accept-encoding, a-im, expo-current-update-id, expo-requested-update-id',
        'content-type': 'application/octet-stream',
        etag: `"${digestOf(bundleOf('two'))}"`,
      })
      expect(answer.headers).not.toHaveProperty('content-encoding')
      expect(answer.rawPayload).toHaveLength(sizeBytes ?? 0)
      expect(answer.rawPayload.subarray(0, 8).toString()).toBe('BSDIFF40')
      await apply(answer.rawPayload, bundleOf('one'), bundleOf('two'))
    })

    test('are sent to nobody else, and what others get may be kept by every cache', async () => {
      await publish('1.0.0', bundleOf('one'))
      const first = await updateOf(BINARY)
      await publish('1.1.0', bundleOf('two'))
      const second = await updateOf(first.id)
      await loadPatch(second, first.id)
      const whole = await load(second, first.id, {})
      expect([whole.statusCode, digestOf(whole.payload)]).toEqual([200, digestOf(bundleOf('two'))])
      expect(whole.headers['cache-control']).toBe('public, max-age=31536000, immutable')
      expect(whole.headers.vary).toContain('a-im')
      const tag = String(whole.headers.etag)
      const asked = { 'a-im': 'bsdiff' }
      for (const [current, more, status] of [
        // Of another server, a binary that nobody told of, nothing, the same, a part, and one that has it already.
        ['01890000-0000-8000-8000-000000000001', asked, 200],
        [BINARY, asked, 200],
        ['', asked, 200],
        [second.id, asked, 200],
        [first.id, { 'a-im': 'vcdiff, gzip' }, 200],
        [first.id, { ...asked, range: 'bytes=0-9' }, 206],
        [first.id, { ...asked, 'if-none-match': tag }, 304],
        [first.id, { 'a-im': 'gzip, BSDIFF;q=1' }, 226],
      ] as const) {
        const answer = await load(second, current, more)
        expect([current, more, answer.statusCode]).toEqual([current, more, status])
        expect(answer.headers.vary).toContain('a-im')
        expect('im' in answer.headers).toBe(status === 226)
      }
      // As long as a patch may come, nobody keeps for good that there is none.
      expect((await load(second, BINARY)).headers['cache-control']).toBe('public, max-age=600')
      const logo = { id: second.id, url: `/expo/${app.slug}/assets/${digestOf('logo 1.1.0')}` }
      const asset = await load(logo, first.id)
      expect([asset.statusCode, asset.headers.vary]).toEqual([200, 'accept-encoding'])
    })

    test('are made of what binaries shipped with, as soon as the server is told of it', async () => {
      await publish('1.1.0', bundleOf('two'))
      const update = await updateOf(BINARY)
      expect((await load(update, BINARY)).statusCode).toBe(200)
      await registerBinary(bundleOf('built in'))
      const patch = await made('bsdiff40', `embedded ${BINARY}`, '1.1.0')
      expect(patch).toMatchObject({ fromReleaseId: null, fromEmbeddedId: BINARY })
      const answer = await loadPatch(update, BINARY)
      expect(answer.headers['expo-base-update-id']).toBe(BINARY)
      await apply(answer.rawPayload, bundleOf('built in'), bundleOf('two'))
      const asked = { platform: 'android', from: `embedded:${BINARY}`, to: '1.1.0' }
      const { body } = await server.request('POST', `/manage/v1/apps/${app.slug}/patches`, { body: asked })
      expect(body).toMatchObject({ id: patch.id, kind: 'bsdiff40', state: 'made' })
    })

    test('lead to what each runtime version is offered, and from nothing that it cannot have', async () => {
      await publish('1.0.0', bundleOf('one'))
      await publish('1.1.0', bundleOf('two'))
      await publish('2.0.0', bundleOf('three'), { runtimeVersion: '2' })
      await publish('2.1.0', bundleOf('four'), { runtimeVersion: '2' })
      await made('bsdiff40', '2.0.0', '2.1.0')
      await made('bsdiff40', '1.0.0', '1.1.0')
      expect((await patches()).map(({ from, to }) => `${from} ${to}`)).not.toContain('1.1.0 2.1.0')
    })

    test('are replaced by the whole where the bytes were lost', async () => {
      await publish('1.0.0', bundleOf('one'))
      const first = await updateOf(BINARY)
      await publish('1.1.0', bundleOf('two'))
      const second = await updateOf(first.id)
      const { packed } = await made('bsdiff40', '1.0.0', '1.1.0')
      await loadPatch(second, first.id)
      const storage = createDiskStorage({ directory: join(server.directory, 'artifacts'), clock })
      await storage.remove(packed.map(({ sha256 }) => sha256))
      const answer = await load(second, first.id)
      expect([answer.statusCode, answer.headers.im, answer.headers['cache-control']]).toEqual([
        200,
        undefined,
        'no-store',
      ])
      expect(digestOf(answer.payload)).toBe(digestOf(bundleOf('two')))
    })

    test('stay while any release is offered that has the same bundle', async () => {
      await publish('1.0.0', bundleOf('one'))
      const first = await updateOf(BINARY)
      await publish('1.1.0', bundleOf('two'))
      await made('bsdiff40', '1.0.0', '1.1.0')
      for (let index = 0; index < 9; index += 1) await publish(`2.0.${index}`, `small ${index}`)
      await publish('2.1.0', bundleOf('two'))
      await eventually(async () => {
        const looked = (await patches()).find(({ from, to }) => from === '2.0.8' && to === '2.1.0')
        expect(looked?.state).toBe('not-smaller')
      })
      await loadPatch(await updateOf(first.id), first.id)
    })

    test('go when nobody is offered what they lead to any more, unless somebody asked for them', async () => {
      await publish('1.0.0', bundleOf('first'))
      await publish('1.1.0', bundleOf('second'))
      const { packed } = await made('bsdiff40', '1.0.0', '1.1.0')
      const asked = { platform: 'android', from: '1.1.0', to: '1.0.0' }
      await server.request('POST', `/manage/v1/apps/${app.slug}/patches`, { body: asked })
      await made('bsdiff40', '1.1.0', '1.0.0')
      for (let index = 0; index < 10; index += 1) await publish(`2.0.${index}`, `small ${index}`)
      await eventually(async () => {
        const left = (await patches()).map(({ from, to }) => `${from} ${to}`)
        expect(left).not.toContain('1.0.0 1.1.0')
        expect(left).toContain('1.1.0 1.0.0')
      })
      const bytes = packed.map(({ sha256 }) => sha256)
      const rows = await db.selectFrom('artifact').select('kept_until').where('sha256', 'in', bytes).execute()
      expect(rows).not.toContainEqual({ kept_until: null })
    })
  })

  describe("for hot-updater's client", () => {
    const [FIRST, SECOND] = [buildIdAt(Date.parse('2026-02-01')), buildIdAt(Date.parse('2026-03-01'))]
    const EMBEDDED = buildIdAt(Date.parse('2026-01-01'))
    const publish = async (version: string, buildId: string, bundle: string) =>
      server.published(app, {
        bundle: await zipOf(buildOf(buildId, { 'index.android.bundle': bundle, 'assets/logo.png': 'logo' })),
        platform: 'android',
        version,
      })
    const check = async (buildId: string) => {
      const address = `/hot-updater/${app.slug}/app-version/android/1.0.0/production/${EMBEDDED}/${buildId}/17`
      const headers = { 'hot-updater-sdk-version': '0.36.3' }
      return (await server.request('GET', address, { token: null, headers })).body
    }

    test('are named in the answer with what they are made of, beside the whole file', async () => {
      await publish('1.0.1', FIRST, bundleOf('one'))
      const { releaseId } = await publish('1.0.2', SECOND, bundleOf('two'))
      const { packed } = await made('bsdiff43', '1.0.1', '1.0.2')
      const { changedAssets } = await eventually(async () => {
        const answer = await check(FIRST)
        expect(answer.changedAssets['index.android.bundle']).toHaveProperty('patch')
        return answer
      })
      expect(Object.keys(changedAssets)).toEqual(['index.android.bundle'])
      const { fileHash, file, patch } = changedAssets['index.android.bundle']
      expect([fileHash, file.url]).toEqual([digestOf(bundleOf('two')), expect.stringContaining('/artifacts/')])
      const patchUrl = expect.stringContaining(`/artifacts/${packed[0]?.sha256}?release=${releaseId}`)
      expect(patch).toEqual({
        algorithm: 'bsdiff',
        baseBundleId: FIRST,
        baseFileHash: digestOf(bundleOf('one')),
        patchFileHash: packed[0]?.sha256,
        patchUrl,
      })
      const { pathname, search } = new URL(patch.patchUrl)
      const { rawPayload } = await injectRequest(server.app, { url: pathname + search })
      expect(rawPayload.subarray(0, 16).toString()).toBe('ENDSLEY/BSDIFF43')
      await apply(rawPayload, bundleOf('one'), bundleOf('two'))
      expect(await check(EMBEDDED)).not.toHaveProperty('changedAssets')
    })

    test('are one kind of two of the same builds, each made, listed and pruned by itself', async () => {
      await publish('1.0.1', FIRST, bundleOf('one'))
      await publish('1.0.2', SECOND, bundleOf('two'))
      const { id } = await made('bsdiff43', '1.0.1', '1.0.2')
      await made('tree', '1.0.1', '1.0.2')
      const pruned = await server.request('DELETE', `/manage/v1/apps/${app.slug}/patches/${id}`)
      expect(pruned.body).toMatchObject({ state: 'pruned', packed: [] })
      await eventually(async () => {
        expect((await check(FIRST)).changedAssets['index.android.bundle']).not.toHaveProperty('patch')
      })
      expect((await made('tree', '1.0.1', '1.0.2')).packed).toHaveLength(2)
      const path = `/manage/v1/apps/${app.slug}/patches`
      const asked = { platform: 'android', from: '1.0.1', to: '1.0.2' }
      expect((await server.request('POST', path, { body: asked })).body).toMatchObject({ id, kind: 'bsdiff43' })
      expect((await made('bsdiff43', '1.0.1', '1.0.2')).createdBy).not.toBeNull()
      const unfit = await server.request('POST', path, { body: { ...asked, kind: 'bsdiff40' } })
      expect(unfit.body.type).toBe('/problems/invalid-request')
    })
  })
})
