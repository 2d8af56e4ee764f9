import type { App, ReleasePreflight } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  dumpDecisions,
  newSigningKey,
  problemOf,
  sha256Of,
  signRelease,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'

describeOnEveryDatabase('the preflight', (openDatabase) => {
  let db: Database
  let server: TestServer
  let bundle: Buffer
  let app: App
  const key = newSigningKey()

  beforeAll(async () => {
    db = await openDatabase()
    const env = {
      HOTPATCH_MAX_BUNDLE_BYTES: '1000',
      HOTPATCH_MAX_UNPACKED_BYTES: '5000',
      HOTPATCH_MAX_BUNDLE_FILES: '9',
    }
    server = await startTestServer({ database: db, env })
    bundle = await bundleOf('one')
    app = await server.createTestApp()
    const content = { appId: app.id, platform: 'android', version: '1.0.0', sequence: 4, bundle } as const
    await server.published(app, { bundle, signatures: signRelease(key, content) })
  })
  afterAll(() => server.close())

  const ask = (changes: Record<string, unknown> = {}, of: App = app) =>
    server.request('POST', `/manage/v1/apps/${of.slug}/releases/preflight`, {
      body: { platform: 'android', version: '1.1.0', ...changes },
    })
  const answerOf = async (changes: Record<string, unknown> = {}, of: App = app) =>
    (await ask(changes, of)).body as ReleasePreflight

  test('says what the real publish would be told, and makes nothing', async () => {
    const before = await dumpDecisions(db)
    const answer = await answerOf({
      content: { kind: 'archive', sha256: sha256Of(bundle), sizeBytes: bundle.length },
      publicKey: key.publicKey,
    })
    expect(answer).toEqual({
      findings: [],
      nextSequence: 5,
      limits: { maxBytes: 1000, maxUnpackedBytes: 5000, maxFiles: 9 },
      isUploaded: true,
      existing: null,
      inForce: [{ rolloutId: expect.any(String), version: '1.0.0', state: 'active', percentage: 100 }],
      native: { devices: 0, telling: 0, newest: null },
    })
    expect((await answerOf({ content: { kind: 'archive', sha256: 'a'.repeat(64) } })).isUploaded).toBe(false)
    expect(await dumpDecisions(db)).toEqual(before)
  })

  test.each<[string, Record<string, unknown>, string, RegExp]>([
    ['an unknown channel', { channel: 'prodution' }, 'channel', /production.*"prodution"/],
    ['an unknown platform', { platform: 'web' }, 'platform', /web/],
    ['a version that is none', { version: 'abc' }, 'version', /1\.2\.0.*"abc"/],
    ['a version that is there', { version: '1.0.0' }, 'version', /published .* by owner/],
    ['a native range that nobody can read', { nativeRange: 'new' }, 'requirement', /range.*new/],
    [
      'a plan that shrinks',
      {
        plan: {
          steps: [
            { percentage: 5, bakeMinutes: 1 },
            { percentage: 2, bakeMinutes: 1 },
          ],
        },
      },
      'plan',
      /more than the 5 %/,
    ],
    ['a rule that cannot be read', { rules: [{ attribute: 'osVersion', range: '>>' }] }, 'rules', /range/],
    ['too many bytes', { content: { kind: 'archive', sizeBytes: 1001 } }, 'size', /1000 bytes.*1001/],
    ['too many bytes unpacked', { unpackedBytes: 5001 }, 'size', /5000 bytes unpacked.*5001/],
    ['too many files', { fileCount: 10 }, 'size', /9 files.*10/],
    ['endless notes', { notes: 'x'.repeat(10_001) }, 'notes', /10000 characters.*10001/],
    ['no signature', { publicKey: null }, 'signing', /signed/],
    ['an unknown key', { publicKey: newSigningKey().publicKey }, 'signing', /not registered/],
  ])('finds %s', async (_case, changes, check, text) => {
    const { findings } = await answerOf(changes)
    expect(findings).toMatchObject([{ check, severity: 'error', advice: expect.stringMatching(/\w/) }])
    expect(findings.map(({ expected, found }) => `${expected} | ${found}`).join()).toMatch(text)
  })

  test('finds everything at once', async () => {
    const { findings, nextSequence } = await answerOf({
      platform: 'web',
      channel: 'x',
      version: 'abc',
      content: { kind: 'archive', sizeBytes: 2000 },
    })
    expect(findings.map(({ check }) => check).sort()).toEqual(['channel', 'platform', 'size', 'version'])
    expect(nextSequence).toBeNull()
  })

  test('lets the very same go to a further channel, and says in what other content differs', async () => {
    const content = { kind: 'archive', sha256: sha256Of(bundle), sizeBytes: bundle.length }
    const same = { version: '1.0.0', channel: 'beta', content }
    expect(await answerOf(same)).toMatchObject({
      findings: [],
      existing: { channels: ['production'], published: null },
    })
    const { findings } = await answerOf({
      ...same,
      content: { ...content, sha256: 'a'.repeat(64) },
      minNativeVersion: '2.0',
    })
    expect(findings).toMatchObject([{ check: 'version', severity: 'error' }])
    expect(findings[0]?.found).toMatch(
      new RegExp(
        `by owner .*expected SHA-256 ${sha256Of(bundle)}, found SHA-256 a{64}.*minNativeVersion: expected none`,
      ),
    )
  })

  test('has what was published under the version', async () => {
    const { existing } = await answerOf({ version: '1.0.0' })
    expect(existing).toMatchObject({
      channels: ['production'],
      published: { version: '1.0.0', sequence: 4, content: { sha256: sha256Of(bundle) } },
      requirement: {},
      createdBy: 'owner',
      isArchived: false,
    })
  })

  test('knows what the new rollout would come on top of, down to the one that is for everybody', async () => {
    const own = await server.createTestApp()
    for (const [version, percentage] of Object.entries({ '1.0.0': 100, '1.1.0': 100, '1.2.0': 10, '1.3.0': 20 })) {
      await server.published(own, { bundle: await bundleOf(version), version, percentage })
    }
    const { inForce } = await answerOf({}, own)
    expect(inForce.map(({ version, percentage }) => [version, percentage])).toEqual([
      ['1.3.0', 20],
      ['1.2.0', 10],
      ['1.1.0', 100],
    ])
    expect((await answerOf({ platform: 'ios' }, own)).inForce).toEqual([])
  })

  test('knows the newest native version of the devices there', async () => {
    const own = await server.createTestApp()
    const natives = ['1.9.0', '1.10.0', 'no version', undefined]
    for (const [index, nativeVersion] of natives.entries()) {
      await server.check(own, { deviceId: `d-${index}`, nativeVersion, highestSequence: 0 })
    }
    await server.check(own, { deviceId: 'other', nativeVersion: '7.0', platform: 'ios', highestSequence: 0 })
    expect((await answerOf({}, own)).native).toEqual({ devices: 4, telling: 3, newest: '1.10.0' })
    expect((await answerOf({ platform: 'any' }, own)).native.newest).toBe('7.0')

    await server.check(own, { deviceId: 'contract-only', version: '9.0' })
    expect((await answerOf({}, own)).native).toEqual({ devices: 5, telling: 3, newest: '1.10.0' })
  })

  describe('is for those who may publish:', () => {
    test('a reader is refused', async () => {
      const token = await server.createToken({ role: 'reader' })
      const path = `/manage/v1/apps/${app.slug}/releases/preflight`
      const answer = await server.request('POST', path, { body: { platform: 'android', version: '1.1.0' }, token })
      expect(problemOf(answer)).toBe('403 forbidden')
    })

    test('what it cannot read at all is a mistake in the request', async () => {
      expect(problemOf(await ask({ colour: 'red' }))).toBe('400 invalid-request')
    })
  })
})
