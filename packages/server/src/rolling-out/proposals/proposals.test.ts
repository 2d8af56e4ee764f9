import type { App } from '@hotpatch/api'
import {
  bundleOf,
  describeOnEveryDatabase,
  problemOf,
  publishForm,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { BrowserOf } from '../../people/accounts/testing/browser.ts'
import { peopleOf } from '../../people/accounts/testing/people.ts'

describeOnEveryDatabase('protected channels', (openDatabase) => {
  let server: TestServer
  let app: App
  let owner: BrowserOf
  let pia: { id: string; browser: BrowserOf }
  let quentin: { id: string; browser: BrowserOf }
  let bundle: Buffer

  beforeAll(async () => {
    server = await startTestServer({ database: await openDatabase() })
    const people = peopleOf(server)
    owner = await people.firstOwner()
    pia = await people.invite(owner, [{ role: 'publisher' }])
    quentin = await people.invite(owner, [{ role: 'publisher' }])
    bundle = await bundleOf('one')
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    app = await server.createTestApp()
  })

  const protect = (body: object, by: BrowserOf = owner) =>
    by.send('PUT', `/apps/${app.slug}/channels/production/protection`, body)
  const offered = async () => {
    const { body } = await server.check(app)
    return body.updateAvailable ? body.version : body.reason
  }
  const tokenOf = async (by: BrowserOf, body: object = {}) => {
    const { status, body: made } = await by.post('/tokens', { name: 'his own', role: 'publisher', ...body })
    if (status !== 201) throw new Error(`No token was made: ${made.detail}`)
    return made.token as string
  }
  /** Publishers make none: he was an admin when he made it. */
  const formerTokenOf = async ({ id, browser }: { id: string; browser: BrowserOf }) => {
    const give = (role: string) => owner.send('PATCH', `/people/${id}`, { grants: [{ role }] })
    await give('admin')
    const token = await tokenOf(browser)
    await give('publisher')
    return token
  }
  const proposals = async () => (await owner.get(`/apps/${app.slug}/proposals?state=open`)).body.items
  const rolloutOf = async (by: BrowserOf, version: string, changes: object = {}) => {
    const { releaseId } = await server.published(app, { bundle, version, channel: 'beta' })
    return by.post(`/apps/${app.slug}/rollouts`, { releaseId, channel: 'production', ...changes })
  }

  describe('that only some may publish to', () => {
    test('refuse everybody else, by whichever way; pausing and halting stay open', async () => {
      const { body: placed } = await rolloutOf(owner, '1.0.0', { percentage: 10 })
      expect((await protect({ people: [pia.id] })).status).toBe(200)
      const wanted: [string, string, object?][] = [
        ['POST', `/apps/${app.slug}/rollouts`, { releaseId: placed.releaseId, channel: 'production' }],
        ['POST', `/apps/${app.slug}/rollbacks`, { platform: 'android', channel: 'production', to: 'embedded' }],
        ['PATCH', `/rollouts/${placed.id}`, { percentage: 20 }],
        ['PATCH', `/rollouts/${placed.id}`, { percentage: 5 }],
        ['POST', `/rollouts/${placed.id}/withdraw`],
        ['PATCH', `/rollouts/${placed.id}/guard`, { isOn: false }],
      ]
      for (const [method, path, body] of wanted) {
        expect(problemOf(await quentin.browser.send(method, path, body))).toBe('403 channel-protected')
      }
      expect((await quentin.browser.post(`/rollouts/${placed.id}/pause`)).status).toBe(200)
      expect(problemOf(await quentin.browser.post(`/rollouts/${placed.id}/resume`))).toBe('403 channel-protected')
      expect((await pia.browser.post(`/rollouts/${placed.id}/resume`)).status).toBe(200)
      expect((await quentin.browser.post(`/rollouts/${placed.id}/halt`)).status).toBe(200)
      const form = publishForm({ platform: 'android', version: '2.0.0', app: app.slug }, await bundleOf('two'))
      const token = await formerTokenOf(quentin)
      expect(problemOf(await server.request('POST', '/releases', { form, token }))).toBe('403 channel-protected')
    })

    test('let in a token that is named, and not one that it made', async () => {
      const { body: named } = await owner.post('/tokens', { name: 'release', role: 'admin' })
      await protect({ tokens: [named.id] })
      const { body: made } = await server.request('POST', '/manage/v1/tokens', {
        token: named.token,
        body: { name: 'more', role: 'admin' },
      })
      const place = (token: string) =>
        server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, {
          token,
          body: { platform: 'android', channel: 'production', to: 'embedded' },
        })
      expect(problemOf(await place(made.token))).toBe('403 channel-protected')
      expect((await place(named.token)).status).toBe(201)
    })

    test('are opened by whom they let in, and by owners', async () => {
      const { browser: admin } = await peopleOf(server).invite(owner, [{ role: 'admin' }])
      await protect({ people: [pia.id] })
      expect(problemOf(await protect({ roles: ['admin'] }, admin))).toBe('403 channel-protected')
      const remove = (by: BrowserOf) => by.send('DELETE', `/apps/${app.slug}/channels/production/protection`)
      expect(problemOf(await remove(admin))).toBe('403 channel-protected')
      expect(problemOf(await remove(pia.browser))).toBe('403 forbidden')
      expect((await remove(owner)).status).toBe(200)
      expect(problemOf(await remove(owner))).toBe('404 protection-not-found')
      expect(problemOf(await protect({}))).toBe('400 invalid-request')
    })
  })

  describe('where one person is not enough', () => {
    beforeEach(() => protect({ roles: ['owner', 'publisher'], needsApproval: true }))

    test('a rollout reaches nobody until somebody else has approved it', async () => {
      const { body: placed } = await rolloutOf(pia.browser, '1.0.0')
      expect(placed).toMatchObject({ state: 'paused', awaitsApproval: true })
      expect(await offered()).toBe('awaits-approval')
      const [proposal] = await proposals()
      expect(proposal).toMatchObject({ kind: 'start', rolloutId: placed.id, personId: pia.id })
      const approve = (token: string | null, by?: BrowserOf) =>
        by
          ? by.post(`/proposals/${proposal.id}/approve`)
          : server.request('POST', `/manage/v1/proposals/${proposal.id}/approve`, { token })
      // Neither himself, nor by a token, nor by one that was made with that; nor by one that nobody stands behind.
      expect(problemOf(await approve(null, pia.browser))).toBe('403 approval-not-yours')
      expect(problemOf(await approve(await formerTokenOf(pia)))).toBe('403 approval-not-yours')
      expect(problemOf(await approve(server.ownerToken))).toBe('403 approval-not-yours')
      expect(problemOf(await pia.browser.post(`/rollouts/${placed.id}/resume`))).toBe('409 approval-awaited')
      expect(await offered()).toBe('awaits-approval')
      expect((await approve(null, quentin.browser)).body).toMatchObject({ state: 'approved' })
      expect(await offered()).toBe('1.0.0')
      expect(problemOf(await approve(null, quentin.browser))).toBe('409 proposal-decided')
      const { body: told } = await owner.get(`/announcements?app=${app.slug}`)
      const types = told.items.map(({ type }: { type: string }) => type)
      expect(types).toEqual(expect.arrayContaining(['proposal.made', 'proposal.approved', 'rollout.started']))
    })

    test('widening and resuming are proposed, and narrowing and stopping are done', async () => {
      const { body: placed } = await rolloutOf(pia.browser, '1.0.0', { percentage: 10 })
      await quentin.browser.post(`/proposals/${(await proposals())[0].id}/approve`)
      const change = (percentage: number) => pia.browser.send('PATCH', `/rollouts/${placed.id}`, { percentage })
      expect(problemOf(await change(50))).toBe('409 approval-awaited')
      expect(problemOf(await change(50))).toBe('409 approval-awaited')
      expect(problemOf(await change(60))).toBe('409 rollout-state')
      const [widening] = await proposals()
      expect(widening).toMatchObject({ kind: 'change', changes: { percentage: 50 } })
      expect((await quentin.browser.post(`/proposals/${widening.id}/approve`)).status).toBe(200)
      expect((await owner.get(`/rollouts/${placed.id}`)).body.percentage).toBe(50)
      expect((await change(5)).body.percentage).toBe(5)
      expect((await pia.browser.post(`/rollouts/${placed.id}/pause`)).body.state).toBe('paused')
      expect(problemOf(await pia.browser.post(`/rollouts/${placed.id}/resume`))).toBe('409 approval-awaited')
      const [resuming] = await proposals()
      expect((await owner.post(`/proposals/${resuming.id}/approve`)).status).toBe(200)
      expect((await owner.get(`/rollouts/${placed.id}`)).body.state).toBe('active')
    })

    test('what has changed since is proposed anew, and what has ended is overtaken', async () => {
      const { body: placed } = await rolloutOf(pia.browser, '1.0.0', { percentage: 10 })
      await quentin.browser.post(`/proposals/${(await proposals())[0].id}/approve`)
      await pia.browser.send('PATCH', `/rollouts/${placed.id}`, { percentage: 50 })
      const [widening] = await proposals()
      await quentin.browser.post(`/rollouts/${placed.id}/pause`)
      expect(problemOf(await quentin.browser.post(`/proposals/${widening.id}/approve`))).toBe('409 rollout-changed')
      expect(problemOf(await pia.browser.send('PATCH', `/rollouts/${placed.id}`, { percentage: 60 }))).toBe(
        '409 approval-awaited',
      )
      expect((await owner.get(`/proposals/${widening.id}`)).body.state).toBe('overtaken')
      const [anew, ...others] = await proposals()
      expect(others).toEqual([])
      expect(anew).toMatchObject({ kind: 'change', changes: { percentage: 60 } })
      await quentin.browser.post(`/rollouts/${placed.id}/halt`)
      expect((await owner.get(`/proposals/${anew.id}`)).body.state).toBe('overtaken')
    })

    test('what is rejected or taken back is withdrawn, and by nobody who may not', async () => {
      const { body: first } = await rolloutOf(pia.browser, '1.0.0')
      const [one] = await proposals()
      expect(problemOf(await quentin.browser.post(`/proposals/${one.id}/withdraw`))).toBe('403 forbidden')
      const { body: rejected } = await quentin.browser.post(`/proposals/${one.id}/reject`, { reason: 'Not on Friday' })
      expect(rejected).toMatchObject({ state: 'rejected', reason: 'Not on Friday' })
      expect((await owner.get(`/rollouts/${first.id}`)).body.state).toBe('withdrawn')
      await rolloutOf(pia.browser, '1.1.0')
      const [two] = await proposals()
      expect((await pia.browser.post(`/proposals/${two.id}/withdraw`)).body.state).toBe('withdrawn')
      expect(await proposals()).toEqual([])
    })

    test('an A/B test starts as a whole', async () => {
      await owner.send('DELETE', `/apps/${app.slug}/channels/production/protection`)
      const made = await Promise.all(['1.0.0', '1.1.0'].map((version) => rolloutOf(owner, version, { percentage: 0 })))
      await protect({ roles: ['owner', 'publisher'], needsApproval: true })
      const arms = made.map(({ body }, index) => ({ name: `arm-${index}`, weight: 50, releaseId: body.releaseId }))
      const started = await pia.browser.post(`/apps/${app.slug}/experiments`, {
        name: 'both',
        channel: 'production',
        arms,
      })
      expect(started.status).toBe(201)
      expect(await offered()).toBe('awaits-approval')
      await quentin.browser.post(`/proposals/${(await proposals())[0].id}/approve`)
      expect(await proposals()).toEqual([])
      expect(['1.0.0', '1.1.0']).toContain(await offered())
    })
  })

  test('a token for other channels changes nothing on this one', async () => {
    const { body: placed } = await rolloutOf(owner, '1.0.0')
    const token = await tokenOf(owner, { app: app.slug, channels: ['beta'] })
    const send = (path: string, body?: object) =>
      server.request('POST', `/manage/v1${path}`, { token, ...(body && { body }) })
    expect(problemOf(await send(`/rollouts/${placed.id}/pause`))).toBe('403 forbidden')
    const { releaseId } = placed
    const place = (channel: string) => send(`/apps/${app.slug}/rollouts`, { releaseId, channel })
    expect(problemOf(await place('production'))).toBe('403 forbidden')
    expect((await place('beta')).status).toBe(201)
  })

  test('a token may no more than the person behind it may now', async () => {
    const { id, browser } = await peopleOf(server).invite(owner, [{ role: 'admin' }])
    const token = await tokenOf(browser, { role: 'admin' })
    const audit = () => server.request('GET', '/manage/v1/audit', { token })
    expect((await audit()).status).toBe(200)
    await owner.send('PATCH', `/people/${id}`, { grants: [{ role: 'reader' }] })
    expect(problemOf(await audit())).toBe('403 forbidden')
    expect((await server.request('GET', '/manage/v1/apps', { token })).status).toBe(200)
  })

  test('a cookie is believed from pages of the server only', async () => {
    const at = `/apps/${app.slug}/channels`
    const from = (headers: Record<string, string>) => owner.send('POST', at, { name: 'made' }, headers)
    expect(problemOf(await from({ origin: 'https://evil.example' }))).toBe('403 cross-site-request')
    expect(problemOf(await from({ 'sec-fetch-site': 'cross-site' }))).toBe('403 cross-site-request')
    expect(problemOf(await from({ 'sec-fetch-site': 'same-site' }))).toBe('403 cross-site-request')
    expect((await from({ 'sec-fetch-site': 'same-origin', origin: 'http://localhost' })).status).toBe(201)
  })
})
