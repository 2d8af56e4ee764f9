import type { App } from '@hotpatch/api'
import {
  describeOnEveryDatabase,
  dumpDatabase,
  problemOf,
  startTestServer,
  type TestResponse,
  type TestServer,
} from '@hotpatch/testkit'
import { startOpenIdProvider, type Account, type OpenIdProvider } from '@hotpatch/testkit/issuers'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'
import { BrowserOf } from '../accounts/testing/browser.ts'
import { PASSWORD, peopleOf, secretOf } from '../accounts/testing/people.ts'

const CALLBACK = 'http://localhost/manage/v1/single-sign-on/callback'
const HOUR_MS = 3_600_000

describeOnEveryDatabase('single sign-on', (openDatabase, database) => {
  // What is between the browser, the issuer and this server, whichever database that has.
  const isFirst = database === 'sqlite'
  // The issuer and the library go by the real time.
  let offset = 0
  const clock = { now: () => Date.now() + offset }
  const logged: string[] = []
  let db: Database
  let server: TestServer
  let provider: OpenIdProvider
  let people: ReturnType<typeof peopleOf>
  let owner: BrowserOf
  let app: App
  let arrived = 0

  beforeAll(async () => {
    provider = await startOpenIdProvider({ redirectUris: [CALLBACK] })
    db = await openDatabase()
    const logTo = { write: (line: string) => void logged.push(line) }
    const env = { HOTPATCH_ISSUER_ALLOW_PRIVATE: '127.0.0.0/8', HOTPATCH_LOG_LEVEL: 'debug' }
    server = await startTestServer({ database: db, clock, logTo, env })
    people = peopleOf(server)
    owner = await people.firstOwner()
    app = await server.createTestApp()
  })
  afterAll(async () => {
    await server.close()
    await provider.close()
  })
  beforeEach(async () => {
    expect((await set()).status).toBe(200)
  })

  // Each from somewhere else: how often one address may is not the point here.
  let addresses = 0
  const newBrowser = () => new BrowserOf(server, `10.1.${Math.floor((addresses += 1) / 250)}.${addresses % 250}`)

  const settings = (changes: Record<string, unknown> = {}) => ({
    name: 'Acme',
    issuer: provider.issuer,
    clientId: provider.client.id,
    clientSecret: provider.client.secret,
    scopes: ['openid', 'email', 'profile', 'groups'],
    groups: [
      { group: 'everybody', role: 'reader' },
      { group: 'mobile', role: 'publisher', app: 'demo' },
      { group: 'mobile-leads', role: 'admin', app: 'demo' },
    ],
    makesPeople: true,
    ...changes,
  })
  const set = (changes: Record<string, unknown> = {}, by = owner) =>
    by.send('PUT', '/single-sign-on', settings(changes))

  /** Somebody at the issuer whom this server does not know yet. */
  function account(changes: Partial<Account> = {}): Account {
    const sub = `subject-${(arrived += 1)}`
    const made = {
      sub,
      name: `Nora ${arrived}`,
      email: `${sub}@acme.example`,
      email_verified: true,
      groups: ['everybody'],
    }
    provider.accounts.set(sub, { ...made, ...changes })
    return provider.accounts.get(sub) as Account
  }

  const start = async (browser: BrowserOf, returnTo = '/dashboard/apps/demo/rollouts') => {
    const response = await browser.get(`/single-sign-on/start?returnTo=${encodeURIComponent(returnTo)}`)
    expect(response.status).toBe(303)
    return String(response.headers.location)
  }
  const comeBack = (browser: BrowserOf, address: string) => {
    const { pathname, search } = new URL(address)
    expect(pathname).toBe('/manage/v1/single-sign-on/callback')
    return browser.get(`/single-sign-on/callback${search}`)
  }
  async function signIn(who: Account, browser = newBrowser()) {
    const response = await comeBack(browser, await provider.signIn(await start(browser), who))
    return { browser, response }
  }
  const refusalOf = ({ status, headers }: TestResponse) => {
    expect(status).toBe(303)
    const { pathname, searchParams } = new URL(String(headers.location), 'http://localhost')
    return pathname === '/dashboard/sign-in' ? searchParams.get('refused') : 'none'
  }
  const whoami = async (browser: BrowserOf) => (await browser.get('/whoami')).body
  const grantsOf = async (browser: BrowserOf) =>
    (await whoami(browser)).grants.map(({ role, appId }: { role: string; appId: string }) => [role, appId])
  const audited = async (action: string) => (await owner.get(`/audit?action=${action}&limit=1`)).body.items[0]

  test('lets somebody in by the code flow, makes a person of him, and brings him where he wanted to go', async () => {
    const nora = account({ groups: ['everybody', 'mobile', 'unknown'] })
    const { browser, response } = await signIn(nora)
    expect(response.headers.location).toBe('/dashboard/apps/demo/rollouts')
    expect(await whoami(browser)).toMatchObject({ kind: 'person', name: nora.name })
    expect(await grantsOf(browser)).toEqual(
      expect.arrayContaining([
        ['reader', null],
        ['publisher', app.id],
      ]),
    )
    const { body } = await browser.get('/account')
    expect(body).toMatchObject({ email: nora.email, hasPassword: false })
    expect(await audited('person.joined')).toMatchObject({ after: { issuer: provider.issuer, subject: nora.sub } })
    // The second time he is the same.
    const again = await signIn(nora)
    expect((await again.browser.get('/account')).body.id).toBe(body.id)
  })

  test('shows the secret to nobody: not to owners, nor to the database, the log and the audit log', async () => {
    const { body } = await owner.get('/single-sign-on')
    expect(body).toMatchObject({ issuer: provider.issuer, hasClientSecret: true, callbackUrl: CALLBACK })
    await signIn(account())
    const seen = [body, await dumpDatabase(db), logged, (await owner.get('/audit?limit=200')).body]
    expect(JSON.stringify(seen)).not.toContain(provider.client.secret)
    expect((await newBrowser().get('/single-sign-on/offer')).body).toEqual({ name: 'Acme', isOnlyWay: false })
  })

  test('that lets in others from now on signs out who came by it, and another name does not', async () => {
    const { browser } = await signIn(account())
    await set({ name: 'Other', sessionHours: 3 })
    expect((await browser.get('/whoami')).status).toBe(200)
    await set({ groups: [{ group: 'everybody', role: 'publisher' }] })
    expect((await browser.get('/whoami')).status).toBe(401)
  })

  test('is for owners of everything to set', async () => {
    const admin = await people.invite(owner, [{ role: 'admin' }])
    const ofApp = await people.invite(owner, [{ role: 'owner', app: 'demo' }])
    for (const { browser } of [admin, ofApp]) {
      expect(problemOf(await set({}, browser))).toBe('403 forbidden')
      expect(problemOf(await browser.get('/single-sign-on'))).toBe('403 forbidden')
      expect(problemOf(await browser.send('DELETE', '/single-sign-on'))).toBe('403 forbidden')
    }
  })

  test('keeps the secret when it is left out, and gives it to no other issuer', async () => {
    expect((await set({ clientSecret: undefined, name: 'Other' })).status).toBe(200)
    expect(refusalOf((await signIn(account())).response)).toBe('none')
    const other = await startOpenIdProvider({ redirectUris: [CALLBACK] })
    const refused = await set({ clientSecret: undefined, issuer: other.issuer })
    await other.close()
    expect(problemOf(refused)).toBe('400 invalid-request')
  })

  test.runIf(isFirst).each<[string, Record<string, unknown>, string]>([
    ['an issuer that is not there', { issuer: 'http://127.0.0.1:1' }, '502 issuer-unusable'],
    ['one whose name is written otherwise', { issuer: undefined }, '502 issuer-unusable'],
    ['one on a private network', { issuer: 'http://169.254.169.254' }, '422 issuer-address-refused'],
    [
      'two roles for a group',
      {
        groups: [
          { group: 'a', role: 'reader' },
          { group: 'a', role: 'admin' },
        ],
      },
      '400 invalid-request',
    ],
    ['an app that is not there', { groups: [{ group: 'a', role: 'reader', app: 'none' }] }, '404 app-not-found'],
    ['sessions for ever', { sessionHours: 721 }, '400 invalid-request'],
  ])('is not set with %s, and what was there stays', async (_case, changes, expected) => {
    const issuer = 'issuer' in changes && changes.issuer === undefined ? `${provider.issuer}/` : changes.issuer
    expect(problemOf(await set({ ...changes, ...(issuer !== undefined && { issuer }) }))).toBe(expected)
    expect((await owner.get('/single-sign-on')).body.issuer).toBe(provider.issuer)
  })

  describe('takes nobody in', () => {
    test('who is in no group that gives something', async () => {
      expect(refusalOf((await signIn(account({ groups: ['strangers'] }))).response)).toBe('not-a-member')
      expect(refusalOf((await signIn(account({ groups: undefined as never }))).response)).toBe('not-a-member')
    })

    test('whose address nobody has verified, or who has none', async () => {
      expect(refusalOf((await signIn(account({ email_verified: false }))).response)).toBe('email-not-verified')
      expect(refusalOf((await signIn(account({ email: undefined as never }))).response)).toBe('no-email')
      await set({ believesEmails: true })
      expect(refusalOf((await signIn(account({ email_verified: false }))).response)).toBe('none')
    })

    test('when people are not made', async () => {
      await set({ makesPeople: false })
      expect(refusalOf((await signIn(account())).response)).toBe('not-a-member')
    })

    test('who is disabled here', async () => {
      const nora = account()
      const { browser } = await signIn(nora)
      const { id } = (await browser.get('/account')).body
      expect((await owner.send('PATCH', `/people/${id}`, { disabled: true })).status).toBe(200)
      expect((await browser.get('/whoami')).status).toBe(401)
      expect(refusalOf((await signIn(nora)).response)).toBe('disabled')
    })

    test('who changed his mind, at the issuer', async () => {
      const browser = newBrowser()
      const back = await provider.signIn(await start(browser), undefined)
      expect(refusalOf(await comeBack(browser, back))).toBe('denied')
    })

    test('whose groups the issuer left out because there are too many', async () => {
      const nora = account({ groups: ['everybody'] })
      await signIn(nora)
      const elsewhere = {
        _claim_names: { groups: 'src1' },
        _claim_sources: { src1: { endpoint: 'https://x.example/' } },
      }
      provider.accounts.set(nora.sub, { ...nora, groups: undefined as never, ...elsewhere })
      expect(refusalOf((await signIn(nora)).response)).toBe('issuer-failed')
    })
  })

  describe('by somebody’s e-mail address', () => {
    test('takes over nobody’s account, unless the operator allows that', async () => {
      const { email, id } = await people.invite(owner, [{ role: 'admin' }])
      const namesake = account({ email: email.toUpperCase() })
      expect(refusalOf((await signIn(namesake)).response)).toBe('email-taken')
      await set({ linksPeople: true })
      provider.accounts.set(namesake.sub, { ...namesake, email_verified: false })
      expect(refusalOf((await signIn(namesake)).response)).toBe('email-not-verified')
      provider.accounts.set(namesake.sub, namesake)
      const { browser } = await signIn(namesake)
      expect((await browser.get('/account')).body.id).toBe(id)
      expect(await grantsOf(browser)).toEqual(
        expect.arrayContaining([
          ['admin', null],
          ['reader', null],
        ]),
      )
      expect(await audited('person.linked')).toMatchObject({ after: { subject: namesake.sub } })
    })

    test('of an account that gains by it, who had a password or a session for it is out', async () => {
      await set({ linksPeople: true })
      const admin = (await people.invite(owner, [{ role: 'admin', app: 'demo' }])).browser
      const prepared = await people.invite(admin, [{ role: 'reader', app: 'demo' }])
      const boss = account({ email: prepared.email, groups: ['everybody', 'mobile-leads'] })
      const { browser } = await signIn(boss)
      expect((await browser.get('/account')).body).toMatchObject({ id: prepared.id, hasPassword: false })
      expect((await prepared.browser.get('/whoami')).status).toBe(401)
      expect((await people.signIn(prepared.email)).response.status).toBe(401)
      expect(await audited('person.linked')).toMatchObject({ after: { endsOtherWays: true } })
    })

    test('of an account that gains nothing by it, its password stays', async () => {
      await set({ linksPeople: true })
      const known = await people.invite(owner, [{ role: 'admin' }])
      await signIn(account({ email: known.email }))
      expect((await people.signIn(known.email)).response.status).toBe(200)
    })

    test('of whoever is known already, it does not matter', async () => {
      const nora = account()
      const { browser } = await signIn(nora)
      const { id } = (await browser.get('/account')).body
      provider.accounts.set(nora.sub, { ...nora, email: 'olga@example.com' })
      const again = await signIn(nora)
      expect((await again.browser.get('/account')).body).toMatchObject({ id, email: nora.email })
    })
  })

  test('a subject of another issuer is somebody else', async () => {
    const other = await startOpenIdProvider({ redirectUris: [CALLBACK] })
    const nora = account()
    const { browser } = await signIn(nora)
    const { id } = (await browser.get('/account')).body
    other.accounts.set(nora.sub, { ...nora, email: 'other@acme.example' })
    await set({ issuer: other.issuer, clientId: other.client.id, clientSecret: other.client.secret })
    // Who came by the one before is out.
    expect((await browser.get('/whoami')).status).toBe(401)
    const elsewhere = newBrowser()
    await comeBack(elsewhere, await other.signIn(await start(elsewhere), nora))
    expect((await elsewhere.get('/account')).body.id).not.toBe(id)
    await other.close()
  })

  test('is no account that somebody of one app makes another way into', async () => {
    const nora = account({ groups: ['mobile'] })
    const { browser } = await signIn(nora)
    const { id } = (await browser.get('/account')).body
    const ofApp = (await people.invite(owner, [{ role: 'admin', app: 'demo' }])).browser
    const everywhere = (await people.invite(owner, [{ role: 'admin' }])).browser
    const reset = (by: BrowserOf, who: string) => by.post(`/people/${who}/reset-link`, {})
    expect(problemOf(await reset(ofApp, id))).toBe('403 forbidden')
    expect((await reset(everywhere, id)).status).toBe(201)
    // Nor with a link of before.
    await set({ linksPeople: true })
    const known = await people.invite(owner, [{ role: 'reader', app: 'demo' }])
    const made = await reset(ofApp, known.id)
    const secret = secretOf(made.body.link)
    expect((await newBrowser().post('/one-time-links/look', { secret })).status).toBe(200)
    expect(refusalOf((await signIn(account({ email: known.email, groups: ['mobile'] }))).response)).toBe('none')
    const use = await newBrowser().post('/one-time-links/use', { secret, password: 'another horse battery' })
    expect(problemOf(use)).toBe('410 link-gone')
  })

  test('says of each grant of a person whether a group gives it', async () => {
    const { browser } = await signIn(account({ groups: ['everybody', 'mobile'] }))
    const { id } = (await browser.get('/account')).body
    await owner.send('PATCH', `/people/${id}`, { grants: [{ role: 'admin', app: 'demo' }] })
    const expected = [
      { role: 'admin', appId: app.id, source: 'people' },
      { role: 'publisher', appId: app.id, source: 'single-sign-on' },
      { role: 'reader', appId: null, source: 'single-sign-on' },
    ]
    const sorted = (grants: { role: string }[]) => grants.toSorted((a, b) => (a.role < b.role ? -1 : 1))
    const listed = (await owner.get('/people?limit=200')).body.items.find((person: { id: string }) => person.id === id)
    for (const { grants } of [listed, (await owner.get(`/people/${id}`)).body, (await browser.get('/account')).body]) {
      expect(sorted(grants)).toEqual(expected)
    }
  })

  describe('groups', () => {
    test('that change are what somebody may do from the next sign-in on, in every session', async () => {
      const nora = account({ groups: ['everybody', 'mobile', 'mobile-leads'] })
      const first = await signIn(nora)
      expect(await grantsOf(first.browser)).toEqual(
        expect.arrayContaining([
          ['admin', app.id],
          ['reader', null],
        ]),
      )
      provider.accounts.set(nora.sub, { ...nora, groups: ['mobile'] })
      await signIn(nora)
      expect(await grantsOf(first.browser)).toEqual([['publisher', app.id]])
      expect(await audited('person.groups-changed')).toMatchObject({
        after: { grants: [{ role: 'publisher', appId: app.id }] },
      })
    })

    test('that are gone take every session with them', async () => {
      const nora = account()
      const first = await signIn(nora)
      provider.accounts.set(nora.sub, { ...nora, groups: [] })
      expect(refusalOf((await signIn(nora)).response)).toBe('not-a-member')
      expect((await first.browser.get('/whoami')).status).toBe(401)
    })

    test('take nothing that people gave, and people take nothing that they give', async () => {
      const nora = account({ groups: ['everybody', 'mobile'] })
      const { browser } = await signIn(nora)
      const { id } = (await browser.get('/account')).body
      const changed = await owner.send('PATCH', `/people/${id}`, {
        grants: [{ role: 'reader' }, { role: 'admin', app: 'demo' }],
      })
      expect(changed.status).toBe(200)
      expect(await grantsOf(browser)).toEqual(
        expect.arrayContaining([
          ['publisher', app.id],
          ['admin', app.id],
          ['reader', null],
        ]),
      )
      provider.accounts.set(nora.sub, { ...nora, groups: [] })
      expect(refusalOf((await signIn(nora)).response)).toBe('none')
      expect(await grantsOf(browser)).toEqual([['admin', app.id]])
    })

    test('are asked for anew when the session has ended, which it does', async () => {
      await set({ sessionHours: 2 })
      const { browser } = await signIn(account())
      const begun = Date.now()
      vi.useFakeTimers({ toFake: ['Date'], now: begun + 2 * HOUR_MS - 60_000 })
      expect((await browser.get('/whoami')).status).toBe(200)
      vi.setSystemTime(begun + 2 * HOUR_MS + 1_000)
      expect((await browser.get('/whoami')).status).toBe(401)
      vi.useRealTimers()
    })
  })

  describe.runIf(isFirst)('a way back', () => {
    test('is taken in the browser that has begun it, and nowhere else', async () => {
      const [victim, attacker] = [newBrowser(), newBrowser()]
      const back = await provider.signIn(await start(attacker), account())
      expect(refusalOf(await comeBack(victim, back))).toBe('expired')
      expect((await victim.get('/whoami')).status).toBe(401)
    })

    test('is taken once', async () => {
      const browser = newBrowser()
      const back = await provider.signIn(await start(browser), account())
      const kept = new Map(browser.cookies)
      expect(refusalOf(await comeBack(browser, back))).toBe('none')
      expect(refusalOf(await comeBack(browser, back))).toBe('expired')
      const copied = newBrowser()
      for (const [name, value] of kept) copied.cookies.set(name, value)
      expect(refusalOf(await comeBack(copied, back))).toBe('issuer-failed')
    })

    test('of one tab is not that of another', async () => {
      const browser = newBrowser()
      const [first, second] = [await start(browser, '/dashboard/people'), await start(browser, '/dashboard/audit')]
      const [one, other] = [await provider.signIn(first, account()), await provider.signIn(second, account())]
      const mixed = new URL(one)
      mixed.searchParams.set('code', new URL(other).searchParams.get('code') ?? '')
      expect(refusalOf(await comeBack(browser, mixed.href))).toBe('issuer-failed')
      expect((await comeBack(browser, other)).headers.location).toBe('/dashboard/audit')
    })

    test('of another issuer, or of long ago, is not taken', async () => {
      const browser = newBrowser()
      const back = new URL(await provider.signIn(await start(browser), account()))
      back.searchParams.set('iss', 'https://evil.example')
      expect(refusalOf(await comeBack(browser, back.href))).toBe('issuer-failed')
      const late = await provider.signIn(await start(browser), account())
      offset += 600_000
      expect(refusalOf(await comeBack(browser, late))).toBe('expired')
      offset = 0
    })

    test.each([
      'https://evil.example/',
      '//evil.example/',
      '/\\evil.example',
      'javascript:alert(1)',
      '/manage/v1/whoami',
      '/dashboard/../x',
      `/dashboard/${'x'.repeat(500)}`,
    ])('leads to the console, not to %s', async (returnTo) => {
      const browser = newBrowser()
      const response = await comeBack(browser, await provider.signIn(await start(browser, returnTo), account()))
      expect(response.headers.location).toBe('/dashboard/')
    })

    test('is limited for each address', async () => {
      const browser = newBrowser()
      const answers = await Promise.all(Array.from({ length: 61 }, () => browser.get('/single-sign-on/offer')))
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(1)
    })

    test('does not get lost when somebody begins many times', async () => {
      const browser = newBrowser()
      for (let tab = 0; tab < 12; tab += 1) await start(browser)
      expect([...browser.cookies.keys()].length).toBeLessThanOrEqual(6)
      expect(refusalOf((await signIn(account(), browser)).response)).toBe('none')
    })
  })

  test.runIf(isFirst).each<[string, string, number, Record<string, string>, string]>([
    ['redirects the exchange', '/token', 307, { location: 'http://169.254.169.254/' }, ''],
    [
      'answers with another’s token',
      '/token',
      200,
      { 'content-type': 'application/json' },
      JSON.stringify({
        access_token: 'x',
        token_type: 'bearer',
        id_token: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"x"}').toString('base64url')}.`,
      }),
    ],
    ['has no keys any more', '/jwks', 500, {}, ''],
    ['answers what is no JSON', '/token', 200, { 'content-type': 'application/json' }, '<html>'],
    ['tells of another subject', '/me', 200, { 'content-type': 'application/json' }, '{"sub":"somebody else"}'],
  ])('takes nobody of an issuer that %s', async (_case, path, status, headers, body) => {
    const browser = newBrowser()
    const back = await provider.signIn(await start(browser), account())
    provider.answerWith(path, (_request, response) => void response.writeHead(status, headers).end(body))
    const response = await comeBack(browser, back)
    provider.answerWith(path, undefined)
    expect(refusalOf(response)).toBe('issuer-failed')
  })

  test('can be the only way, but for owners', async () => {
    const { email } = await people.invite(owner, [{ role: 'admin' }])
    await set({ isOnlyWay: true })
    expect(problemOf((await people.signIn(email)).response)).toBe('403 single-sign-on-only')
    expect(problemOf((await people.signIn(email, 'another horse battery')).response)).toBe('401 sign-in-failed')
    expect((await people.signIn('olga@example.com', PASSWORD)).response.status).toBe(200)
    expect(refusalOf((await signIn(account())).response)).toBe('none')
    await set()
    expect((await people.signIn(email)).response.status).toBe(200)
  })

  test('ends with its sessions and what groups gave, and people stay', async () => {
    const nora = account()
    const { browser } = await signIn(nora)
    const byPassword = await people.invite(owner, [{ role: 'reader' }])
    expect((await owner.send('DELETE', '/single-sign-on')).status).toBe(200)
    expect((await browser.get('/whoami')).status).toBe(401)
    expect((await byPassword.browser.get('/whoami')).status).toBe(200)
    expect(problemOf(await owner.get('/single-sign-on'))).toBe('404 single-sign-on-not-found')
    expect((await browser.get('/single-sign-on/offer')).body).toEqual({ name: null, isOnlyWay: false })
    expect(refusalOf(await browser.get('/single-sign-on/start'))).toBe('not-offered')
    const { items } = (await owner.get(`/people?text=${encodeURIComponent(nora.name)}`)).body
    expect(items).toEqual([expect.objectContaining({ email: nora.email, grants: [] })])
  })
})
