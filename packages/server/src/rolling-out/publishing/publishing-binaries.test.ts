import { readFileSync } from 'node:fs'
import type { NewBinaryFile, PublishedRelease, Release } from '@hotpatch/api'
import { statedBinary, writeReleaseStatement } from '@hotpatch/protocol'
import {
  describeOnEveryDatabase,
  newSigningKey,
  problemOf,
  sha256Of,
  signStatement,
  startTestServer,
  type TestResponse,
  type TestServer,
} from '@hotpatch/testkit'
import { noise, writeZip } from '@hotpatch/testkit/archives'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDeviceIdentity } from '../../fleet/devices/device-identity.ts'
import { loadCatalog } from '../../updates/catalog-queries.ts'
import type { Database } from '../../ground/database/schema.ts'

const examples = new URL('../../../../../examples/binaries/', import.meta.url)
const apk = readFileSync(new URL('hello-1.1.0.apk', examples))
const nextApk = readFileSync(new URL('hello-1.2.0.apk', examples))
const disk = (text: string) => Buffer.concat([noise(500), Buffer.from(text), Buffer.from('koly'), Buffer.alloc(508)])

describeOnEveryDatabase('publishing binaries', (open) => {
  let server: TestServer
  let db: Database
  let slug = ''
  let appId = ''
  beforeAll(async () => {
    db = await open()
    server = await startTestServer({ database: db, env: { HOTPATCH_MAX_BINARY_BYTES: '100000' } })
    const app = await server.createTestApp({ platforms: ['android', 'windows', 'macos', 'linux'] })
    slug = app.slug
    appId = app.id
  })
  afterAll(() => server.close())

  const upload = (bytes: Uint8Array, name: string, query = `kind=binary&name=${encodeURIComponent(name)}`) =>
    server.request('PUT', `/manage/v1/apps/${slug}/artifacts/${sha256Of(bytes)}?${query}`, {
      body: bytes,
      headers: { 'content-type': 'application/octet-stream' },
    })
  const publish = (metadata: object, signatures: object = {}) =>
    server.request('POST', `/manage/v1/apps/${slug}/releases`, { body: { metadata, ...signatures } })

  async function uploaded(bytes: Uint8Array, name: string, more: Partial<NewBinaryFile> = {}): Promise<NewBinaryFile> {
    const { status } = await upload(bytes, name)
    expect(status).toBe(200)
    const format = name.endsWith('.apk') ? 'apk' : 'dmg'
    return { name, architecture: 'arm64', format, sha256: sha256Of(bytes), sizeBytes: bytes.length, ...more }
  }

  test('a file is uploaded, published, shown and served', async () => {
    const bytes = apk
    const sha256 = sha256Of(bytes)
    const answer = await upload(bytes, 'shop.apk')
    const downloadUrl = `http://localhost:80/artifacts/${sha256}`
    const known = { kind: 'binary', sha256, sizeBytes: bytes.length, format: 'apk', downloadUrl }
    expect(answer.body).toMatchObject({ ...known, application: { version: '1.1.0' } })
    const { application } = answer.body
    const there = await server.request('GET', `/manage/v1/apps/${slug}/artifacts/${sha256}?kind=binary`)
    expect(there.body).toEqual(answer.body)
    // As an archive nobody has looked at it.
    expect((await server.request('GET', `/manage/v1/apps/${slug}/artifacts/${sha256}`)).status).toBe(404)

    const file = await uploaded(bytes, 'shop.apk')
    const content = { kind: 'binary', files: [file], accept: ['typed-values-differ'] }
    const published = await publish({ platform: 'android', version: '1.0.0+7', notes: 'First', content })
    expect(published.status).toBe(201)
    const { releaseId, content: told } = published.body as PublishedRelease
    const described = {
      kind: 'binary',
      files: [
        {
          ...file,
          platform: 'android',
          contentType: 'application/vnd.android.package-archive',
          downloadUrl,
          isInstallable: true,
          application,
        },
      ],
    }
    expect(told).toEqual(described)
    const { body: release } = await server.request('GET', `/manage/v1/releases/${releaseId}`)
    expect(release).toMatchObject({ version: '1.0.0+7', versionCode: 7, content: described, signature: null })
    const list = await server.request('GET', `/manage/v1/apps/${slug}/releases?kind=binary`)
    expect((list.body as { items: Release[] }).items.map(({ id }) => id)).toEqual([releaseId])
    const download = await server.app.http.inject(new URL(downloadUrl).pathname)
    expect(download.rawPayload.equals(bytes)).toBe(true)
    expect(download.headers).toMatchObject({
      'content-type': 'application/vnd.android.package-archive',
      'content-disposition': 'attachment; filename="shop.apk"',
      'accept-ranges': 'bytes',
    })
    const path = new URL(downloadUrl).pathname
    const head = await server.app.http.inject({ method: 'HEAD', url: path })
    expect([head.statusCode, head.headers['content-length']]).toEqual([200, String(bytes.length)])
    const part = await server.app.http.inject({ url: path, headers: { range: 'bytes=4-9' } })
    expect([part.statusCode, part.rawPayload.equals(bytes.subarray(4, 10))]).toEqual([206, true])

    // The same request again has the same answer.
    const again = await publish({ platform: 'android', version: '1.0.0+7', notes: 'First', content })
    expect([again.status, again.body]).toEqual([200, published.body])
    // The contract of bundles knows nothing of it.
    expect((await server.request('GET', `/releases/${releaseId}`)).status).toBe(404)
    expect((await server.request('GET', `/releases?app=${slug}`)).body).toMatchObject({ items: [] })
  })

  test('several files, one of them elsewhere, are in the catalog with all that answers need', async () => {
    const [x64, arm64] = [disk('x64'), disk('arm64')]
    const here = await uploaded(x64, 'Shop Setup.dmg', { architecture: 'x86_64' })
    const elsewhere: NewBinaryFile = {
      name: 'Shop-arm64.dmg',
      architecture: 'arm64',
      format: 'dmg',
      sha256: sha256Of(arm64),
      sizeBytes: arm64.length,
      url: 'https://downloads.example.com/Shop-arm64.dmg',
    }
    const content = { kind: 'binary', files: [here, elsewhere] }
    const { status, body } = await publish({ platform: 'macos', version: '1.2.0-beta.1', content })
    expect([status, body.content.files.map((file: { downloadUrl: string }) => file.downloadUrl)]).toEqual([
      201,
      [`http://localhost:80/artifacts/${here.sha256}`, elsewhere.url],
    ])
    const identity = createDeviceIdentity({ secret: 'x'.repeat(32) })
    const data = await loadCatalog(db, { appId, platform: 'macos', channel: 'production' }, identity)
    expect(data?.catalog.rollouts[0]?.target).toMatchObject({
      version: '1.2.0-beta.1',
      kind: 'binary',
      content: {
        kind: 'binary',
        files: [
          { ...here, platform: 'macos', sha512: expect.stringMatching(/^[A-Za-z0-9+/]{86}==$/) },
          { ...elsewhere, platform: 'macos' },
        ],
      },
    })
    expect(data?.catalog.rollouts[0]?.target).toMatchObject({
      binaries: [
        { format: 'dmg', architecture: 'x86_64' },
        { format: 'dmg', architecture: 'arm64' },
      ],
    })
    // A further channel, and a promotion, place the very same.
    await server.request('POST', `/manage/v1/apps/${slug}/channels`, { body: { name: 'beta' } })
    const further = await publish({ platform: 'macos', version: '1.2.0-beta.1', channel: 'beta', content })
    expect([further.status, further.body.existing, further.body.releaseId]).toEqual([201, true, body.releaseId])
  })

  test('the same bytes may be an archive, and stay one', async () => {
    const bytes = writeZip([{ name: 'Shop.app/Info.plist', content: 'both' }])
    const form = { body: bytes, headers: { 'content-type': 'application/zip' } }
    expect((await server.request('PUT', `/manage/v1/apps/${slug}/artifacts/${sha256Of(bytes)}`, form)).status).toBe(200)
    const metadata = { platform: 'macos', version: '5.0.0' }
    const archive = { kind: 'archive', sha256: sha256Of(bytes) }
    const published = await publish({ ...metadata, content: archive })
    expect([published.status, published.body.content.kind]).toEqual([201, 'archive'])
    const file = await uploaded(bytes, 'both.zip', { format: 'zip' })
    const binary = await publish({ platform: 'macos', version: '5.1.0', content: { kind: 'binary', files: [file] } })
    expect(binary.status).toBe(201)
    const { body } = await server.request('GET', `/manage/v1/releases/${published.body.releaseId}`)
    expect(body).toMatchObject({ content: published.body.content, versionCode: null })
  })

  describe('signed', () => {
    const key = newSigningKey()
    const statement = (files: readonly NewBinaryFile[], sequence: number, version: string) =>
      signStatement(
        key,
        writeReleaseStatement({
          appId,
          platform: 'linux',
          target: 'release',
          version,
          sequence,
          floor: 0,
          requirement: {},
          ...statedBinary(files.map(({ platform = 'linux', ...file }) => ({ platform, ...file }))),
          createdAt: '2027-01-01T00:00:00.000Z',
        }),
      )
    const files: NewBinaryFile[] = ['x86_64', 'arm64'].map((architecture, index) => ({
      name: `shop-${architecture}.deb`,
      architecture,
      format: 'deb',
      sha256: String(index).repeat(64),
      sizeBytes: 10,
      url: `https://downloads.example.com/${architecture}.deb`,
    }))

    test('by its statement alone, whose key is registered and which can be stated again', async () => {
      const content = { kind: 'binary', files }
      const signed = statement(files, 1, '2.0.0')
      const published = await publish(
        { platform: 'linux', version: '2.0.0', content },
        { ...signed, publicKey: key.publicKey },
      )
      expect(published.body).toMatchObject({ sequence: 1, keyRegistered: true })
      const { body } = await server.request('GET', `/manage/v1/releases/${published.body.releaseId}`)
      expect(body).toMatchObject({ signature: null, statement: signed.statement, keyId: expect.any(String) })

      const next = statement(files, 2, '2.1.0')
      const second = await publish({ platform: 'linux', version: '2.1.0', content }, next)
      expect(second.status).toBe(201)
      // Back to the first, under a sequence of its own, with the files in whichever order they are listed.
      const restated = statement(files.toReversed(), 3, '2.0.0')
      const back = await server.request('POST', `/manage/v1/apps/${slug}/rollbacks`, {
        body: {
          platform: 'linux',
          channel: 'production',
          to: { releaseId: published.body.releaseId },
          ...restated,
        },
      })
      expect([back.status, back.body.sequence]).toEqual([201, 3])
    })

    test.each<[string, () => Record<string, string>, string]>([
      ['nothing', () => ({}), '422 signature-required'],
      ['other files', () => statement(files.slice(1), 9, '2.2.0'), '422 statement-invalid'],
      ['a statement without its signature', () => ({ statement: 'e30=' }), '400 invalid-request'],
      [
        'the signature of a bundle',
        () => ({ ...statement(files, 9, '2.2.0'), signature: 'c2ln' }),
        '400 invalid-request',
      ],
    ])('but with %s it is refused', async (_what, signatures, expected) => {
      await server.request('PATCH', `/manage/v1/apps/${slug}`, { body: { signing: 'required' } })
      const answer = await publish(
        { platform: 'linux', version: '2.2.0', content: { kind: 'binary', files } },
        signatures(),
      )
      expect(problemOf(answer)).toBe(expected)
      await server.request('PATCH', `/manage/v1/apps/${slug}`, { body: { signing: 'optional' } })
    })
  })

  describe('refused is', () => {
    const away = (more: Partial<NewBinaryFile> = {}): NewBinaryFile => ({
      name: 'shop.apk',
      architecture: 'arm64',
      format: 'apk',
      sha256: 'a'.repeat(64),
      sizeBytes: 5,
      url: 'https://downloads.example.com/shop.apk',
      ...more,
    })
    const release = (files: readonly object[], more: object = {}) =>
      publish({ platform: 'android', version: '9.0.0', content: { kind: 'binary', files }, ...more })

    test.each<[string, () => Promise<TestResponse>, string, RegExp]>([
      ['a file without a name', () => upload(apk, '', 'kind=binary'), '400 invalid-request', /name/],
      ['a name without an ending', () => upload(apk, 'shop'), '422 invalid-binary', /\.apk \.aab/],
      ['a folder in a name', () => upload(apk, 'a/shop.apk'), '400 invalid-request', /a folder/],
      [
        'bytes of another format',
        () => upload(Buffer.from('MZ'), 'shop.apk'),
        '422 invalid-binary',
        /a zip, as the name says/,
      ],
      ['bytes that are cut', () => upload(apk.subarray(0, 5_000), 'shop.apk'), '422 invalid-binary', /shop\.apk/],
      ['too many bytes', () => upload(disk('x'.repeat(100_000)), 'a.dmg'), '413 body-too-large', /100000/],
      ['another kind', () => upload(apk, 'shop.apk', 'kind=parcel'), '400 invalid-request', /kind/],
      ['a file that is not here', () => release([{ ...away(), url: undefined }]), '409 artifact-missing', /a{64}/],
      ['no file', () => release([]), '400 invalid-request', /files/],
      ['an unknown format', () => release([{ ...away(), format: 'bin' }]), '400 invalid-request', /format/],
      ['a file for no platform', () => release([{ ...away(), platform: 'ios' }]), '400 invalid-request', /android/],
      ['an address of http', () => release([away({ url: 'http://a.test' })]), '400 invalid-request', /url/],
      ['two for the same', () => release([away(), away({ name: 'b.apk' })]), '400 invalid-request', /shop.apk, too/],
      ['two of the same name', () => release([away(), away({ architecture: 'any' })]), '400 invalid-request', /beside/],
      ['a version of words', () => release([away()], { version: '1.x' }), '400 invalid-request', /1\.2\.0\+45/],
      [
        'a code that its version denies',
        () => release([away()], { version: '9.0.0+8', versionCode: 9 }),
        '400 invalid-request',
        /expected 8/,
      ],
      [
        'a kind that is not served',
        () => publish({ platform: 'android', version: '9.0.0', content: { kind: 'parcel' } }),
        '400 invalid-request',
        /one of archive, binary, files, kit/,
      ],
    ])('%s', async (_what, act, expected, detail) => {
      const before = await server.request('GET', `/manage/v1/apps/${slug}/releases`)
      const answer = await act()
      expect(problemOf(answer)).toBe(expected)
      expect(answer.body.detail).toMatch(detail)
      expect((await server.request('GET', `/manage/v1/apps/${slug}/releases`)).body).toEqual(before.body)
    })

    test('what differs from the release of that version', async () => {
      expect((await release([away()], { version: '9.1.0' })).status).toBe(201)
      const other = await release([away({ sha256: 'b'.repeat(64) })], { version: '9.1.0' })
      expect(problemOf(other)).toBe('409 release-exists')
      expect(other.body.detail).toMatch(/shop\.apk: expected SHA-256 a{64}, found SHA-256 b{64}/)
    })
  })

  test('a preflight says the same beforehand', async () => {
    const ask = async (content: object) => {
      const body = { platform: 'android', version: '10.0.0', content }
      return (await server.request('POST', `/manage/v1/apps/${slug}/releases/preflight`, { body })).body
    }
    const file = await uploaded(nextApk, 'early.apk')
    const accept = ['typed-values-differ']
    expect(await ask({ kind: 'binary', files: [file], accept })).toMatchObject({
      isUploaded: true,
      findings: [{ check: 'typed-values-differ', severity: 'warning' }],
    })
    const tooMuch = await ask({ kind: 'binary', files: [{ ...file, sizeBytes: 100_001, sha256: 'd'.repeat(64) }] })
    expect(tooMuch).toMatchObject({ isUploaded: false, findings: [{ check: 'size', expected: /100000/ }] })
  })

  test.each([
    ['hello-1.1.0.aab', 'aab', 'application/octet-stream', false],
    ['hello-1.1.0.ipa', 'ipa', 'application/octet-stream', true],
  ] as const)('%s is served under its name', async (name, format, contentType, isInstallable) => {
    const bytes = readFileSync(new URL(name, examples))
    const file = await uploaded(bytes, name, { format })
    const version = `12.0.${bytes.length}`
    const accept = ['typed-values-differ', 'other-application', 'other-certificate', 'lower-version-code']
    const content = { kind: 'binary', files: [file], accept }
    const { body } = await publish({ platform: 'android', version, content })
    expect(body.content.files).toMatchObject([{ name, contentType, isInstallable }])
    const { headers } = await server.app.http.inject(`/artifacts/${file.sha256}`)
    expect(headers['content-disposition']).toBe(`attachment; filename="${name}"`)
    expect(headers['content-type']).toBe(contentType)
  })

  test('downloads of a file are those of its release', async () => {
    const bytes = disk('counted')
    const file = await uploaded(bytes, 'counted.dmg')
    const content = { kind: 'binary', files: [file] }
    const { releaseId } = (await publish({ platform: 'macos', version: '11.0.0', content })).body as PublishedRelease
    await server.app.http.inject(`/artifacts/${file.sha256}?release=${releaseId}`)
    await server.request('GET', `/manage/v1/apps/${slug}/devices`)
    const { body } = await server.request('GET', `/manage/v1/apps/${slug}/insights/downloads`)
    expect(JSON.stringify(body)).toContain(releaseId)
  })
})
