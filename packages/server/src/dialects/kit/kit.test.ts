import type { App } from '@hotpatch/api'
import {
  describeOnEveryDatabase,
  fixedClock,
  kitContentOf,
  newMinisignKey,
  newSigningKey,
  problemOf,
  publishKit,
  sha256Of,
  signKit,
  startTestServer,
  uploadKit,
  type PublishedKit,
  type TestComponent,
  type TestComponents,
  type TestServer,
  type TestSigningKey,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

describeOnEveryDatabase('kits', (openDatabase) => {
  const clock = fixedClock()
  let server: TestServer
  let app: App
  let key: TestSigningKey

  beforeAll(async () => {
    const env = { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' }
    server = await startTestServer({ database: await openDatabase(), clock, env })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp({ platforms: ['linux', 'macos'] })
    await server.request('POST', `${at()}/channels`, { body: { name: 'stable' } })
    key = newSigningKey()
  })

  const at = () => `/manage/v1/apps/${app.slug}`
  const components = (version: string) => ({
    web: { bytes: `web ${version}` },
    gateway: {
      bytes: `gateway ${version}`,
      probe: { type: 'service' as const, attempts: 1, intervalMs: 0, timeoutMs: 1 },
    },
  })
  const publish = (releaseId: string, sequence: number, metadata = {}, more = {}) =>
    publishKit(server, app, {
      key,
      sequence,
      metadata,
      components: components(releaseId),
      release: { releaseId, ...more },
    })
  const ask = (headers: Record<string, string> = {}, file = 'latest.json', channel = 'stable') =>
    server.request('GET', `/personal-kit/${channel}/${file}`, {
      token: null,
      headers: { 'x-app-key': app.appKey, ...headers },
    })
  const asInstallation = (id: string, installed?: string, more: Record<string, string> = {}) => ({
    'x-install-id': id,
    'x-kit-platform': 'linux',
    'x-kit-architecture': 'x64',
    'x-installer-version': '1.4.0',
    ...(installed !== undefined && { 'x-kit-release': installed }),
    ...more,
  })
  /** What left the server: of JSON, which no number and no key makes ambiguous here, the same text again. */
  const textOf = ({ body }: { body: unknown }) => (typeof body === 'string' ? body : JSON.stringify(body))
  const said = ({ headers }: { headers: object }) => {
    const named = headers as Record<string, string>
    return { release: named['kit-release'], reason: named['kit-reason'], mandatory: named['kit-mandatory'] }
  }
  const report = (deviceId: string, events: object[]) =>
    server.request('POST', '/events', {
      token: null,
      headers: { 'x-app-key': app.appKey },
      body: { deviceId, platform: 'linux', channel: 'stable', events },
    })

  test('are published as what is signed alone, with every file there, and saying the same', async () => {
    const content = kitContentOf(components('1'), { releaseId: '1', minInstallerVersion: '1.4' })
    const named = await uploadKit(server, app, components('1'), content)
    const { text: _, ...signed } = signKit(key, content, { appId: app.id, sequence: 1 })
    const metadata = { platform: 'any', version: '1', channel: 'stable', minNativeVersion: '1.4', content: named }
    const send = async (changes: object, signatures: object = signed) =>
      problemOf(
        await server.request('POST', `${at()}/releases`, {
          body: { metadata: { ...metadata, ...changes }, ...signatures },
        }),
      )
    expect(await send({}, {})).toBe('422 signature-required')
    expect(await send({ platform: 'linux' })).toBe('422 content-unfit')
    expect(await send({ version: '2' })).toBe('422 content-unfit')
    expect(await send({ minNativeVersion: '1.5' })).toBe('422 statement-invalid')
    const { text: __, ...ofOther } = signKit(
      key,
      kitContentOf(components('2'), { releaseId: '1', minInstallerVersion: '1.4' }),
      {
        appId: app.id,
        sequence: 1,
      },
    )
    expect(await send({}, ofOther)).toBe('422 statement-invalid')
    const told = await server.request('POST', `${at()}/releases`, { body: { metadata, ...ofOther } })
    const [digest, other] = ['web 1', 'web 2'].map((bytes) => `"sha256:${sha256Of(Buffer.from(bytes))}"`)
    const field = '/components/web/artifact_digest'
    expect(told.body).toMatchObject({ field, detail: `${field}: expected ${digest}, found ${other}.` })
    const { text: ___, ...ofStranger } = signKit(newSigningKey(), content, { appId: app.id, sequence: 1 })
    expect(await send({}, { ...ofStranger, publicKey: key.publicKey })).toBe('422 signature-invalid')
    const unsent = kitContentOf({ gateway: { bytes: 'never sent' } }, { releaseId: '3' })
    await expect(uploadKit(server, app, {}, unsent)).rejects.toThrow(/artifact-missing|not taken/)
    const published = await server.request('POST', `${at()}/releases`, { body: { metadata, ...signed } })
    expect(published.status).toBe(201)

    const { body: shown } = await server.request('GET', `/manage/v1/releases/${published.body.releaseId}`)
    expect(shown.content).toMatchObject({
      ...named,
      channel: 'stable',
      severity: 'informational',
      minInstallerVersion: '1.4',
      allowsPartial: false,
      components: [
        { id: 'web', kind: 'binary', version: '1', files: [{ sha256: sha256Of(Buffer.from('web 1')), sizeBytes: 5 }] },
        { id: 'gateway', probe: { type: 'service' } },
      ],
    })
    for (const { files } of shown.content.components) {
      const { pathname } = new URL(files[0].downloadUrl as string)
      expect((await server.request('GET', pathname, { token: null })).status).toBe(200)
    }
    const { body: entries } = await server.request('GET', `/manage/v1/releases/${published.body.releaseId}/entries`)
    expect(entries.items.map(({ path }: { path: string }) => path)).toEqual(['gateway/any-any', 'web/any-any'])
  })

  test('are served as the exact bytes that were signed, with what signs them, also to who runs them', async () => {
    const first = await publish('2026.06.01', 1)
    const feed = await ask()
    expect([feed.status, textOf(feed)]).toEqual([200, first.statement])
    expect(feed.headers).toMatchObject({ 'kit-release': '2026.06.01', 'kit-rollout': first.rolloutId })
    expect(feed.headers['cache-control']).toBe('no-cache')
    const file = await ask({}, 'latest.json.sig')
    const [signature] = file.body.signatures
    expect(feed.headers['kit-signature']).toBe(`ed25519;keyid="${signature.keyId}";sig="${signature.value}"`)

    const offered = await ask(asInstallation('home-1', 'unknown'))
    expect([textOf(offered), said(offered)]).toEqual([
      first.statement,
      { release: '2026.06.01', reason: 'percentage', mandatory: 'false' },
    ])
    const running = await ask(asInstallation('home-1', '2026.06.01'))
    expect([textOf(running), said(running).reason]).toEqual([first.statement, 'runs-the-target'])
    expect(running.headers['cache-control']).toBe('no-store')

    const { etag = '' } = running.headers as Record<string, string>
    expect(etag).toBe(`"${sha256Of(Buffer.from(first.statement))}"`)
    const unchanged = await ask(asInstallation('home-1', '2026.06.01', { 'if-none-match': `"x", W/${etag}` }))
    expect([unchanged.status, textOf(unchanged), said(unchanged).reason]).toEqual([304, '', 'runs-the-target'])
    expect((await ask({ 'if-none-match': etag.replace('"', '"0') })).status).toBe(200)

    const { body: device } = await server.request('GET', `${at()}/devices/home-1`)
    expect(device).toMatchObject({
      platform: 'linux',
      dialect: 'kit',
      nativeVersion: '1.4.0',
      currentVersion: '2026.06.01',
    })
  })

  test('say what is new in the words of their manifest, unless the publish has its own', async () => {
    const notesOf = async ({ releaseId }: PublishedKit) =>
      (await server.request('GET', `/manage/v1/releases/${releaseId}`)).body.notes
    const notes = 'Fixes **all** of it.'
    const silent = await publish('1', 1, {}, { notes })
    expect(await notesOf(silent)).toBe(notes)
    expect(await notesOf(await publish('2', 2, { notes: 'Read the guide.' }, { notes }))).toBe('Read the guide.')
    expect(await notesOf(await publish('3', 3, { notes: '' }, { notes }))).toBe('')
    expect(await notesOf(await publish('4', 4))).toBe('')
    // The same publish on a further channel says nothing new of it either.
    const elsewhere = await publish('1', 5, {}, { notes, channel: 'beta' })
    expect([elsewhere.releaseId, await notesOf(elsewhere)]).toEqual([silent.releaseId, notes])
  })

  test('reach a share of the installations, none whose installer is too old, and say why', async () => {
    await publish('1', 1)
    await publish('2', 2, { percentage: 30 }, { minInstallerVersion: '1.4' })
    const releases = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => said(await ask(asInstallation(`home-${index}`))).release),
    )
    expect(new Set(releases)).toEqual(new Set(['1', '2']))
    await publish('3', 3, {}, { minInstallerVersion: '1.5' })
    const older = await ask(asInstallation('home-1', '1'))
    expect([older.status, older.headers['kit-min-installer-version']]).toEqual([200, '1.5'])
    const { body } = await server.request('GET', `${at()}/devices/home-1/explain`)
    expect(body.decision).toMatchObject({ minNativeVersion: '1.5' })

    const nothing = await ask(asInstallation('home-1'), 'latest.json', 'beta')
    expect([nothing.status, nothing.body.code]).toEqual([404, 'nothing-published'])
    await publish('4', 4, {}, { minInstallerVersion: '2', channel: 'beta' })
    const required = await ask(asInstallation('home-1'), 'latest.json', 'beta')
    expect([required.status, required.body.code]).toEqual([404, 'native-too-old'])
    expect(required.headers['kit-min-installer-version']).toBe('2')
    expect(problemCode(await ask({}, 'latest.json', 'nowhere'))).toBe('404 channel-not-found')
    expect(problemCode(await ask(asInstallation('x', undefined, { 'x-kit-platform': 'toaster' })))).toBe(
      '400 invalid-request',
    )
    expect(problemCode(await ask(asInstallation('x', undefined, { 'x-kit-platform': 'windows' })))).toBe(
      '404 platform-not-found',
    )
  })

  const problemCode = ({ status, body }: { status: number; body: { code: string } }) => `${status} ${body.code}`

  test('go back by a statement of the same content under a higher sequence, which minisign signs by itself', async () => {
    const minisign = newMinisignKey()
    const added = await server.request('POST', `${at()}/keys`, {
      body: { algorithm: 'minisign', publicKey: minisign.line },
    })
    const sign = (releaseId: string, text: string, subject?: string) =>
      server.request('POST', `${at()}/releases/${releaseId}/signatures`, {
        body: {
          scheme: 'minisign',
          keyId: added.body.id,
          signatures: [{ ...(subject !== undefined && { subject }), value: minisign.signFile(Buffer.from(text)) }],
        },
      })
    const first = await publish('1', 1)
    const second = await publish('2', 2)
    expect((await sign(first.releaseId, first.statement)).status).toBe(200)
    expect(problemOf(await sign(second.releaseId, first.statement))).toBe('422 signature-invalid')
    const component = sha256Of(Buffer.from('gateway 2'))
    expect(problemOf(await sign(second.releaseId, 'gateway 2', component))).toBe('400 invalid-request')
    expect((await ask({}, 'latest.json.minisig')).body.code).toBe('not-signed')

    const restated = signKit(key, first.signedContent, { appId: app.id, sequence: 3 })
    const { statement, statementSignature } = restated
    const body = { platform: 'any', channel: 'stable', to: { version: '1' }, statement, statementSignature }
    const rolledBack = await server.request('POST', `${at()}/rollbacks`, { body })
    expect([rolledBack.status, rolledBack.body.sequence]).toEqual([201, 3])

    const seen = { 'x-kit-sequence': '2', 'x-kit-floor': '0' }
    const back = await ask(asInstallation('home-1', '2', seen))
    expect([textOf(back), said(back).release]).toEqual([restated.text, '1'])
    // The first signature is over another text.
    expect(back.headers['kit-signature']).not.toContain('minisign')
    expect((await ask({}, 'latest.json.minisig')).status).toBe(404)
    const subject = sha256Of(Buffer.from(restated.text))
    expect((await sign(first.releaseId, restated.text, subject)).status).toBe(200)
    const signed = await ask(asInstallation('home-1', '1', { 'x-kit-sequence': '3' }))
    expect([textOf(signed), said(signed).reason]).toEqual([restated.text, 'runs-the-target'])
    const [, inHeader = ''] = /minisign;sig="([^"]+)"/.exec(String(signed.headers['kit-signature'])) ?? []
    const asFile = await ask({}, 'latest.json.minisig')
    expect(textOf(asFile)).toBe(Buffer.from(inHeader, 'base64').toString())
    expect(textOf(asFile)).toContain('trusted comment:')
    expect(asFile.headers['content-type']).toBe('text/plain; charset=utf-8')
  })

  test('are not offered below what an installation has seen', async () => {
    const first = await publish('1', 1)
    await publish('2', 2, { percentage: 0 })
    const kept = await ask(asInstallation('home-1', '2', { 'x-kit-sequence': '2' }))
    expect(textOf(kept)).not.toBe(first.statement)
    const other = await ask(asInstallation('home-2', 'other', { 'x-kit-sequence': '2' }))
    expect([other.status, other.body.code]).toEqual([404, 'below-high-water'])
    const floored = await ask(asInstallation('home-3', 'other', { 'x-kit-sequence': '1', 'x-kit-floor': '2' }))
    expect([floored.status, floored.body.code]).toEqual([404, 'below-device-floor'])
    const { body } = await server.request('GET', `${at()}/devices/home-2/explain`)
    expect(body.decision).toMatchObject({
      reason: 'below-high-water',
      explanation: 'The device has confirmed sequence 2 already, and refuses lower ones: 1 is signed as 1.',
      waysOut: [
        'State it again, under the next sequence: hotpatch rollback --version 1 --platform any --channel stable',
      ],
    })
    expect((await ask(asInstallation('home-4', 'other', { 'x-kit-sequence': '1' }))).status).toBe(200)
  })

  test('are not offered to a machine for which a component has no file, and it is said which', async () => {
    const of = (releaseId: string, machines: NonNullable<TestComponent['machines']>, more: TestComponent = {}) => ({
      web: { bytes: `web ${releaseId}` },
      gateway: { bytes: `gateway ${releaseId}`, machines, ...more },
    })
    const onLinux = (architecture: string) => ({ platform: 'linux', architecture }) as const
    const next = (releaseId: string, sequence: number, parts: TestComponents, more = {}) =>
      publishKit(server, app, { key, sequence, components: parts, release: { releaseId, ...more } })
    const machine = (id: string, architecture?: string, platform = 'linux') =>
      asInstallation(id, '0', { 'x-kit-platform': platform, 'x-kit-architecture': architecture ?? '' })
    const gets = async (...of: Parameters<typeof machine>) => said(await ask(machine(...of))).release

    await next('1', 1, of('1', [onLinux('x86_64')]))
    const lacking = await ask(machine('arm', 'arm64'))
    expect([lacking.status, lacking.body.code]).toEqual([404, 'form-not-taken'])
    expect([await gets('intel', 'x86_64'), await gets('node', 'x64'), await gets('silent')]).toEqual(['1', '1', '1'])
    expect((await ask(machine('mac', 'arm64', 'macos'))).body.code).toBe('form-not-taken')

    const { body: explained } = await server.request('GET', `${at()}/devices/arm/explain?release=1`)
    const why =
      '1 has no file of its component gateway for arm64, only for x86_64, and it is applied as a whole or not at all.'
    expect(explained.decision).toMatchObject({ reason: 'form-not-taken', explanation: why })
    expect(explained.decision.waysOut).toEqual([
      'Publish it under a new release id with a file of gateway for linux and arm64, or with that component as "optional": hotpatch kit publish.',
    ])
    expect(explained.towards.changes).toEqual(explained.decision.waysOut)
    const { body: ofMac } = await server.request('GET', `${at()}/devices/mac/explain`)
    expect(ofMac.decision.explanation).toContain('no file of its component gateway for this platform')

    // What is above is passed over, and what is below is taken.
    await next('2', 2, of('2', [onLinux('x86_64'), onLinux('arm64')]))
    await next('3', 3, of('3', [onLinux('x86_64')]))
    expect([await gets('arm', 'arm64'), await gets('intel', 'x86_64')]).toEqual(['2', '3'])
    // Who may do without the component takes the rest, and who has the release keeps it.
    await next('4', 4, of('4', [onLinux('x86_64')], { isOptional: true }))
    expect(await gets('arm', 'arm64')).toBe('4')
    await next('5', 5, of('5', [onLinux('x86_64')]), { allowsPartial: true })
    expect([await gets('arm', 'arm64'), await gets('mac', 'arm64', 'macos')]).toEqual(['5', '5'])
    await next('6', 6, of('6', [onLinux('x86_64')]))
    const holder = { ...machine('holder', 'arm64'), 'x-kit-release': '6' }
    expect(said(await ask(holder))).toMatchObject({ release: '6', reason: 'runs-the-target' })
  })

  test('are counted by what installations tell of the whole, and component by component beside it', async () => {
    const published: PublishedKit = await publish('2', 1)
    const failed = 'gateway'
    for (const id of ['home-1', 'home-2']) {
      await ask(asInstallation(id, '1'))
      const of = (component: string, kind: string, more = {}) => ({
        id: `${id}-${component}-${kind}`,
        kind,
        component,
        version: '2',
        ...more,
      })
      const events = [
        ...['web', 'gateway'].flatMap((each) => [of(each, 'planned'), of(each, 'downloaded', { receivedBytes: 100 })]),
        of('web', 'applied'),
        of('web', 'probed'),
        of(failed, 'applied'),
        of('nobodys', 'applied'),
        of(failed, 'failed', { code: 'probe-failed' }),
        of(failed, 'rolled-back'),
        of('web', 'rolled-back'),
      ]
      for (let times = 0; times < 2; times++) expect((await report(id, events)).body.rejected).toEqual([])
    }
    const { body } = await server.request('GET', `/manage/v1/rollouts/${published.rolloutId}/components`)
    const none = { planned: 2, downloaded: 2, applied: 2, confirmed: 0, rolledBack: 2 }
    expect(body).toEqual({
      rolloutId: published.rolloutId,
      releaseId: published.releaseId,
      version: '2',
      eventsNotKept: 0,
      components: [
        { id: 'web', kind: 'binary', version: '2', ...none, probed: 2, failed: 0, codes: [] },
        {
          id: 'gateway',
          kind: 'binary',
          version: '2',
          ...none,
          probed: 0,
          failed: 2,
          codes: [{ code: 'probe-failed', devices: 2 }],
        },
      ],
    })
    const adoption = await server.request('GET', `${at()}/insights/rollouts/${published.rolloutId}/adoption`)
    const nobody = { devices: 0 }
    expect(adoption.body).toMatchObject({ downloaded: 0, applied: 0, failed: nobody, rolledBack: nobody })
    const timeline = await server.request('GET', `${at()}/devices/home-1/timeline`)
    expect(timeline.body.items).toContainEqual(
      expect.objectContaining({ kind: 'failed', component: 'gateway', code: 'probe-failed', version: '2' }),
    )
    // No component keeps a release from an installation: the whole does.
    expect(said(await ask(asInstallation('home-1', '1'))).release).toBe('2')
    await report('home-1', [{ id: 'whole', kind: 'rolled-back', version: '2', code: 'probe-failed' }])
    const after = await ask(asInstallation('home-1', '1'))
    expect([after.status, after.body.code]).toEqual([404, 'failed-on-this-device'])
    // Unless people there want it once more.
    const again = asInstallation('home-1', '1', { 'x-kit-again': '1' })
    expect(said(await ask(again)).release).toBe('2')
    const explained = await server.request('GET', `${at()}/devices/home-1/explain`)
    expect(explained.body.decision.reason).toBe('failed-on-this-device')
  })
})
