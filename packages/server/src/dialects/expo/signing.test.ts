import { createVerify } from 'node:crypto'
import {
  convertCertificateToCertificatePEM,
  generateCSR,
  generateDevelopmentCertificateFromCSR,
  generateKeyPair,
  generateSelfSignedCodeSigningCertificate,
  signBufferRSASHA256AndVerify,
} from '@expo/code-signing-certificates'
import { parseMultipartMixedResponseAsync } from '@expo/multipart-body-parser'
import type { App } from '@hotpatch/api'
import {
  expoManifestOf,
  expoUpdateId,
  expoUpdateOf,
  readExpoExport,
  writeExpoDirective,
  writeExpoManifest,
  writeExpoTime,
} from '@hotpatch/protocol'
import {
  describeOnEveryDatabase,
  filesManifestOf,
  fixedClock,
  problemOf,
  publishFiles,
  sha256Of,
  startTestServer,
  uploadFiles,
  type TestResponse,
  type TestServer,
} from '@hotpatch/testkit'
import { parseDictionary } from 'structured-headers'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { exportOf } from '@hotpatch/testkit/expo'

const EMBEDDED = 'f47ac10b-58cc-4372-a567-0e02b2c3d479'
// Certificates that are issued by others begin now.
const clock = fixedClock(new Date().toISOString())
const DAY = 86_400_000

/** As `npx expo-updates codesigning:generate` makes them, by the same functions. */
function newCertificate(days: { from: number; to: number } = { from: -1, to: 3_650 }) {
  const keyPair = generateKeyPair()
  const certificate = generateSelfSignedCodeSigningCertificate({
    keyPair,
    validityNotBefore: new Date(clock.now() + days.from * DAY),
    validityNotAfter: new Date(clock.now() + days.to * DAY),
    commonName: 'Demo',
  })
  const sign = (body: string) => signBufferRSASHA256AndVerify(keyPair.privateKey, certificate, Buffer.from(body))
  return { keyPair, certificate, pem: convertCertificateToCertificatePEM(certificate), sign }
}

const OWN = newCertificate()

/** The same, made again without what it says that its key is for. */
function withoutKeyUsage({ keyPair, certificate, sign }: typeof OWN): typeof OWN {
  certificate.setExtensions(certificate.extensions.filter(({ name }: { name: string }) => name !== 'keyUsage'))
  certificate.sign(keyPair.privateKey)
  return { keyPair, certificate, pem: convertCertificateToCertificatePEM(certificate), sign }
}

