import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  generateKeyPairSync,
  privateEncrypt,
  publicDecrypt,
  randomBytes,
  randomUUID,
} from 'node:crypto'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
import type { App, ReleaseVariant } from '@hotpatch/api'
import {
  allIsMade,
  describeOnEveryDatabase,
  problemOf,
  sha256Of,
  startTestServer,
  type TestServer,
  zipOf,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DAY_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const KEY_ID = publicKey
  .export({ type: 'pkcs1', format: 'pem' })
  .toString()
  .replaceAll(/-----[^-]+-----|\s/g, '')
  .slice(0, 20)
const rsa = (bytes: Buffer) => privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, bytes)

/** As the publisher's tool encrypts. */
function aSession() {
  const key = randomBytes(16)
  const iv = randomBytes(16)
  const encrypt = (bytes: Buffer) => {
    const cipher = createCipheriv('aes-128-cbc', key, iv)
    return Buffer.concat([cipher.update(bytes), cipher.final()])
  }
  const checksum = (bytes: Buffer) => rsa(createHash('sha256').update(bytes).digest()).toString('hex')
  return { encrypt, checksum, sessionKey: `${iv.toString('base64')}:${rsa(key).toString('base64')}` }
}

/** As a device decrypts. */
function decrypt(bytes: Buffer, sessionKey: string): Buffer {
  const [iv = '', sealed = ''] = sessionKey.split(':')
  const key = publicDecrypt(publicKey, Buffer.from(sealed, 'base64'))
  const decipher = createDecipheriv('aes-128-cbc', key, Buffer.from(iv, 'base64'))
  return Buffer.concat([decipher.update(bytes), decipher.final()])
}

const script = Buffer.from('console.log(1)\n'.repeat(1_000))
const page = Buffer.from('<p>hello</p>')
const files = { 'index.html': page, 'assets/app.js': script, 'assets/empty.css': Buffer.alloc(0) }

