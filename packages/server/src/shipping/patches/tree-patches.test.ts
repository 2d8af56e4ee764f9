import type { App, EmbeddedUpdate, Patch } from '@hotpatch/api'
import { nodeSha256, nodeUnpacking } from '@hotpatch/delta/node'
import { patchSource, readTreePatch } from '@hotpatch/delta'
import { EMPTY_TREE } from '@hotpatch/protocol'
import {
  describeOnEveryDatabase,
  encryptBytes,
  eventually,
  fixedClock,
  newEncryptionKey,
  newSigningKey,
  sha256Of,
  signRelease,
  startTestServer,
  statedEncrypted,
  zipOf,
  type TestServer,
} from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { HOUR_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { listAwaitingPatches } from './patch-store.ts'

type Files = Readonly<Record<string, Buffer>>

const lines = (count: number, word: string) =>
  Buffer.from(Array.from({ length: count }, (_, line) => `const ${word}${line} = ${(line * 7919) % 1000}\n`).join(''))
const bundleOf = (text: string) => Buffer.concat([noise(20_000), lines(300, 'a'), Buffer.from(text), lines(300, 'b')])

/** Not a page, but what a React Native app has. */
const FIRST: Files = {
  'main.jsbundle': bundleOf('Hello'),
  'assets/icon.png': noise(9_000),
  'old.txt': Buffer.from('x'),
}
const SECOND: Files = { 'main.jsbundle': bundleOf('Hello, world'), 'assets/moved/icon.png': noise(9_000) }
const THIRD: Files = { ...SECOND, 'main.jsbundle': bundleOf('Goodbye'), 'new.txt': Buffer.from('new') }

const FORMATS = ['hpdelta1-br', 'hpdelta1-deflate']

interface OfferedPatch {
  format: string
  url: string
  sha256: string
  sizeBytes: number
  baseTree: string
  tree: string
}

describeOnEveryDatabase('patches of trees', (open) => {
  let db: Database
  let server: TestServer
  let app: App
  const clock = fixedClock()
  beforeAll(async () => {
    db = await open()
    // A device that asks until something is made asks more often than the limit allows, and this clock stands still.
    const env = { HOTPATCH_PATCH_BASES: '1', HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' }
    server = await startTestServer({ database: db, clock, env })
  })
  // The database is the suite's, which closes it.
  afterAll(() => server?.close().catch(() => undefined))
  beforeEach(async () => {
    app = await server.createTestApp()
  })

  const publish = async (version: string, files: Files, changes: object = {}) =>
    server.published(app, { bundle: await zipOf(files), platform: 'android', version, ...changes })
  const check = async (releaseId: string, fields: object = { patches: FORMATS }) =>
    (await server.check(app, { version: undefined, nativeVersion: '1.0.0', releaseId, ...fields })).body
  /** Of what it runs: a packed release is a patch of nothing. */
  const patchOf = ({ patch }: { patch?: OfferedPatch }) => (patch?.baseTree === EMPTY_TREE ? undefined : patch)
  /** As soon as it is there. */
  const patchFrom = (releaseId: string, fields?: object): Promise<OfferedPatch> =>
    eventually(async () => {
      const patch = patchOf(await check(releaseId, fields))
      expect(patch).toBeDefined()
      return patch as OfferedPatch
    })
  const statesOf = async () => {
    const rows = await db.selectFrom('patch').select('state').where('app_id', '=', app.id).execute()
    return rows.map(({ state }) => state)
  }
  const settled = () =>
    eventually(async () => {
      const states = await statesOf()
      expect(states).not.toEqual([])
      expect(states).not.toContain('waiting')
    })

  async function apply({ url }: OfferedPatch, base: Files, target: string): Promise<Record<string, Buffer>> {
    const { pathname, search } = new URL(url)
    const { rawPayload } = await server.app.http.inject({ url: pathname + search })
    const patch = await readTreePatch({
      patch: patchSource(rawPayload),
      base: Object.entries(base).map(([path, bytes]) => ({ path, sizeBytes: bytes.length, sha256: sha256Of(bytes) })),
      targetSha256: target,
      sha256: nodeSha256,
      unpacking: nodeUnpacking,
      limits: { maxFileBytes: 1e9, maxTargetBytes: 1e9 },
    })
    const made = new Map<string, Buffer>()
    for await (const { file, bytes } of patch.make(({ path }) => base[path] as Buffer))
      made.set(file.path, Buffer.from(bytes))
    const known = new Map(Object.values(base).map((bytes) => [sha256Of(bytes), bytes]))
    return Object.fromEntries(
      patch.files.map(({ path, sha256 }) => [path, made.get(path) ?? (known.get(sha256) as Buffer)]),
    )
  }

  test('bring a device from what it runs to what it is offered, in each packing', async () => {
    const first = await publish('1.0.0', FIRST)
    const second = await publish('2.0.0', SECOND)
    for (const format of FORMATS) {
      const patch = await patchFrom(first.releaseId, { patches: [format] })
      expect(patch).toMatchObject({ format, baseTree: first.content.tree, tree: second.content.tree })
      expect(patch.sizeBytes).toBeLessThan(second.content.sizeBytes / 20)
      expect(await apply(patch, FIRST, second.content.tree ?? '')).toEqual(SECOND)
    }
    // The smaller one, whatever the device named first.
    expect((await patchFrom(first.releaseId, { patches: FORMATS.toReversed() })).format).toBe('hpdelta1-br')
  })

  test('are offered to nobody who does not say that they take them, or runs something else', async () => {
    const first = await publish('1.0.0', FIRST)
    const second = await publish('2.0.0', SECOND)
    await patchFrom(first.releaseId)
    const { releaseId } = await publish('0.9.0', { 'main.jsbundle': noise(20_000) }, { channel: 'staging' })
    for (const answer of [
      await check(first.releaseId, {}),
      await check(first.releaseId, { patches: ['bsdiff40'] }),
      (await server.check(app, { version: '1.0.0' })).body,
    ]) {
      expect(answer).toMatchObject({ updateAvailable: true, hash: second.content.sha256 })
      expect(answer).not.toHaveProperty('patch')
    }
    expect(patchOf(await check(releaseId))).toBeUndefined()
    expect(await check(second.releaseId)).not.toHaveProperty('patch')
  })

  test('are made of what devices run, however long ago that was placed', async () => {
    const first = await publish('1.0.0', FIRST)
    await check(first.releaseId)
    await publish('2.0.0', SECOND)
    await eventually(async () => {
      const row = await db
        .selectFrom('device')
        .select('current_release_id')
        .where('app_id', '=', app.id)
        .executeTakeFirst()
      expect(row?.current_release_id).toBe(first.releaseId)
    })
    const third = await publish('3.0.0', THIRD)
    const patch = await patchFrom(first.releaseId)
    expect(await apply(patch, FIRST, third.content.tree ?? '')).toEqual(THIRD)
  })

  test('are looked for again when devices have gone on', async () => {
    const first = await publish('1.0.0', FIRST)
    await publish('2.0.0', SECOND)
    await publish('3.0.0', THIRD)
    await settled()
    expect(patchOf(await check(first.releaseId))).toBeUndefined()
    await eventually(async () => {
      const rows = await db.selectFrom('device').select('device_id').where('app_id', '=', app.id).execute()
      expect(rows).toHaveLength(1)
    })
    clock.advance(HOUR_MS)
    await publish('1.0.0', { 'main.jsbundle': noise(10) }, { platform: 'ios' })
    await patchFrom(first.releaseId)
  })

  test('are none where nothing is saved, and that is not tried again', async () => {
    await publish('1.0.0', { 'main.jsbundle': noise(20_000) })
    await publish('2.0.0', { 'main.jsbundle': noise(20_000).reverse() })
    await settled()
    expect(await statesOf()).toEqual(['not-smaller'])
  })

  test('go on where a server that was killed left them', async () => {
    const first = await publish('1.0.0', FIRST)
    await publish('2.0.0', SECOND)
    const { sha256 } = await patchFrom(first.releaseId)
    await db.deleteFrom('artifact_variant').where('kind', '=', 'patch').execute()
    await db.updateTable('patch').set({ state: 'waiting' }).where('app_id', '=', app.id).execute()
    // Any publish wakes it, as a start does.
    await publish('1.0.0', { 'main.jsbundle': noise(10) }, { platform: 'ios' })
    await settled()
    const rows = await db.selectFrom('artifact_variant').select('variant_sha256').where('kind', '=', 'patch').execute()
    expect(rows.map((row) => row.variant_sha256)).toContain(sha256)
  })

  test('count as downloads of the release that they lead to', async () => {
    const first = await publish('1.0.0', FIRST)
    const second = await publish('2.0.0', SECOND)
    const patch = await patchFrom(first.releaseId)
    const { pathname, search } = new URL(patch.url)
    await server.app.http.inject({ url: pathname + search })
    await eventually(async () => {
      const rows = await db.selectFrom('download_hour').selectAll().where('release_id', '=', second.releaseId).execute()
      expect(rows).toMatchObject([{ sha256: second.content.sha256, downloads: 1, sent_bytes: patch.sizeBytes }])
    })
  })

  describe('of what binaries shipped with', () => {
    /** As the tool does, of a binary that was built with these files. */
    const ship = async (files: Files, nativeVersion: string) =>
      (await shipBytes(await zipOf(files), nativeVersion)).body as EmbeddedUpdate
    async function shipBytes(bytes: Buffer, nativeVersion: string) {
      const sha256 = sha256Of(bytes)
      const manage = `/manage/v1/apps/${app.slug}`
      const headers = { 'content-type': 'application/octet-stream' }
      const sent = await server.request('PUT', `${manage}/artifacts/${sha256}?kind=archive`, { body: bytes, headers })
      expect(sent.status).toBeLessThan(300)
      const body = { kind: 'archive', platform: 'android', nativeVersion, sha256, sizeBytes: bytes.length }
      return server.request('POST', `${manage}/embedded-updates`, { body })
    }
    const runs = (embeddedUpdateId: string) => ({ patches: FORMATS, releaseId: undefined, embeddedUpdateId })

    test('bring a device from there to what it is offered, by the digest that it tells', async () => {
      const second = await publish('2.0.0', SECOND)
      const shipped = await ship(FIRST, '1.0.0+7')
      // A second build that ships with the same; the zip of another tool has other bytes.
      expect(await ship(Object.fromEntries(Object.entries(FIRST).toReversed()), '1.0.0+8')).toEqual({
        ...shipped,
        nativeVersions: ['1.0.0+7', '1.0.0+8'],
      })
      const patch = await patchFrom('', runs(shipped.id))
      expect(patch).toMatchObject({ baseTree: shipped.id, tree: second.content.tree })
      expect(patch.sizeBytes).toBeLessThan(second.content.sizeBytes / 20)
      expect(await apply(patch, FIRST, second.content.tree ?? '')).toEqual(SECOND)
      for (const answer of [
        await check('', { releaseId: undefined, embeddedUpdateId: shipped.id }),
        await check('', runs('0'.repeat(64))),
        await check('', { ...runs(shipped.id), releaseId: second.releaseId }),
      ]) {
        expect(answer.patch?.baseTree).not.toBe(shipped.id)
      }
      const { items } = (await server.request('GET', `/manage/v1/apps/${app.slug}/patches`)).body
      expect(items).toMatchObject([
        { from: 'embedded 1.0.0+8', to: '2.0.0', fromReleaseId: null, fromEmbeddedId: shipped.id, state: 'made' },
      ])
    })

    test('are made of those that devices run, and no more when a binary is forgotten', async () => {
      const old = await ship(FIRST, '1.0.0')
      await check('', runs(old.id))
      await eventually(async () => {
        const row = await db.selectFrom('device').select('attributes').where('app_id', '=', app.id).executeTakeFirst()
        expect(row?.attributes).toContain(old.id)
      })
      clock.advance(1)
      await ship(THIRD, '3.0.0')
      await publish('2.0.0', SECOND)
      await patchFrom('', runs(old.id))
      const path = `/manage/v1/apps/${app.slug}/embedded-updates/android/${old.id}`
      await db.updateTable('patch').set({ state: 'waiting' }).where('base_embedded_id', '=', old.id).execute()
      expect((await server.request('DELETE', path)).body).toEqual(old)
      const rows = await db.selectFrom('patch').select('base_embedded_id').where('app_id', '=', app.id).execute()
      expect(rows.map((row) => row.base_embedded_id)).not.toContain(old.id)
    })

    test('are none of what is encrypted: no binary has such an archive, and nobody here could read it', async () => {
      const encrypted = await encryptBytes(await zipOf(FIRST), [await newEncryptionKey()], { tree: 'a'.repeat(64) })
      const { status, body } = await shipBytes(encrypted, '1.0.0')
      expect([status, body.type]).toEqual([422, '/problems/content-unfit'])
    })

    test('are made when somebody asks, by the native version', async () => {
      const { id } = await ship({ 'main.jsbundle': noise(20_000), 'own.txt': Buffer.from(app.id) }, '1.0.0')
      clock.advance(1)
      await ship(FIRST, '2.0.0')
      await publish('2.0.0', { 'main.jsbundle': noise(20_000), 'new.txt': Buffer.from('new') })
      await settled()
      expect((await check('', runs(id))).patch?.baseTree).not.toBe(id)
      const path = `/manage/v1/apps/${app.slug}/patches`
      const body = { platform: 'android', from: 'embedded:1.0.0', to: '2.0.0' }
      expect((await server.request('POST', path, { body })).body).toMatchObject({ fromEmbeddedId: id })
      await patchFrom('', runs(id))
      const unknown = await server.request('POST', path, { body: { ...body, from: 'embedded:9.0.0' } })
      expect(unknown.body).toMatchObject({ type: '/problems/not-found' })
    })
  })

  test('are made of each app in its turn, however many somebody wants of one', async () => {
    const asking = app
    for (const version of ['1.0.0', '2.0.0', '3.0.0']) {
      const files = version === '1.0.0' ? FIRST : version === '2.0.0' ? SECOND : THIRD
      await publish(version, { ...files, 'own.txt': Buffer.from(app.id) })
    }
    await settled()
    app = await server.createTestApp()
    await publish('1.0.0', { ...FIRST, 'own.txt': Buffer.from(app.id) })
    await publish('2.0.0', { ...SECOND, 'own.txt': Buffer.from(app.id) })
    await settled()
    const both = [asking.id, app.id]
    await db.updateTable('patch').set({ state: 'waiting' }).where('app_id', 'in', both).execute()
    await db.updateTable('patch').set({ created_by: 'somebody' }).where('app_id', '=', asking.id).execute()
    const next = async (turns: [string, number][]) =>
      (await listAwaitingPatches(db, 1, new Map(turns))).map(({ appId }) => appId)
    try {
      expect(await next([])).toEqual([asking.id])
      expect(await next([[asking.id, 1]])).toEqual([app.id])
      expect(
        await next([
          [asking.id, 1],
          [app.id, 2],
        ]),
      ).toEqual([asking.id])
    } finally {
      await db.updateTable('patch').set({ state: 'pruned' }).where('app_id', 'in', both).execute()
    }
  })

  test('are made when somebody asks, listed and pruned', async () => {
    const path = `/manage/v1/apps/${app.slug}/patches`
    const first = await publish('1.0.0', FIRST)
    await publish('2.0.0', SECOND)
    // Of no other app: what another one has as well stays.
    const third = await publish('3.0.0', { ...THIRD, 'own.txt': Buffer.from(app.id) })
    await settled()
    expect(patchOf(await check(first.releaseId))).toBeUndefined()
    const body = { platform: 'android', from: '1.0.0', to: '3.0.0' }
    const wanted = await server.request('POST', path, { body })
    expect([wanted.status, wanted.body]).toMatchObject([202, { ...body, state: 'waiting', sizeBytes: null }])
    const { sha256, sizeBytes } = await patchFrom(first.releaseId)
    const made = (await server.request('GET', `${path}/${wanted.body.id}`)).body
    const fullSizeBytes = third.content.sizeBytes
    expect(made).toMatchObject({ state: 'made', sizeBytes, fullSizeBytes, savedShare: 1 - sizeBytes / fullSizeBytes })
    expect(made.packed).toHaveLength(2)
    expect((await server.request('POST', path, { body })).body).toEqual(made)
    const { items, stored } = (await server.request('GET', `${path}?state=made`)).body
    expect(items).toContainEqual(made)
    const sizes = items.flatMap(({ packed }: Patch) => packed.map((each) => each.sizeBytes))
    const patchBytes = sizes.reduce((sum: number, size: number) => sum + size, 0)
    expect(stored).toMatchObject({ patches: sizes.length, patchBytes })

    expect((await server.request('DELETE', `${path}/${made.id}`)).body).toMatchObject({ state: 'pruned', packed: [] })
    await eventually(async () => expect(patchOf(await check(first.releaseId))).toBeUndefined())
    const row = await db.selectFrom('artifact').select('kept_until').where('sha256', '=', sha256).executeTakeFirst()
    expect(row?.kept_until).not.toBeNull()
    await server.request('POST', path, { body })
    expect((await patchFrom(first.releaseId)).sha256).toBe(sha256)
    expect(await db.selectFrom('artifact').select('kept_until').where('sha256', '=', sha256).execute()).toEqual([
      { kept_until: null },
    ])
    for (const [method, url, asked, type] of [
      ['GET', `${path}/01890000-0000-7000-8000-000000000001`, undefined, '/problems/not-found'],
      ['POST', path, { ...body, from: '9.0.0' }, '/problems/release-not-found'],
      ['POST', path, { ...body, from: '3.0.0' }, '/problems/invalid-request'],
    ] as const) {
      expect((await server.request(method, url, { body: asked })).body.type).toBe(type)
    }
  })

  describe('of nothing', () => {
    /** Small files that are alike, as a web app has them. */
    const PAGES: Files = Object.fromEntries(
      Array.from({ length: 40 }, (_, page) => [`pages/${page}.js`, lines(100, `page${page}_`)]),
    )
    const packed = (fields: object = { patches: FORMATS }): Promise<OfferedPatch> =>
      eventually(async () => {
        const { body } = await server.check(app, { version: undefined, nativeVersion: '1.0.0', ...fields })
        expect(body.patch).toBeDefined()
        return body.patch
      })

    test('bring the whole release, in fewer bytes than its zip, to a device that runs no release', async () => {
      const { content } = await publish('1.0.0', PAGES)
      const patch = await packed()
      expect(patch).toMatchObject({ format: 'hpdelta1-br', baseTree: EMPTY_TREE, tree: content.tree })
      expect(patch.sizeBytes).toBeLessThan(content.sizeBytes / 2)
      expect(await apply(patch, {}, content.tree ?? '')).toEqual(PAGES)
      const { body } = await server.check(app, { nativeVersion: '1.0.0', patches: ['hpdelta1-deflate'] })
      expect(body).not.toHaveProperty('patch')
      const { stored } = (await server.request('GET', `/manage/v1/apps/${app.slug}/patches`)).body
      expect(stored).toEqual({ patches: 0, patchBytes: 0, packed: 1, packedBytes: patch.sizeBytes })
    })

    test('are offered to whoever runs something of which no patch was made, and to nobody else', async () => {
      const { releaseId } = await publish('0.9.0', { 'main.jsbundle': noise(20_000) }, { channel: 'staging' })
      const first = await publish('1.0.0', PAGES)
      const second = await publish('2.0.0', { ...PAGES, 'more.js': lines(10, 'more') })
      const small = await patchFrom(first.releaseId)
      const whole = await packed({ releaseId, patches: FORMATS })
      expect(whole.tree).toBe(second.content.tree)
      expect(small.sizeBytes).toBeLessThan(whole.sizeBytes / 2)
      expect((await check(first.releaseId)).patch).toEqual(small)
    })

    test('are none of what is encrypted', async () => {
      const plain = await zipOf(PAGES)
      const tree = sha256Of(Buffer.from('a tree'))
      const encrypted = await encryptBytes(plain, [await newEncryptionKey()], { tree })
      const release = { appId: app.id, platform: 'android' as const, version: '1.0.0', sequence: 1, bundle: plain }
      const signatures = signRelease(newSigningKey(), release, statedEncrypted(plain, encrypted, tree))
      await server.published(app, { bundle: encrypted, platform: 'android', version: '1.0.0', signatures })
      const awaiting = db.selectFrom('artifact').select('awaits_packing').where('sha256', '=', sha256Of(encrypted))
      expect(await awaiting.execute()).toEqual([{ awaits_packing: 0 }])
      expect(encrypted.length).toBeGreaterThan(8 * 1024)
    })

    test('are none where nothing is saved, and that is not tried again', async () => {
      const { content } = await publish('1.0.0', { 'main.jsbundle': noise(20_000) })
      await eventually(async () => {
        const row = await db
          .selectFrom('artifact')
          .select('awaits_packing')
          .where('sha256', '=', content.sha256)
          .executeTakeFirst()
        expect(row).toEqual({ awaits_packing: 0 })
      })
      const variants = db.selectFrom('artifact_variant').selectAll().where('sha256', '=', content.sha256)
      expect(await variants.execute()).toEqual([])
    })
  })
})
