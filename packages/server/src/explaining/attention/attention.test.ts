import { generateKeyPairSync, sign } from 'node:crypto'
import {
  convertCertificateToCertificatePEM,
  generateKeyPair,
  generateSelfSignedCodeSigningCertificate,
} from '@expo/code-signing-certificates'
import type { App, Attention, AttentionItem, RolloutPlan } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  fixedClock,
  newSigningKey,
  problemOf,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { writeSignedAppcast } from '@hotpatch/signatures'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { BrowserOf } from '../../people/accounts/testing/browser.ts'
import { peopleOf } from '../../people/accounts/testing/people.ts'
import { addAttempts } from '../../rolling-out/guards/testing/add-attempts.ts'

describeOnEveryDatabase('what needs attention', (openDatabase) => {
  const clock = fixedClock()
  let db: Database
  let server: TestServer
  let app: App
  let owner: BrowserOf

  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, clock, env: { HOTPATCH_WEBHOOK_ALLOW_PRIVATE: '127.0.0.0/8' } })
    // At once: the link works for half an hour of the clock, which the tests advance by days.
    owner = await peopleOf(server).firstOwner()
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
  })

  const ask = async (query = `?app=${app.slug}`, token?: string): Promise<Attention> => {
    const answer = await server.request('GET', `/manage/v1/attention${query}`, {
      ...(token !== undefined && { token }),
    })
    expect(answer).toMatchObject({ status: 200 })
    return answer.body
  }
  const items = async (): Promise<AttentionItem[]> => (await ask()).items
  const kinds = async (): Promise<string[]> => (await items()).map(({ kind }) => kind)
  const manage = async (method: string, path: string, body?: unknown) => {
    const answer = await server.request(method, `/manage/v1${path}`, { body })
    expect(answer.status).toBeLessThan(300)
    return answer.body
  }
  const publish = async (version: string, more: Record<string, unknown> = {}) =>
    server.published(app, { bundle: await bundleOf(version), version, ...more })
  const trip = async (rolloutId: string) => {
    await addAttempts(db, rolloutId, { attempted: 100, bad: 40 }, clock.now())
    await server.tick()
  }

  test('is nothing where all is well', async () => {
    await publish('1.0.0')
    expect(await ask()).toEqual({ at: new Date(clock.now()).toISOString(), items: [], leftOut: 0 })
    expect(problemOf(await server.request('GET', '/manage/v1/attention?app=nobody'))).toBe('404 app-not-found')
  })

  describe('a guard that tripped', () => {
    test('until somebody resumes or halts its rollout', async () => {
      await publish('1.0.0')
      const { rolloutId } = await publish('1.1.0')
      await trip(rolloutId)
      expect(await items()).toEqual([
        {
          kind: 'guard-tripped',
          severity: 'critical',
          appId: app.id,
          appSlug: app.slug,
          subject: { kind: 'rollout', id: rolloutId, name: '1.1.0' },
          since: new Date(clock.now()).toISOString(),
          explanation: expect.stringContaining('40 of 100 devices that tried it failed'),
          remedy: expect.stringContaining('Roll back'),
          facts: { platform: 'android', channel: 'production', bad: 40, sample: 100, state: 'paused' },
          address: expect.stringContaining(`apps/${app.slug}/rollouts`),
        },
      ])
      await manage('POST', `/rollouts/${rolloutId}/resume`)
      expect(await kinds()).toEqual([])
      await trip(rolloutId)
      await manage('POST', `/rollouts/${rolloutId}/withdraw`)
      expect(await kinds()).toEqual([])
    })

    test('until somebody halts what it has paused', async () => {
      await publish('1.0.0')
      const { rolloutId } = await publish('1.1.0')
      await trip(rolloutId)
      expect(await kinds()).toEqual(['guard-tripped'])
      await manage('POST', `/rollouts/${rolloutId}/halt`)
      expect(await kinds()).toEqual([])
    })

    test('and rolled back, until something newer is published, or for two weeks', async () => {
      await publish('1.0.0')
      const { rolloutId } = await publish('1.1.0', { guard: { action: 'roll-back' } })
      await trip(rolloutId)
      expect(await items()).toMatchObject([
        { kind: 'guard-rolled-back', severity: 'warning', facts: { backTo: '1.0.0' }, subject: { name: '1.1.0' } },
      ])
      clock.advance(HOUR_MS)
      await publish('1.2.0')
      expect(await kinds()).toEqual([])
    })
  })

  test('a plan whose step waits a day for devices that do not come', async () => {
    const plan: RolloutPlan = {
      steps: [
        { percentage: 1, bakeMinutes: 60, minimumSample: 3 },
        { percentage: 100, bakeMinutes: 0 },
      ],
    }
    const { rolloutId } = await publish('1.0.0', { plan })
    clock.advance(DAY_MS)
    await server.tick()
    expect(await kinds()).toEqual([])
    clock.advance(HOUR_MS)
    expect(await items()).toMatchObject([
      {
        kind: 'plan-stuck',
        severity: 'warning',
        since: new Date(clock.now() - DAY_MS).toISOString(),
        facts: { for: 'sample', percentage: 1, tried: 0, missing: 3 },
      },
    ])
    await manage('POST', `/rollouts/${rolloutId}/pause`)
    expect(await kinds()).toEqual([])
  })

  test('a proposal, until a second person has decided', async () => {
    await publish('1.0.0')
    const protection = { roles: ['owner'], needsApproval: true }
    await owner.send('PUT', `/apps/${app.slug}/channels/production/protection`, protection)
    const { releaseId } = await publish('1.1.0', { channel: 'beta' })
    await owner.post(`/apps/${app.slug}/rollouts`, { releaseId, channel: 'production' })
    const { body } = await owner.get(`/apps/${app.slug}/proposals?state=open`)
    expect(await items()).toMatchObject([
      {
        kind: 'proposal-waiting',
        severity: 'warning',
        subject: { kind: 'proposal', id: body.items[0].id, name: '1.1.0' },
        facts: { channel: 'production', platform: 'android' },
        address: `apps/${app.slug}/proposals`,
      },
    ])
    await owner.post(`/proposals/${body.items[0].id}/withdraw`)
    expect(await kinds()).toEqual([])
  })

  test('patches that nobody makes, and those that were given up', async () => {
    const [base, target] = [await publish('1.0.0'), await publish('1.1.0')]
    await manage('POST', `/apps/${app.slug}/patches`, { platform: 'android', from: '1.0.0', to: '1.1.0' })
    const patch = { release_id: target.releaseId, base_release_id: base.releaseId }
    const set = (changes: object) =>
      db.updateTable('patch').set(changes).where('release_id', '=', patch.release_id).execute()
    await set({ state: 'waiting', finished_at: null })
    expect(await kinds()).toEqual([])
    clock.advance(2 * HOUR_MS)
    expect(await items()).toMatchObject([{ kind: 'patches-waiting', facts: { count: 1 }, severity: 'warning' }])
    await set({ state: 'lost', finished_at: clock.now() })
    expect(await items()).toMatchObject([{ kind: 'patches-given-up', facts: { count: 1 }, severity: 'notice' }])
    clock.advance(15 * DAY_MS)
    expect(await kinds()).toEqual([])
  })

  test('tokens that end, but none that was made to end soon', async () => {
    const expiresAt = (days: number) => new Date(clock.now() + days * DAY_MS).toISOString()
    const create = (name: string, days: number) =>
      manage('POST', '/tokens', { name, role: 'reader', app: app.slug, expiresAt: expiresAt(days) })
    const { token } = await create('release pipeline', 20)
    await create('of one run', 1)
    expect(await kinds()).toEqual([])
    clock.advance(10 * DAY_MS)
    expect(await items()).toMatchObject([
      { kind: 'token-expiring', severity: 'warning', subject: { kind: 'token', name: 'release pipeline' } },
    ])
    clock.advance(5 * DAY_MS)
    await ask(`?app=${app.slug}`, token)
    clock.advance(6 * DAY_MS)
    expect(await items()).toMatchObject([{ kind: 'token-expired', severity: 'notice' }])
    clock.advance(7 * DAY_MS)
    expect(await kinds()).toEqual([])
  })

  test('an app with a single signing key, and one with none', async () => {
    const add = (name: string) =>
      manage('POST', `/apps/${app.slug}/keys`, { publicKey: newSigningKey().publicKey, name })
    const { id } = await add('laptop')
    expect(await items()).toMatchObject([{ kind: 'key-without-spare', severity: 'notice', facts: { key: 'laptop' } }])
    const spare = await add('safe')
    expect(await kinds()).toEqual([])
    for (const key of [id, spare.id]) await manage('POST', `/apps/${app.slug}/keys/${key}/revoke`)
    expect(await items()).toMatchObject([{ kind: 'key-missing', severity: 'critical' }])
  })

  test('certificates of signed answers that end', async () => {
    const certificate = convertCertificateToCertificatePEM(
      generateSelfSignedCodeSigningCertificate({
        keyPair: generateKeyPair(),
        validityNotBefore: new Date(clock.now()),
        validityNotAfter: new Date(clock.now() + 90 * DAY_MS),
        commonName: 'Demo',
      }),
    )
    const row = { app_id: app.id, key_id: 'main', certificate, chain: '', created_at: clock.now(), created_by: 'test' }
    await db.insertInto('answer_certificate').values(row).execute()
    expect(await kinds()).toEqual([])
    clock.advance(40 * DAY_MS)
    expect(await items()).toMatchObject([{ kind: 'certificate-expiring', severity: 'warning' }])
    clock.advance(51 * DAY_MS)
    expect(await items()).toMatchObject([
      { kind: 'certificate-expired', severity: 'critical', subject: { kind: 'certificate', id: 'main' } },
    ])
  })

  test('a feed that says more than was signed', async () => {
    app = await server.createTestApp({ platforms: ['macos'], checkAccess: 'open' })
    const publishApp = (version: string, checksum: string) =>
      server.request('POST', `/apps/${app.slug}/api/updates/publish`, {
        body: {
          platform: 'macos',
          version,
          file_size: 7,
          checksum,
          download_url: `https://example.com/${version}.dmg`,
        },
      })
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const text = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
    await manage('POST', `/apps/${app.slug}/keys`, { publicKey: text, algorithm: 'sparkle-ed25519' })
    await publishApp('1.0.0', '1'.padStart(64, '0'))
    const { content } = await manage('GET', `/apps/${app.slug}/appcasts/production`)
    const value = sign(null, Buffer.from(content), privateKey).toString('base64')
    await manage('PUT', `/apps/${app.slug}/appcasts/production`, { signed: writeSignedAppcast({ content, value }) })
    expect(await kinds()).toEqual([])
    clock.advance(HOUR_MS)
    await publishApp('1.1.0', '2'.padStart(64, '0'))
    expect(await items()).toMatchObject([
      { kind: 'feed-not-signed', severity: 'critical', facts: { channel: 'production', platform: 'each' } },
    ])
  })

  test('webhooks that were turned off or take nothing, without the rest of their addresses', async () => {
    const url = 'http://127.0.0.1:9/secret-of-the-receiver'
    const { id } = await manage('POST', '/webhooks', { app: app.slug, url })
    const set = (changes: object) => db.updateTable('webhook').set(changes).where('id', '=', id).execute()
    await set({ failing_since: clock.now() })
    expect(await kinds()).toEqual([])
    clock.advance(2 * HOUR_MS)
    const failing = await items()
    expect(failing).toMatchObject([
      { kind: 'webhook-failing', severity: 'warning', subject: { id, name: '127.0.0.1:9' }, address: `webhooks/${id}` },
    ])
    expect(JSON.stringify(failing)).not.toContain('secret')
    await set({ is_enabled: 0, disabled_reason: 'Nothing has arrived for five days.' })
    expect(await items()).toMatchObject([
      { kind: 'webhook-turned-off', severity: 'critical', explanation: expect.stringContaining('five days') },
    ])
    await manage('PATCH', `/webhooks/${id}`, { isEnabled: true })
    expect(await kinds()).toEqual([])
  })

  test('is told to those who may see it, of their own apps, the most severe first', async () => {
    const { id } = await manage('POST', '/webhooks', { app: app.slug, url: 'http://127.0.0.1:9/' })
    await db
      .updateTable('webhook')
      .set({ is_enabled: 0, disabled_reason: 'It answered 410.' })
      .where('id', '=', id)
      .execute()
    await manage('POST', `/apps/${app.slug}/keys`, { publicKey: newSigningKey().publicKey })
    const other = await server.createTestApp()
    await manage('POST', `/apps/${other.slug}/keys`, { publicKey: newSigningKey().publicKey })

    expect(await kinds()).toEqual(['webhook-turned-off', 'key-without-spare'])
    // What is of all apps concerns each of them.
    const expiresAt = new Date(clock.now() + 7 * DAY_MS).toISOString()
    const { id: tokenId } = await manage('POST', '/tokens', { name: 'of all apps', role: 'reader', expiresAt })
    expect(await kinds()).toEqual(['webhook-turned-off', 'token-expiring', 'key-without-spare'])
    const admin = await server.createToken({ role: 'admin', app: app.slug })
    expect((await ask('', admin)).items).toMatchObject([{ kind: 'webhook-turned-off' }, { kind: 'key-without-spare' }])
    await manage('POST', `/tokens/${tokenId}/revoke`)

    const reader = await server.createToken({ role: 'reader', app: app.slug })
    expect((await ask('', reader)).items).toMatchObject([{ kind: 'key-without-spare', appSlug: app.slug }])
    const refused = await server.request('GET', `/manage/v1/attention?app=${other.slug}`, { token: reader })
    expect(problemOf(refused)).toBe('403 forbidden')
    const everywhere = (await ask('')).items.filter(({ kind }) => kind === 'key-without-spare')
    expect(everywhere.map(({ appSlug }) => appSlug)).toEqual(expect.arrayContaining([app.slug, other.slug]))
  })
})