describeOnEveryDatabase('an encrypted variant', (openDatabase) => {
  let db: Database
  let server: TestServer
  let app: App
  let releaseId: string
  let bundle: Buffer
  let version = 0
  let now = Date.UTC(2027, 0, 1)

  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, clock: { now: () => now } })
    app = await server.createTestApp()
    bundle = await zipOf(files)
  })
  afterAll(() => server.close())
  beforeEach(async () => void ({ releaseId } = await server.published(app, { bundle, version: `${++version}.0.0` })))

  const path = (id = releaseId) => `/manage/v1/apps/${app.slug}/releases/${id}/variants`

  async function aVariant() {
    const { encrypt, checksum, sessionKey } = aSession()
    const packed = brotliCompressSync(script)
    return {
      metadata: {
        algorithm: 'capgo-v2',
        keyId: KEY_ID,
        sessionKey,
        checksum: checksum(bundle),
        files: [
          { path: 'index.html', checksum: checksum(page) },
          { path: 'assets/app.js.br', checksum: checksum(script) },
        ],
      } as Record<string, unknown>,
      bundle: encrypt(bundle),
      files: { 'index.html': encrypt(page), 'assets/app.js.br': encrypt(packed) } as Record<string, Buffer>,
    }
  }
  type Variant = Awaited<ReturnType<typeof aVariant>>

  async function add(variant: Variant | Omit<Variant, 'files'>, options: { id?: string; token?: string } = {}) {
    const form = new FormData()
    form.set('metadata', new Blob([JSON.stringify(variant.metadata)], { type: 'application/json' }), 'metadata.json')
    form.set('bundle', new Blob([new Uint8Array(variant.bundle)]), 'bundle.zip')
    if ('files' in variant) form.set('files', new Blob([new Uint8Array(await zipOf(variant.files))]), 'files.zip')
    const { id, ...given } = options
    return server.request('POST', path(id), { form, ...given })
  }
  const bytesAt = async (sha256: string) =>
    (await server.app.http.inject({ url: `/artifacts/${sha256}?release=${releaseId}` })).rawPayload

  test('is kept as it was sent, and a device with the key makes the release of it', async () => {
    const variant = await aVariant()
    const { status, body } = await add(variant)
    expect(status).toBe(201)
    const { algorithm, keyId, sessionKey, checksum } = variant.metadata
    expect(body).toMatchObject({
      releaseId,
      algorithm,
      keyId,
      sessionKey,
      checksum,
      sha256: sha256Of(variant.bundle),
      sizeBytes: variant.bundle.length,
      fileCount: 2,
      createdBy: 'owner',
    })
    expect(decrypt(await bytesAt(sha256Of(variant.bundle)), String(sessionKey)).equals(bundle)).toBe(true)
    const stored = await db
      .selectFrom('release_variant_file')
      .selectAll()
      .where('variant_id', '=', (body as ReleaseVariant).id)
      .orderBy('path')
      .execute()
    expect(stored.map((file) => file.path)).toEqual(['assets/app.js.br', 'index.html'])
    const opened = decrypt(await bytesAt(stored[0]?.sha256 ?? ''), String(sessionKey))
    expect(brotliDecompressSync(opened).equals(script)).toBe(true)
    const told = publicDecrypt(publicKey, Buffer.from(stored[0]?.checksum ?? '', 'hex')).toString('hex')
    expect(told).toBe(sha256Of(script))
    const { body: listed } = await server.request('GET', path())
    expect(listed.items).toEqual([body])
    // Both are known in memory as the release's: the encrypted zip as a download of it, the file by its bytes.
    await server.request('GET', `/manage/v1/apps/${app.slug}/devices`)
    const counted = await db.selectFrom('download_hour').selectAll().where('release_id', '=', releaseId).execute()
    const sent = variant.bundle.length + (stored[0]?.size_bytes ?? 0)
    expect(counted).toMatchObject([{ sha256: sha256Of(bundle), downloads: 1, sent_bytes: sent }])
  })

  test('may come again; another one of the same key is refused, of another key goes beside', async () => {
    const variant = await aVariant()
    const { body } = await add(variant)
    expect(await add(variant)).toMatchObject({ status: 200, body })
    const other = await aVariant()
    expect(problemOf(await add(other))).toBe('409 variant-exists')
    const { files: none, ...whole } = other
    expect(Object.keys(none)).toHaveLength(2)
    const { files: listed, ...rest } = other.metadata
    expect(listed).toBeDefined()
    expect((await add({ ...whole, metadata: { ...rest, keyId: 'MIIB' } })).status).toBe(201)
    expect((await server.request('GET', path())).body.items).toMatchObject([{ fileCount: 2 }, { fileCount: 0 }])
  })

  test('raises the catalogs, is in the audit log, and goes without a trace of its bytes', async () => {
    const generation = async () =>
      (
        await db
          .selectFrom('catalog_generation')
          .select('generation')
          .where('platform', '=', 'android')
          .executeTakeFirst()
      )?.generation ?? 0
    await allIsMade(db)
    const before = await generation()
    const variant = await aVariant()
    const { body } = await add(variant)
    expect(await generation()).toBe(before + 1)
    const removed = await server.request('DELETE', `${path()}/${body.id}`)
    expect(removed).toMatchObject({ status: 200, body })
    expect(await generation()).toBe(before + 2)
    const { body: log } = await server.request('GET', '/manage/v1/audit?limit=2')
    expect(log.items.map(({ action }: { action: string }) => action)).toEqual([
      'release.variant-removed',
      'release.variant-added',
    ])
    expect(problemOf(await server.request('DELETE', `${path()}/${body.id}`))).toBe('404 variant-not-found')
    const rows = () =>
      db.selectFrom('artifact').select('kept_until').where('sha256', '=', sha256Of(variant.bundle)).execute()
    expect(await rows()).toEqual([{ kept_until: now }])
    const plain = db
      .selectFrom('artifact')
      .select('kept_until')
      .where('sha256', 'in', [sha256Of(bundle), sha256Of(page)])
    expect(await plain.execute()).toEqual([{ kept_until: null }, { kept_until: null }])
    now += DAY_MS
  })

  test('goes, and the bytes stay that are something else as well, of whichever app', async () => {
    const other = await server.createTestApp()
    const variant = await aVariant()
    const sha256 = sha256Of(variant.bundle)
    const manage = `/manage/v1/apps/${other.slug}`
    const headers = { 'content-type': 'application/octet-stream' }
    await server.request('PUT', `${manage}/artifacts/${sha256}?kind=asset`, { body: variant.bundle, headers })
    const shipped = { platform: 'android', id: randomUUID(), builtAt: '2027-01-01T00:00:00Z', sha256 }
    const body = { ...shipped, sizeBytes: variant.bundle.length }
    expect((await server.request('POST', `${manage}/embedded-updates`, { body })).status).toBe(200)
    const { body: added } = await add(variant)
    expect((await server.request('DELETE', `${path()}/${added.id}`)).status).toBe(200)
    const row = db.selectFrom('artifact').select('kept_until').where('sha256', '=', sha256)
    expect(await row.execute()).toEqual([{ kept_until: null }])
  })

  /** Without what is compressed meanwhile of files that were there before. */
  const listSent = () => {
    const made = db.selectFrom('artifact_variant').select('variant_sha256')
    return db.selectFrom('artifact').select('sha256').where('sha256', 'not in', made).orderBy('sha256').execute()
  }

  describe('is refused, and nothing is kept:', () => {
    const broken = (change: (variant: Variant) => unknown) => async () => {
      const variant = await aVariant()
      change(variant)
      return add(variant)
    }
    test.each<[string, string, (variant: Variant) => unknown]>([
      ['another algorithm', '400 invalid-request', ({ metadata }) => (metadata.algorithm = 'rot13')],
      ['no key', '400 invalid-request', ({ metadata }) => (metadata.keyId = '')],
      ['a long key id', '400 invalid-request', ({ metadata }) => (metadata.keyId = 'A'.repeat(21))],
      [
        'a session key that is cut',
        '400 invalid-request',
        ({ metadata }) => (metadata.sessionKey = String(metadata.sessionKey).slice(1)),
      ],
      [
        'a checksum in capitals',
        '400 invalid-request',
        ({ metadata }) => (metadata.checksum = String(metadata.checksum).toUpperCase()),
      ],
      ['a checksum in base64', '400 invalid-request', ({ metadata }) => (metadata.checksum = 'A'.repeat(344))],
      ['a bundle of another size', '422 variant-unfit', (variant) => (variant.bundle = variant.bundle.subarray(16))],
      ['the bundle itself', '422 variant-unfit', (variant) => (variant.bundle = Buffer.from(bundle))],
      [
        'a file without a checksum',
        '400 invalid-request',
        ({ metadata }) => (metadata.files = (metadata.files as object[]).slice(1)),
      ],
      ['a checksum without a file', '400 invalid-request', ({ files: sent }) => delete sent['index.html']],
      ['a file that is not encrypted', '422 variant-unfit', ({ files: sent }) => (sent['index.html'] = page)],
    ])('%s', async (_case, expected, change) => {
      const before = await listSent()
      expect(problemOf(await broken(change)())).toBe(expected)
      expect(await listSent()).toEqual(before)
      expect((await server.request('GET', path())).body.items).toEqual([])
    })

    test('a file that the release does not have, and one too few', async () => {
      const variant = await aVariant()
      const [first = {}] = variant.metadata.files as object[]
      const { 'index.html': html = page } = variant.files
      variant.metadata.files = [...(variant.metadata.files as object[]), { ...first, path: 'other.html' }]
      variant.files['other.html'] = html
      expect(problemOf(await add(variant))).toBe('422 variant-unfit')
      variant.metadata.files = [first]
      variant.files = { 'index.html': html }
      expect(problemOf(await add(variant))).toBe('422 variant-unfit')
    })

    test('a zip of files that climbs, and a form without a bundle', async () => {
      const variant = await aVariant()
      variant.files['a?.js'] = page
      expect(problemOf(await add(variant))).toBe('422 invalid-archive')
      const form = new FormData()
      form.set('metadata', JSON.stringify(variant.metadata))
      expect(problemOf(await server.request('POST', path(), { form }))).toBe('400 invalid-request')
    })

    test('one for a release that is not there, or from somebody who may not publish', async () => {
      const variant = await aVariant()
      expect(problemOf(await add(variant, { id: 'none' }))).toBe('404 release-not-found')
      const token = await server.createToken({ role: 'reader' })
      expect(problemOf(await add(variant, { token }))).toBe('403 forbidden')
      const another = await server.createTestApp()
      const ofAnother = await server.published(another, { bundle, version: '1.0.0' })
      expect(problemOf(await add(variant, { id: ofAnother.releaseId }))).toBe('404 release-not-found')
    })
  })
})
