import type { App, Patch, PublishedRelease } from '@hotpatch/api'
import { writeTree } from '@hotpatch/protocol'
import {
  describeOnEveryDatabase,
  encryptBytes,
  fixedClock,
  newEncryptionKey,
  problemOf,
  sha256Of,
  startTestServer,
  zipOf,
  type TestServer,
} from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'

const FORMATS = ['hpdelta1-br', 'hpdelta1-deflate']
const [first, second, foreign] = await Promise.all([newEncryptionKey(), newEncryptionKey(), newEncryptionKey()])
const KEYS = [first, second]

/** What the server is told of it is all that it knows: it opens neither. */
async function archiveOf(text: string) {
  const plain = await zipOf({ 'index.android.bundle': Buffer.concat([noise(4_000), Buffer.from(text)]) })
  const tree = sha256Of(
    Buffer.from(writeTree([{ path: 'index.android.bundle', sha256: sha256Of(plain), sizeBytes: plain.length }])),
  )
  return { plain, tree, encrypted: await encryptBytes(plain, KEYS, { tree }) }
}
const [one, two, three] = (await Promise.all(['one', 'two', 'three'].map(archiveOf))) as [Made, Made, Made]
type Made = Awaited<ReturnType<typeof archiveOf>>

interface Lies {
  from?: string
  to?: string
  format?: string
  keys?: typeof KEYS
  bytes?: Uint8Array
}

const patchOf = ({ from, to, format = 'hpdelta1-br', keys = KEYS, bytes = Buffer.from('HPDELTA1') }: Lies = {}) => {
  const patch = { format, baseTree: from ?? one.tree }
  return encryptBytes(bytes, keys, { purpose: 'patch', tree: to ?? two.tree, patch })
}

