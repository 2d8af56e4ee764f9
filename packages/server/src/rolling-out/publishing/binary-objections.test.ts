import type { NewBinaryFile } from '@hotpatch/api'
import { describeOnEveryDatabase, problemOf, sha256Of, startTestServer, type TestServer } from '@hotpatch/testkit'
import { anApk, anIpa, makeSigner, type ApkFacts } from '@hotpatch/testkit/binaries'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

describeOnEveryDatabase('what speaks against a binary', (open) => {
  const signer = makeSigner('Ours')
  let server: TestServer
  let slug = ''
  beforeAll(async () => void (server = await startTestServer({ database: await open() })))
  afterAll(() => server.close())
  beforeEach(async () => {
    slug = (await server.createTestApp({ platforms: ['android', 'ios'] })).slug
  })

  async function uploaded(bytes: Buffer, name: string, more: Partial<NewBinaryFile> = {}): Promise<NewBinaryFile> {
    const sha256 = sha256Of(bytes)
    const path = `/manage/v1/apps/${slug}/artifacts/${sha256}?kind=binary&name=${name}`
    const headers = { 'content-type': 'application/octet-stream' }
    expect((await server.request('PUT', path, { body: bytes, headers })).status).toBe(200)
    const format = name.endsWith('.ipa') ? 'ipa' : 'apk'
    return { name, architecture: 'any', format, sha256, sizeBytes: bytes.length, ...more }
  }

  async function publish(files: NewBinaryFile[], version: string, { accept, platform = 'android' }: Wish = {}) {
    const content = { kind: 'binary', files, ...(accept && { accept }) }
    return server.request('POST', `/manage/v1/apps/${slug}/releases`, {
      body: { metadata: { platform, version, content } },
    })
  }

  async function publishApk(facts: ApkFacts, wish: Wish = {}) {
    const { version = '1.0.0' } = facts
    return publish([await uploaded(anApk({ signer, ...facts }), 'shop.apk')], version, wish)
  }

  const countReleases = async () =>
    (await server.request('GET', `/manage/v1/apps/${slug}/releases`)).body.items.length as number

  interface Wish {
    accept?: string[]
    platform?: string
  }

  test('an update of the same app fits', async () => {
    expect((await publishApk({ version: '1.0.0', versionCode: 1 })).status).toBe(201)
    expect((await publishApk({ version: '1.1.0', versionCode: 2 })).status).toBe(201)
  })

  describe('refuses, with what was expected and found', () => {
    test.each<[string, ApkFacts, string]>([
      [
        'other-application',
        { id: 'com.example.other' },
        'expected com.example.app, as the last release, found com.example.other',
      ],
      ['other-certificate', { signer: makeSigner('Another') }, 'expected the certificate'],
      [
        'lower-version-code',
        { versionCode: 4 },
        'expected a version code of 5 or more, as the last release has that, found 4',
      ],
    ])('%s', async (name, facts, detail) => {
      await publishApk({ version: '1.0.0', versionCode: 5 })
      const next = { version: '1.1.0', versionCode: 6, ...facts }
      const refused = await publishApk(next)
      expect(problemOf(refused)).toBe('422 content-opposed')
      expect(refused.body.detail).toContain(`shop.apk: ${detail}`)
      expect(refused.body.objections).toEqual([
        { name, file: 'shop.apk', expected: expect.any(String), found: expect.any(String) },
      ])
      expect(await countReleases()).toBe(1)
      // Another one accepts nothing of this.
      expect(problemOf(await publishApk(next, { accept: ['typed-values-differ'] }))).toBe('422 content-opposed')
      expect((await publishApk(next, { accept: [name] })).status).toBe(201)
      const { body: audit } = await server.request('GET', `/manage/v1/audit?app=${slug}&limit=10`)
      const entry = audit.items.find(({ action }: { action: string }) => action === 'release.published')
      expect(entry.after.accepted).toEqual([expect.objectContaining({ name, file: 'shop.apk' })])
    })

    test('typed values that are not those of the file', async () => {
      const file = await uploaded(anApk({ signer, version: '1.0.0', versionCode: 3 }), 'shop.apk')
      const refused = await publish([file], '1.0.1+4')
      expect(problemOf(refused)).toBe('422 content-opposed')
      expect(refused.body.detail).toBe('shop.apk: expected the version 1.0.1+4, found 1.0.0 (and 1 more).')
      const other = await publish([{ ...file, architecture: 'x86_64' }], '1.0.0')
      expect(other.body.detail).toBe('shop.apk: expected code for x86_64, found arm64-v8a.')
      expect(await countReleases()).toBe(0)
      expect((await publish([file], '1.0.1+4', { accept: ['typed-values-differ'] })).status).toBe(201)
    })

    test('a word that accepts nothing', async () => {
      const refused = await publishApk({}, { accept: ['everything'] })
      expect(problemOf(refused)).toBe('400 invalid-request')
      expect(refused.body.detail).toContain('content.accept: expected some of typed-values-differ, other-application')
    })
  })

  describe('beforehand', () => {
    const certificates = [sha256Of(signer.certificate)]
    const claim = { file: 'shop.apk', id: 'com.example.app', version: '1.1.0', architectures: [], certificates }
    const unseen = {
      name: 'shop.apk',
      architecture: 'any',
      format: 'apk',
      sha256: 'a'.repeat(64),
      sizeBytes: 7,
    } as const

    async function findingsFor(applications: object[], { accept, version = '1.1.0', file = unseen }: Asked = {}) {
      const content = { kind: 'binary', files: [file], ...(accept && { accept }) }
      const body = { platform: 'android', version, content, applications }
      const answer = await server.request('POST', `/manage/v1/apps/${slug}/releases/preflight`, { body })
      expect(answer.status).toBe(200)
      return (answer.body.findings as { check: string; severity: string }[]).map(
        (each) => `${each.severity} ${each.check}`,
      )
    }
    interface Asked {
      accept?: string[]
      version?: string
      file?: NewBinaryFile
    }

    test('all that would be refused is told of what a publisher has read, and accepted it is a warning', async () => {
      await publishApk({ version: '1.0.0', versionCode: 5 })
      expect(await findingsFor([{ ...claim, versionCode: 6 }])).toEqual([])
      const wrong = [{ ...claim, id: 'com.example.other', certificates: ['b'.repeat(64)], versionCode: 4 }]
      const names = ['typed-values-differ', 'other-application', 'other-certificate', 'lower-version-code']
      expect(await findingsFor(wrong, { version: '2.0.0' })).toEqual(names.map((name) => `error ${name}`))
      expect(await findingsFor(wrong, { accept: names, version: '2.0.0' })).toEqual(
        names.map((name) => `warning ${name}`),
      )
      expect(await findingsFor(wrong, { accept: ['everything'] })).toEqual(['error accept'])
      expect(await findingsFor([{ ...claim, file: 'another.apk', id: 'x' }])).toEqual([])
    })

    test('it is believed of nothing that is here, nor at the publish, and not kept', async () => {
      await publishApk({ version: '1.0.0', versionCode: 5 })
      const file = await uploaded(
        anApk({ signer, id: 'com.example.other', version: '1.1.0', versionCode: 6 }),
        'shop.apk',
      )
      expect(await findingsFor([{ ...claim, versionCode: 6 }], { file })).toEqual(['error other-application'])
      expect(problemOf(await publish([file], '1.1.0'))).toBe('422 content-opposed')
      expect(await findingsFor([])).toEqual([])
    })

    test.each([
      [{ ...claim, certificates: Array.from({ length: 33 }, () => 'a'.repeat(64)) }],
      [{ ...claim, id: 'x'.repeat(301) }],
      [{ ...claim, permissions: [] }],
    ])('what is too much is refused', async (application) => {
      const body = { platform: 'android', version: '1.1.0', applications: [application] }
      const answer = await server.request('POST', `/manage/v1/apps/${slug}/releases/preflight`, { body })
      expect(problemOf(answer)).toBe('400 invalid-request')
    })
  })

  test('another team of Apple, and not another certificate of the same', async () => {
    const ipa = async (version: string, teamId: string) =>
      publish([await uploaded(anIpa({ version, profile: { teamId } }), 'shop.ipa')], version, { platform: 'ios' })
    expect((await ipa('1.0.0', 'OURS')).status).toBe(201)
    expect((await ipa('1.1.0', 'OURS')).status).toBe(201)
    expect(problemOf(await ipa('1.2.0', 'THEIRS'))).toBe('422 content-opposed')
  })

  test('a file that cannot be read is refused when it comes, and nothing is kept of it', async () => {
    const bytes = anApk({ signer: null })
    const path = `/manage/v1/apps/${slug}/artifacts/${sha256Of(bytes)}`
    const headers = { 'content-type': 'application/octet-stream' }
    const refused = await server.request('PUT', `${path}?kind=binary&name=shop.apk`, { body: bytes, headers })
    expect(problemOf(refused)).toBe('422 invalid-binary')
    expect(refused.body.detail).toContain('"shop.apk": Expected an APK that somebody signed')
    expect((await server.request('GET', `${path}?kind=binary`)).status).toBe(404)
  })
})