describeOnEveryDatabase('answers that their publisher has signed', (openDatabase) => {
  let server: TestServer
  let app: App
  beforeAll(async () => {
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0', HOTPATCH_PUBLIC_URL: 'https://updates.example.com' }
    server = await startTestServer({ database: await openDatabase(), clock, env })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp({ checkAccess: 'open' })
    clock.advance(3_600_000)
  })

  const filesOf = (version: string) =>
    exportOf({ bundle: `bundle ${version}`, assets: [{ ext: 'png', bytes: 'logo' }] })
  const publish = (version: string) =>
    publishFiles(server, app, { files: filesOf(version), platform: 'android', runtimeVersion: '1', version })

  /** As a publisher's tool makes it from what it has published. */
  function manifestOf(
    version: string,
    at: number,
    changes: { assetsUrl?: string; runtimeVersion?: string } = {},
  ): string {
    const files = filesOf(version)
    const exported = readExpoExport(files['metadata.json'] ?? '')
    if (!exported) throw new Error('No export.')
    const listed = Object.entries(files).map(([path, text]) => ({ path, sha256: sha256Of(Buffer.from(text)) }))
    const { assetsUrl = `https://updates.example.com/expo/${app.slug}/assets`, runtimeVersion = '1' } = changes
    const config = JSON.parse(files['expo-config.json'] ?? '')
    const update = expoUpdateOf(exported, listed, { sha256: sha256Of(filesManifestOf(files)), runtimeVersion, config })
    return writeExpoManifest(expoManifestOf(update, { at, place: '', assetsUrl }))
  }
  const rollBackAt = (at: number) =>
    writeExpoDirective({ type: 'rollBackToEmbedded', parameters: { commitTime: writeExpoTime(at) } })

  const send = (
    bodies: readonly string[],
    { by = OWN, ...changes }: { by?: typeof OWN; [more: string]: unknown } = {},
  ) =>
    server.request('POST', `/manage/v1/apps/${app.slug}/signed-answers`, {
      body: {
        platform: 'android',
        keyId: 'main',
        certificate: by.pem,
        answers: bodies.map((body) => ({ body, signature: by.sign(body) })),
        ...changes,
      },
    })
  const told = {
    accept: 'multipart/mixed,application/expo+json,application/json',
    'expo-platform': 'android',
    'expo-protocol-version': '1',
    'expo-runtime-version': '1',
    'eas-client-id': '0b0c0d0e-0000-4000-8000-00000000000a',
    'expo-embedded-update-id': EMBEDDED,
    'expo-current-update-id': EMBEDDED,
    'expo-expect-signature': 'sig, keyid="main", alg="rsa-v1_5-sha256"',
  }
  const check = (headers: Record<string, string> = {}) =>
    server.request('GET', `/expo/${app.slug}/manifest`, { token: null, headers: { ...told, ...headers } })
  const reason = async () => {
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices/${told['eas-client-id']}`)
    return body.lastReason
  }

  /** Read by Expo's own parsers, verified against Expo's own certificate. */
  async function verified(answer: TestResponse, by = OWN) {
    const parts = await parseMultipartMixedResponseAsync(
      String(answer.headers['content-type']),
      Buffer.from(answer.body),
    )
    const [first, ...others] = parts
    if (!first) throw new Error('No part.')
    const fields = parseDictionary(String(first.headers.get('expo-signature')))
    const valueOf = (name: string) => String(fields.get(name)?.[0])
    expect([valueOf('keyid'), valueOf('alg')]).toEqual(['main', 'rsa-v1_5-sha256'])
    const isRight = createVerify('RSA-SHA256').update(first.body).verify(by.pem, valueOf('sig'), 'base64')
    expect(isRight).toBe(true)
    return { name: first.name, ...JSON.parse(first.body), others }
  }

  test('are all that a client gets that takes no others', async () => {
    await publish('1.1.0')
    expect(await check()).toMatchObject({ status: 204 })
    expect(await reason()).toBe('answer-not-signed')
    const unsigned = await check({ 'expo-expect-signature': '' })
    expect(unsigned.status).toBe(200)
    expect(unsigned.body).not.toContain('expo-signature')
    const explained = await server.request(
      'GET',
      `/manage/v1/apps/${app.slug}/devices/${told['eas-client-id']}/explain`,
    )
    expect(explained.status).toBe(200)

    const at = clock.now()
    const sent = await send([manifestOf('1.1.0', at)])
    expect([sent.status, sent.body.items]).toEqual([
      200,
      [
        {
          id: expect.any(String),
          platform: 'android',
          keyId: 'main',
          says: 'update',
          sha256: sha256Of(filesManifestOf(filesOf('1.1.0'))),
          runtimeVersion: '1',
          answeredAt: new Date(at).toISOString(),
        },
      ],
    ])
    const manifest = await verified(await check())
    expect(manifest.id).toBe(expoUpdateId(sha256Of(filesManifestOf(filesOf('1.1.0'))), at, ''))
    expect(await check({ 'expo-current-update-id': manifest.id })).toMatchObject({ status: 204 })
    // Another key is another matter.
    expect(await check({ 'expo-expect-signature': 'sig, keyid="other"' })).toMatchObject({ status: 204 })
    expect(await reason()).toBe('answer-not-signed')
    // In version 0, the header of the answer has it.
    const old = await check({ 'expo-protocol-version': '0' })
    expect(old.headers['expo-signature']).toMatch(/^sig="[A-Za-z0-9+/=]+", keyid="main", alg="rsa-v1_5-sha256"$/)
    expect(await send([manifestOf('1.1.0', at)])).toMatchObject({ status: 200 })
  })

  test('lead back as far as they were signed for, and then want to be signed again', async () => {
    await publish('1.1.0')
    const first = clock.now()
    await send([manifestOf('1.1.0', first)])
    const one = await verified(await check())
    clock.advance(60_000)
    const { releaseId } = await publish('1.2.0')
    const at = clock.now()
    await send([manifestOf('1.2.0', at), manifestOf('1.1.0', at + 1), rollBackAt(at + 2)])
    const two = await verified(await check({ 'expo-current-update-id': one.id }))
    expect(two.createdAt).toBe(writeExpoTime(at))

    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts`)
    const rollout = body.items.find((each: { releaseId: string }) => each.releaseId === releaseId)
    await server.request('POST', `/manage/v1/rollouts/${rollout.id}/halt`)
    const again = await verified(await check({ 'expo-current-update-id': two.id }))
    expect([again.createdAt, again.launchAsset]).toEqual([writeExpoTime(at + 1), one.launchAsset])

    const back = await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, {
      body: { platform: 'android', channel: 'production', to: 'embedded' },
    })
    const directive = await verified(await check({ 'expo-current-update-id': again.id }))
    expect([directive.name, directive.parameters]).toEqual(['directive', { commitTime: writeExpoTime(at + 2) }])

    await server.request('POST', `/manage/v1/rollouts/${back.body.id}/withdraw`)
    const sentBack = { 'hotpatch-sent-back-at': writeExpoTime(at + 2) }
    expect(await check(sentBack)).toMatchObject({ status: 204 })
    expect(await reason()).toBe('answer-not-signed')
    clock.advance(1_000)
    await send([manifestOf('1.1.0', clock.now())])
    expect((await verified(await check(sentBack))).createdAt).toBe(writeExpoTime(clock.now()))
  })

  test('are there before the release, so that no client waits for them', async () => {
    const files = filesOf('1.1.0')
    await uploadFiles(server, app, files)
    const at = clock.now()
    expect(await send([manifestOf('1.1.0', at)])).toMatchObject({ status: 200 })
    expect(await check()).toMatchObject({ status: 204 })
    await publish('1.1.0')
    expect((await verified(await check())).createdAt).toBe(writeExpoTime(at))
    // Another app has sent none of this.
    const other = await server.createTestApp({ checkAccess: 'open' })
    const url = `/manage/v1/apps/${other.slug}/signed-answers`
    const body = manifestOf('1.1.0', at)
    const answers = [{ body, signature: OWN.sign(body) }]
    const sent = await server.request('POST', url, {
      body: { platform: 'android', keyId: 'main', certificate: OWN.pem, answers },
    })
    expect(problemOf(sent)).toBe('404 artifact-not-found')
  })

  test('are of one runtime version, whichever releases have the content', async () => {
    await publish('1.1.0')
    const files = filesOf('1.1.0')
    await publishFiles(server, app, { files, platform: 'android', runtimeVersion: '2', version: '1.1.0+2' })
    const at = clock.now()
    await send([manifestOf('1.1.0', at)])
    expect((await verified(await check())).runtimeVersion).toBe('1')
    expect(await check({ 'expo-runtime-version': '2' })).toMatchObject({ status: 204 })
    await send([manifestOf('1.1.0', at, { runtimeVersion: '2' })])
    expect((await verified(await check({ 'expo-runtime-version': '2' }))).runtimeVersion).toBe('2')
    const url = `/manage/v1/apps/${app.slug}/signed-answers`
    const sha256 = sha256Of(filesManifestOf(files))
    const listed = await server.request('GET', `${url}?platform=android&sha256=${sha256}`)
    expect(listed.body.items.map((item: { runtimeVersion: string }) => item.runtimeVersion)).toEqual(['2', '1'])
    const [{ id }] = listed.body.items
    const body = manifestOf('1.1.0', at, { runtimeVersion: '2' })
    const shown = await server.request('GET', `${url}/${id}`)
    expect(shown.body).toMatchObject({ body, signature: OWN.sign(body) })
    expect((await server.request('GET', `${url}?platform=ios`)).body).toEqual({ items: [] })
    expect(problemOf(await server.request('GET', `${url}/${app.id}`))).toBe('404 not-found')
  })

  test('are older than a binary that was built later, which is said', async () => {
    await publish('1.1.0')
    await send([manifestOf('1.1.0', clock.now())])
    await verified(await check())
    const explained = async () => {
      const url = `/manage/v1/apps/${app.slug}/devices/${told['eas-client-id']}/explain`
      return (await server.request('GET', url)).body.notices
    }
    expect(await explained()).toEqual([])
    const launch = sha256Of(Buffer.from('bundle 1.1.0'))
    const builtAt = new Date(clock.now() + 60_000).toISOString()
    const embedded = { platform: 'android', id: EMBEDDED, builtAt, sha256: launch, sizeBytes: 12 }
    const url = `/manage/v1/apps/${app.slug}/embedded-updates`
    const added = await server.request('POST', url, { body: embedded })
    expect([added.status, added.body]).toMatchObject([200, { ...embedded, runtimeVersion: null }])
    expect(await explained()).toMatchObject([{ kind: 'older-than-embedded' }])
    expect((await server.request('GET', `${url}/android/${EMBEDDED}`)).body).toEqual(added.body)
    const missing = await server.request('POST', url, { body: { ...embedded, sha256: '0'.repeat(64) } })
    expect(problemOf(missing)).toMatch(/artifact-missing$/)
    const anonymous = await server.request('POST', url, { body: embedded, token: null })
    expect(anonymous.status).toBe(401)
  })

  test('are sent on when their certificate has expired, which no client takes, and which is said', async () => {
    await publish('1.1.0')
    const short = newCertificate({ from: -1, to: 1 })
    const at = clock.now()
    expect(await send([manifestOf('1.1.0', at)], { by: short })).toMatchObject({ status: 200 })
    const url = `/manage/v1/apps/${app.slug}/devices/${told['eas-client-id']}/explain`
    const notices = async () => (await server.request('GET', url)).body.notices
    await verified(await check(), short)
    expect(await notices()).toEqual([])
    clock.advance(2 * DAY)
    await verified(await check(), short)
    expect(await notices()).toEqual([
      {
        kind: 'certificate-expired',
        explanation: expect.stringMatching(/"main".* expired .*Make a new certificate with another key id/),
      },
    ])
    // What is signed later is of a certificate that is still good.
    expect(problemOf(await send([manifestOf('1.1.0', at + 1)], { by: short }))).toBe('400 invalid-request')
  })

  test('are of one key for each id, as clients tell them apart by it', async () => {
    await publish('1.1.0')
    const at = clock.now()
    await send([manifestOf('1.1.0', at)])
    const other = newCertificate()
    const refused = await send([manifestOf('1.1.0', at + 1)], { by: other })
    expect([refused.status, refused.body.detail]).toEqual([400, expect.stringContaining('id of another key')])
    expect(await send([manifestOf('1.1.0', at + 1)], { by: other, keyId: 'next' })).toMatchObject({ status: 200 })
  })

  test('come with the certificates between theirs and the one in the app', async () => {
    await publish('1.1.0')
    const keyPair = generateKeyPair()
    const leaf = generateDevelopmentCertificateFromCSR(
      OWN.keyPair.privateKey,
      OWN.certificate,
      generateCSR(keyPair, 'Leaf'),
      EMBEDDED,
      '@demo/demo',
    )
    const pem = convertCertificateToCertificatePEM(leaf)
    const sign = (body: string) => signBufferRSASHA256AndVerify(keyPair.privateKey, leaf, Buffer.from(body))
    const by = { keyPair, certificate: leaf, pem, sign }
    const sent = await send([manifestOf('1.1.0', clock.now())], { by, chain: pem })
    expect([sent.status, sent.body.detail]).toEqual([200, undefined])
    const { others } = await verified(await check(), by)
    expect(others.map(({ name, body }: { name: string; body: string }) => [name, body.trim()])).toEqual([
      ['certificate_chain', pem.replaceAll('\r\n', '\n').trim()],
    ])
  })

  test('are taken only as the server would have said them, by a certificate that clients take', async () => {
    await publish('1.1.0')
    const at = clock.now()
    const good = manifestOf('1.1.0', at)
    const signature = OWN.sign(good)
    expect(problemOf(await send([], { answers: [{ body: `${good} `, signature }] }))).toBe('422 signature-invalid')
    expect(problemOf(await send([], { answers: [{ body: good, signature: newCertificate().sign(good) }] }))).toBe(
      '422 signature-invalid',
    )
    const refusalOf = async (body: string, changes = {}) => {
      const answer = await send([body], changes)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      return answer.body.detail
    }
    expect(await refusalOf(`${good} `)).toMatch(/answers\/0\/body: expected what the export has/)
    expect(await refusalOf(good.replace('"image/png"', '"image/gif"'))).toMatch(/image\/png.*image\/gif/)
    expect(await refusalOf(manifestOf('1.1.0', at, { assetsUrl: 'https://elsewhere.example.com/assets' }))).toMatch(
      /addresses of \/expo\//,
    )
    expect(await refusalOf(manifestOf('1.1.0', at + 2 * DAY))).toMatch(/expected a time of about now/)
    expect(await refusalOf(manifestOf('1.2.0', at))).toMatch(/no export of Expo's/)
    expect(await refusalOf(good.replace(/"createdAt":"[^"]*"/, `"createdAt":"${writeExpoTime(at + 1)}"`))).toMatch(
      /an id of this server for the time in createdAt/,
    )
    expect(await refusalOf('{"type":"reload"}')).toMatch(/noUpdateAvailable/)
    expect(await refusalOf('<html>')).toMatch(/JSON/)
    expect(await refusalOf(good, { by: newCertificate({ from: -10, to: -1 }) })).toMatch(/valid now/)
    const forNothing = newCertificate()
    const signedByIt = forNothing.sign(good)
    expect(
      await refusalOf(good, {
        certificate: withoutKeyUsage(forNothing).pem,
        answers: [{ body: good, signature: signedByIt }],
      }),
    ).toMatch(/certificate: expected the key usage digital signature.*found one without it/)
    expect(await refusalOf(good, { certificate: 'PEM' })).toMatch(/X.509/)
    expect(await refusalOf(good, { chain: newCertificate().pem })).toMatch(/begin with the certificate itself/)
    expect(await check()).toMatchObject({ status: 204 })
    const listed = await server.request('GET', `/manage/v1/apps/${app.slug}/signed-answers`)
    expect(listed.body).toEqual({ items: [] })
  })
})