describeOnEveryDatabase('patches that are sent', (open) => {
  let db: Database
  let server: TestServer
  let app: App
  let base: PublishedRelease
  const clock = fixedClock()
  beforeAll(async () => {
    db = await open()
    server = await startTestServer({ database: db, clock })
  })
  // The database is the suite's, which closes it.
  afterAll(() => server?.close().catch(() => undefined))
  beforeEach(async () => {
    app = await server.createTestApp()
    base = await publish(app, '1.0.0', one)
    await publish(app, '1.1.0', two)
  })

  const publish = (of: App, version: string, { encrypted }: Made) =>
    server.published(of, { bundle: encrypted, platform: 'android', version })
  const send = (
    bytes: Uint8Array | undefined,
    { of = app, from = '1.0.0', to = '1.1.0', token = undefined as string | undefined } = {},
  ) =>
    server.request('PUT', `/manage/v1/apps/${of.slug}/patches?platform=android&from=${from}&to=${to}`, {
      ...(bytes && { body: bytes, headers: { 'content-type': 'application/octet-stream' } }),
      ...(token !== undefined && { token }),
    })
  const check = async (fields: object, of = app) =>
    (await server.check(of, { version: undefined, nativeVersion: '1.0.0', decryptionKeyId: second.keyId, ...fields }))
      .body
  const offeredTo = async (releaseId: string, patches = FORMATS, of = app) =>
    (await check({ releaseId, patches }, of)).patch
  const list = async (of = app) => (await server.request('GET', `/manage/v1/apps/${of.slug}/patches`)).body
  /** Else the sweep removes them. */
  const isKept = async (bytes: Uint8Array) => {
    const rows = db.selectFrom('artifact').select('kept_until').where('sha256', '=', sha256Of(bytes))
    return (await rows.executeTakeFirstOrThrow()).kept_until === null
  }

  test('are offered to who runs that base, takes them, and has a key', async () => {
    expect(await offeredTo(base.releaseId)).toBeUndefined()
    const bytes = await patchOf()
    const sent = await send(bytes)
    expect(sent.status).toBe(200)
    expect(sent.body).toMatchObject({
      kind: 'tree',
      from: '1.0.0',
      to: '1.1.0',
      state: 'made',
      isEncrypted: true,
      fullSizeBytes: two.encrypted.length,
      packed: [{ format: 'hpdelta1-br', sha256: sha256Of(bytes), sizeBytes: bytes.length }],
    })
    expect(await list()).toMatchObject({ items: [sent.body], stored: { patches: 1, patchBytes: bytes.length } })
    const patch = await offeredTo(base.releaseId)
    expect(patch).toMatchObject({
      format: 'hpdelta1-br',
      sha256: sha256Of(bytes),
      sizeBytes: bytes.length,
      baseTree: one.tree,
      tree: two.tree,
    })
    const { pathname, search } = new URL(patch.url)
    expect((await server.app.http.inject({ url: pathname + search })).rawPayload.equals(bytes)).toBe(true)
    const other = await server.published(app, {
      bundle: await zipOf({ 'index.android.bundle': 'other' }),
      platform: 'android',
      version: '0.9.0',
      channel: 'staging',
    })
    expect(await offeredTo(other.releaseId)).toBeUndefined()
    expect(await offeredTo(base.releaseId, ['hpdelta1-deflate'])).toBeUndefined()
    const foreigner = await check({ releaseId: base.releaseId, patches: FORMATS, decryptionKeyId: foreign.keyId })
    expect(foreigner.updateAvailable).toBe(false)
  })

  test('are the same when they come again, one for each packing, and another takes their place', async () => {
    const [bytes, deflated, later] = [await patchOf(), await patchOf({ format: 'hpdelta1-deflate' }), await patchOf()]
    const sent = await send(bytes)
    expect((await send(bytes)).body).toEqual(sent.body)
    expect((await send(deflated)).body.packed).toHaveLength(2)
    expect((await offeredTo(base.releaseId, ['hpdelta1-deflate'])).sha256).toBe(sha256Of(deflated))
    const replaced = (await send(later)).body as Patch
    expect(replaced.id).toBe(sent.body.id)
    expect((await offeredTo(base.releaseId, ['hpdelta1-br'])).sha256).toBe(sha256Of(later))
    expect([await isKept(bytes), await isKept(deflated), await isKept(later)]).toEqual([false, true, true])
  })

  test('are pruned as others, and can be sent again', async () => {
    const bytes = await patchOf()
    const { id } = (await send(bytes)).body as Patch
    const pruned = await server.request('DELETE', `/manage/v1/apps/${app.slug}/patches/${id}`)
    expect(pruned.body).toMatchObject({ state: 'pruned', packed: [] })
    expect(await offeredTo(base.releaseId)).toBeUndefined()
    expect(await list()).toMatchObject({ stored: { patches: 0 } })
    expect(await isKept(bytes)).toBe(false)
    expect((await send(bytes)).body).toMatchObject({ id, state: 'made' })
    expect(await offeredTo(base.releaseId)).toBeDefined()
  })

  test('may lead from what is not encrypted', async () => {
    const files = { 'index.android.bundle': 'as it is' }
    const plain = { bundle: await zipOf(files), platform: 'android' as const, version: '1.2.0' }
    const { releaseId, content } = await server.published(app, plain)
    await publish(app, '1.3.0', three)
    const bytes = await patchOf({ from: content.tree ?? '', to: three.tree })
    expect((await send(bytes, { from: '1.2.0', to: '1.3.0' })).status).toBe(200)
    expect((await offeredTo(releaseId)).sha256).toBe(sha256Of(bytes))
  })

  test('are each app’s own, whoever else has published the same bytes', async () => {
    const [bytes, other] = [await patchOf(), await patchOf()]
    await send(bytes)
    const copier = await server.createTestApp()
    const copied = await publish(copier, '1.0.0', one)
    await publish(copier, '1.1.0', two)
    expect(await offeredTo(copied.releaseId, FORMATS, copier)).toBeUndefined()
    await send(other, { of: copier })
    expect((await offeredTo(base.releaseId)).sha256).toBe(sha256Of(bytes))
    expect((await offeredTo(copied.releaseId, FORMATS, copier)).sha256).toBe(sha256Of(other))
    // Even of the very same bytes who prunes takes them from nobody else.
    const again = (await send(bytes, { of: copier })).body as Patch
    await server.request('DELETE', `/manage/v1/apps/${copier.slug}/patches/${again.id}`)
    expect(await isKept(bytes)).toBe(true)
    expect((await offeredTo(base.releaseId)).sha256).toBe(sha256Of(bytes))
  })

  test.each<[string, () => Promise<Uint8Array> | Uint8Array, string, string]>([
    ['of another base', () => patchOf({ from: three.tree }), '422 content-unfit', one.tree],
    ['to another release', () => patchOf({ to: three.tree }), '422 content-unfit', two.tree],
    ['for fewer keys', () => patchOf({ keys: [first] }), '422 content-unfit', second.keyId],
    ['for one key more', () => patchOf({ keys: [...KEYS, foreign] }), '422 content-unfit', foreign.keyId],
    ['of a format of files', () => patchOf({ format: 'bsdiff40' }), '422 content-unfit', 'bsdiff40'],
    ['that is no smaller', () => patchOf({ bytes: two.plain }), '422 content-unfit', String(two.encrypted.length)],
    ['that is an archive', () => two.encrypted, '422 invalid-archive', 'Expected an encrypted patch'],
    ['that is not encrypted', () => Buffer.from('HPDELTA1'), '422 invalid-archive', 'Expected an encrypted patch'],
    ['that was cut', async () => (await patchOf()).subarray(0, -1), '422 invalid-archive', 'bytes'],
  ])('are refused: one %s', async (_case, bytes, expected, words) => {
    const answer = await send(await bytes())
    expect(problemOf(answer)).toBe(expected)
    expect(answer.body.detail).toContain(words)
    expect((await list()).items).toEqual([])
  })

  test('are refused between other releases, of nothing, and of who may not publish', async () => {
    await server.published(app, { bundle: await zipOf({ 'a.txt': 'a' }), platform: 'android', version: '2.0.0' })
    const bytes = await patchOf()
    expect(problemOf(await send(bytes, { to: '2.0.0' }))).toBe('422 content-unfit')
    expect(problemOf(await send(bytes, { to: '9.0.0' }))).toBe('404 release-not-found')
    expect(problemOf(await send(bytes, { from: 'embedded:9' }))).toBe('404 not-found')
    expect(problemOf(await send(undefined))).toBe('415 unsupported-media-type')
    const reader = await server.createToken({ role: 'reader' })
    expect(problemOf(await send(bytes, { token: reader }))).toBe('403 forbidden')
    const asked = (from: string, to: string) =>
      server.request('POST', `/manage/v1/apps/${app.slug}/patches`, { body: { platform: 'android', from, to } })
    expect((await asked('1.0.0', '1.1.0')).body.detail).toContain('hotpatch patch makes the patch where the key is')
    expect((await asked('1.0.0', '2.0.0')).body.detail).not.toContain('hotpatch patch')
  })

  test('by two at once leave one, and the bytes of the other go', async () => {
    const both = [await patchOf(), await patchOf()] as const
    const answers = await Promise.all(both.map((bytes) => send(bytes)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    const rows = await db.selectFrom('patch').select('id').where('app_id', '=', app.id).execute()
    expect(rows).toHaveLength(1)
    const { sha256 } = await offeredTo(base.releaseId)
    for (const bytes of both) expect(await isKept(bytes)).toBe(sha256Of(bytes) === sha256)
  })
})
