import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import {
  describeOnEveryDatabase,
  dumpDatabase,
  eventually,
  fixedClock,
  problemOf,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { BrowserOf } from './testing/browser.ts'
import { PASSWORD, peopleOf, secretOf } from './testing/people.ts'

const OTHER_PASSWORD = 'another horse battery'

describeOnEveryDatabase('accounts', (openDatabase) => {
  const clock = fixedClock()
  const logged: string[] = []
  let db: Database
  let server: TestServer
  let people: ReturnType<typeof peopleOf>
  let owner: BrowserOf
  let address: URL

  beforeAll(async () => {
    db = await openDatabase()
    const logTo = { write: (line: string) => void logged.push(line) }
    server = await startTestServer({ database: db, clock, logTo, env: { HOTPATCH_LOG_LEVEL: 'debug' } })
    people = peopleOf(server)
    address = new URL(await server.listen())
  })
  afterAll(() => server.close())

  const newBrowser = (from?: string) => new BrowserOf(server, from)
  const whoami = async (browser: BrowserOf) => (await browser.get('/whoami')).status
  const audited = async (action: string) =>
    (await server.request('GET', `/manage/v1/audit?action=${action}`)).body.items as Record<string, unknown>[]

  describe('the first owner', () => {
    const use = (changes: Record<string, unknown> = {}) => {
      const input = { secret: server.firstOwnerSecret, email: 'Olga@Example.com', name: 'Olga', password: PASSWORD }
      return newBrowser().post('/one-time-links/use', { ...input, ...changes })
    }

    test.each([
      ['no name', { name: undefined }, '400 invalid-request'],
      ['a password that can be guessed', { password: 'short' }, '400 invalid-request'],
      ['another secret', { secret: 's'.repeat(43) }, '410 link-gone'],
    ])('is not made with %s, and the link stays', async (_case, changes, expected) => {
      expect(problemOf(await use(changes))).toBe(expected)
      const look = await newBrowser().post('/one-time-links/look', { secret: server.firstOwnerSecret })
      expect(look.body).toMatchObject({ kind: 'first-owner', grants: [{ role: 'owner', appId: null }] })
    })

    test('is made by the link of the start, once, also by two at the same time', async () => {
      const answers = await Promise.all([use(), use()])
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 410])
      expect(problemOf(await use({ email: 'late@example.com' }))).toBe('410 link-gone')
      expect(await audited('person.joined')).toMatchObject([
        { actorKind: 'person', after: { email: 'olga@example.com' } },
      ])
    })

    test('signs in by password, and out', async () => {
      const signedIn = await people.signIn('OLGA@example.com')
      owner = signedIn.browser
      expect(signedIn.response.body).toEqual({ done: true })
      expect((await owner.get('/whoami')).body).toMatchObject({ kind: 'person', name: 'Olga', role: 'owner' })
      expect((await owner.get('/account')).body).toMatchObject({ email: 'olga@example.com', hasPassword: true })
      const other = (await people.signIn('olga@example.com')).browser
      const kept = new Map(other.cookies)
      expect((await other.post('/sign-out')).status).toBe(204)
      for (const [name, value] of kept) other.cookies.set(name, value)
      expect(await whoami(other)).toBe(401)
      expect(await whoami(owner)).toBe(200)
    })
  })

  describe('a sign-in', () => {
    test('answers the same for whoever is not there and for a wrong password', async () => {
      const answers = [
        await people.signIn('nobody@example.com'),
        await people.signIn('olga@example.com', OTHER_PASSWORD),
      ]
      const [nobody, wrong] = answers.map(({ response }) => response)
      expect(problemOf(nobody ?? wrong!)).toBe('401 sign-in-failed')
      expect({ ...wrong?.body, instance: '' }).toEqual({ ...nobody?.body, instance: '' })
      expect(Object.keys(wrong?.headers ?? {}).toSorted()).toEqual(Object.keys(nobody?.headers ?? {}).toSorted())
    })

    test('sets a cookie that no script and no other site has, and never one that somebody brought along', async () => {
      const browser = newBrowser()
      browser.cookies.set('hotpatch', 'chosen-by-an-attacker.signature')
      const { headers } = await browser.post('/sign-in', { email: 'olga@example.com', password: PASSWORD })
      const [session] = [headers['set-cookie'] ?? []].flat() as string[]
      expect(session).toMatch(/^hotpatch=(?!chosen).*HttpOnly/)
      expect(session).toMatch(/SameSite=Lax/)
      expect(session).toMatch(/Path=\//)
    })

    test('is for pages of this server alone', async () => {
      const body = { email: 'olga@example.com', password: PASSWORD }
      for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
        const response = await newBrowser().send('POST', '/sign-in', body, headers)
        expect(problemOf(response)).toBe('403 cross-site-request')
      }
      const changed = await owner.send('PATCH', '/account', { name: 'X' }, { origin: 'https://evil.example' })
      expect(problemOf(changed)).toBe('403 cross-site-request')
    })

    test('is limited for each address, and no page of another site uses that up, nor does signing out', async () => {
      const from = '203.0.113.8'
      const foreign = { origin: 'https://evil.example' }
      for (let asked = 0; asked < 61; asked++) {
        const body = { email: 'olga@example.com', password: PASSWORD }
        const refused = await newBrowser(from).send('POST', '/sign-in', body, foreign)
        expect(problemOf(refused)).toBe('403 cross-site-request')
        expect((await newBrowser(from).post('/sign-in', {})).status).toBe(400)
        expect((await newBrowser(from).post('/sign-out')).status).toBe(204)
      }
      const look = () => newBrowser(from).post('/one-time-links/look', { secret: 's'.repeat(43) })
      for (let asked = 0; asked < 60; asked++) expect(problemOf(await look())).toBe('410 link-gone')
      expect(problemOf(await look())).toBe('429 too-many-requests')
      expect((await newBrowser(from).post('/sign-out')).status).toBe(204)
    })

    test('pauses after repeated failures, longer each time, and says nothing of it; also with the right password', async () => {
      const { email } = await people.invite(owner, [{ role: 'reader' }])
      const from = '203.0.113.1'
      for (let attempt = 0; attempt < 5; attempt++) await people.signIn(email, OTHER_PASSWORD, newBrowser(from))
      expect(problemOf((await people.signIn(email, PASSWORD, newBrowser(from))).response)).toBe('401 sign-in-failed')
      clock.advance(31_000)
      await people.signIn(email, OTHER_PASSWORD, newBrowser(from))
      clock.advance(31_000)
      expect((await people.signIn(email, PASSWORD, newBrowser(from))).response.status).toBe(401)
      clock.advance(30_000)
      expect((await people.signIn(email, PASSWORD, newBrowser(from))).response.status).toBe(200)
    })

    test('of many attempts at once, no more than the free ones count', async () => {
      const { email } = await people.invite(owner, [{ role: 'reader' }])
      const attempts = Array.from({ length: 12 }, () => people.signIn(email, OTHER_PASSWORD, newBrowser('203.0.113.2')))
      await Promise.all(attempts)
      expect((await people.signIn(email, PASSWORD, newBrowser('203.0.113.3'))).response.status).toBe(401)
      clock.advance(31_000)
      expect((await people.signIn(email, PASSWORD, newBrowser('203.0.113.3'))).response.status).toBe(200)
    })

    test('of whoever knows only the address keeps nobody out of a browser that was used before', async () => {
      const { email, browser } = await people.invite(owner, [{ role: 'reader' }])
      await browser.post('/sign-out')
      for (let attempt = 0; attempt < 6; attempt++)
        await people.signIn(email, OTHER_PASSWORD, newBrowser('203.0.113.4'))
      expect((await people.signIn(email, PASSWORD, newBrowser('203.0.113.5'))).response.status).toBe(401)
      expect((await people.signIn(email, PASSWORD, browser)).response.status).toBe(200)
      clock.advance(DAY_MS)
    })

    test('counts for an address, too, whoever is tried', async () => {
      const from = '203.0.113.6'
      for (let account = 0; account < 20; account++) {
        await people.signIn(`${account}@example.com`, OTHER_PASSWORD, newBrowser(from))
      }
      expect((await people.signIn('olga@example.com', PASSWORD, newBrowser(from))).response.status).toBe(401)
      expect((await people.signIn('olga@example.com', PASSWORD, newBrowser('203.0.113.7'))).response.status).toBe(200)
    })
  })

  describe('a session', () => {
    test('is listed, and ended from another one', async () => {
      const { email, browser } = await people.invite(owner, [{ role: 'reader' }])
      const other = (await people.signIn(email)).browser
      const { items } = (await browser.get('/account/sessions')).body
      expect(items.filter(({ isCurrent }: { isCurrent: boolean }) => isCurrent)).toHaveLength(1)
      const [ended] = items.filter(({ isCurrent }: { isCurrent: boolean }) => !isCurrent)
      expect((await browser.send('DELETE', `/account/sessions/${ended.id}`)).status).toBe(204)
      expect([await whoami(browser), await whoami(other)]).toEqual([200, 401])
      expect(JSON.stringify(items)).not.toContain(
        decodeURIComponent(browser.cookies.get('hotpatch') ?? '').split('.')[0],
      )
    })

    test("of somebody else cannot be ended, nor seen, by one's own account", async () => {
      const { browser } = await people.invite(owner, [{ role: 'admin' }])
      const { items } = (await owner.get('/account/sessions')).body
      expect(problemOf(await browser.send('DELETE', `/account/sessions/${items[0].id}`))).toBe('404 not-found')
      expect(await whoami(owner)).toBe(200)
    })

    test('ends with all others, this one included', async () => {
      const { email, browser } = await people.invite(owner, [{ role: 'reader' }])
      const other = (await people.signIn(email)).browser
      expect((await browser.post('/sign-out-everywhere')).status).toBe(204)
      expect([await whoami(browser), await whoami(other)]).toEqual([401, 401])
    })

    test('ends when its time has come', async () => {
      const { id, browser } = await people.invite(owner, [{ role: 'reader' }])
      await db
        .updateTable('person_session')
        .set({ expires_at: Date.now() - 1 })
        .where('person_id', '=', id)
        .execute()
      expect(await whoami(browser)).toBe(401)
    })

    test('does not begin with what is in the database alone', async () => {
      const row = await db.selectFrom('person_session').select('token').limit(1).executeTakeFirstOrThrow()
      const thief = newBrowser()
      for (const value of [row.token, `${row.token}.`, `${row.token}.AAAA`]) {
        thief.cookies.set('hotpatch', value)
        expect(await whoami(thief)).toBe(401)
      }
    })
  })

  describe('a password', () => {
    test('is changed by whoever knows it, and every other session ends', async () => {
      const { email, browser } = await people.invite(owner, [{ role: 'reader' }])
      const other = (await people.signIn(email)).browser
      const before = browser.cookies.get('hotpatch')
      const change = (currentPassword: string) =>
        browser.post('/account/password', { currentPassword, newPassword: OTHER_PASSWORD })
      expect(problemOf(await change('a wrong password'))).toBe('403 password-wrong')
      expect((await change(PASSWORD)).status).toBe(204)
      expect([await whoami(browser), await whoami(other)]).toEqual([200, 401])
      expect(browser.cookies.get('hotpatch')).not.toBe(before)
      expect((await people.signIn(email)).response.status).toBe(401)
      expect((await people.signIn(email, OTHER_PASSWORD)).response.status).toBe(200)
    })

    test('is not guessed with a stolen session', async () => {
      const { browser } = await people.invite(owner, [{ role: 'reader' }])
      const change = (currentPassword: string) =>
        browser.post('/account/password', { currentPassword, newPassword: OTHER_PASSWORD })
      for (let attempt = 0; attempt < 5; attempt++) await change(`wrong ${attempt}`)
      expect(problemOf(await change(PASSWORD))).toBe('403 password-wrong')
    })

    test('is set anew by a link, once; sessions and the old one end', async () => {
      const { id, email, browser } = await people.invite(owner, [{ role: 'reader' }])
      const { body } = await owner.post(`/people/${id}/reset-link`, { minutes: 30 })
      const secret = secretOf(body.link)
      expect((await newBrowser().post('/one-time-links/look', { secret })).body).toMatchObject({ kind: 'reset', email })
      expect(await whoami(browser)).toBe(200)
      const use = () => newBrowser().post('/one-time-links/use', { secret, password: OTHER_PASSWORD })
      const answers = await Promise.all([use(), use()])
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 410])
      expect(answers.find(({ status }) => status === 200)?.body).toEqual({ done: false, needs: 'sign-in' })
      expect(await whoami(browser)).toBe(401)
      expect((await people.signIn(email)).response.status).toBe(401)
      expect((await people.signIn(email, OTHER_PASSWORD)).response.status).toBe(200)
    })

    test('is not set by a link that was made by who may less than the person has come to since', async () => {
      const app = await server.createTestApp()
      const admin = (await people.invite(owner, [{ role: 'admin', app: app.slug }])).browser
      const { id } = await people.invite(owner, [{ role: 'reader', app: app.slug }])
      const { body } = await admin.post(`/people/${id}/reset-link`, { minutes: 1440 })
      const secret = secretOf(body.link)
      expect((await newBrowser().post('/one-time-links/look', { secret })).status).toBe(200)
      await owner.send('PATCH', `/people/${id}`, { grants: [{ role: 'owner' }] })
      const use = await newBrowser().post('/one-time-links/use', { secret, password: OTHER_PASSWORD })
      expect(problemOf(use)).toBe('410 link-gone')
      await owner.send('PATCH', `/people/${id}`, { grants: [{ role: 'reader' }] })
    })

    test('is not set by a link whose time is over, nor by the one before the newest', async () => {
      const { id } = await people.invite(owner, [{ role: 'reader' }])
      const make = async () => secretOf((await owner.post(`/people/${id}/reset-link`, {})).body.link)
      const [first, second] = [await make(), await make()]
      const use = (secret: string) => newBrowser().post('/one-time-links/use', { secret, password: OTHER_PASSWORD })
      expect(problemOf(await use(first))).toBe('410 link-gone')
      clock.advance(HOUR_MS)
      expect(problemOf(await use(second))).toBe('410 link-gone')
    })
  })

  describe('an invitation', () => {
    const invite = (by: BrowserOf, body: Record<string, unknown>) => by.post('/people/invitations', body)

    test('lets in whom it is for, with what it says, and nobody twice', async () => {
      const app = await server.createTestApp()
      const { body } = await invite(owner, { email: 'Ina@Example.com', grants: [{ role: 'publisher', app: app.slug }] })
      expect(body.link).toMatch(/^http:\/\/localhost\/dashboard\/invitation#[\w-]{43}$/)
      const secret = secretOf(body.link)
      const use = (changes: Record<string, unknown> = {}) =>
        newBrowser().post('/one-time-links/use', { secret, name: 'Ina', password: PASSWORD, ...changes })
      expect((await newBrowser().post('/one-time-links/look', { secret })).body).toMatchObject({ invitedBy: 'Olga' })
      expect((await use({ email: 'mallory@example.com' })).status).toBe(200)
      expect(problemOf(await use())).toBe('410 link-gone')
      const ina = (await people.signIn('ina@example.com')).browser
      expect((await ina.get('/whoami')).body.grants).toMatchObject([{ role: 'publisher', appId: app.id }])
      expect((await people.signIn('mallory@example.com')).response.status).toBe(401)
      expect(problemOf(await invite(owner, { email: 'ina@example.com', grants: [{ role: 'reader' }] }))).toBe(
        '409 person-exists',
      )
    })

    test('is withdrawn, expires after a week, and gives way to the next one for the same address', async () => {
      const make = async () => (await invite(owner, { email: 'w@example.com', grants: [{ role: 'reader' }] })).body
      const look = async ({ link }: { link: string }) =>
        (await newBrowser().post('/one-time-links/look', { secret: secretOf(link) })).status
      const first = await make()
      const second = await make()
      expect([await look(first), await look(second)]).toEqual([410, 200])
      expect((await owner.get('/people/invitations')).body.items).toMatchObject([
        { id: second.id, email: 'w@example.com' },
      ])
      expect((await owner.send('DELETE', `/people/invitations/${second.id}`)).status).toBe(204)
      expect(await look(second)).toBe(410)
      const third = await make()
      clock.advance(7 * DAY_MS)
      expect(await look(third)).toBe(410)
    })

    test('gives no more than who makes it has', async () => {
      const [mine, other] = [await server.createTestApp(), await server.createTestApp()]
      const { browser } = await people.invite(owner, [{ role: 'admin', app: mine.slug }])
      const email = 'more@example.com'
      for (const grant of [
        { role: 'reader' },
        { role: 'owner', app: mine.slug },
        { role: 'reader', app: other.slug },
      ]) {
        expect(problemOf(await invite(browser, { email, grants: [grant] }))).toBe('403 forbidden')
      }
      expect((await invite(browser, { email, grants: [{ role: 'admin', app: mine.slug }] })).status).toBe(201)
      const reader = await people.invite(owner, [{ role: 'reader' }])
      expect(problemOf(await invite(reader.browser, { email, grants: [{ role: 'reader' }] }))).toBe('403 forbidden')
    })

    test('ends with the rights of who made it', async () => {
      const { id, browser } = await people.invite(owner, [{ role: 'admin' }])
      const { body } = await invite(browser, { email: 'friend@example.com', grants: [{ role: 'admin' }] })
      await owner.send('PATCH', `/people/${id}`, { grants: [{ role: 'reader' }] })
      const look = await newBrowser().post('/one-time-links/look', { secret: secretOf(body.link) })
      expect(problemOf(look)).toBe('410 link-gone')
    })

    test('ends with the token that made it, and is not made by one that is for a time or some addresses', async () => {
      const input = { email: 'by-token@example.com', grants: [{ role: 'admin' }] }
      const make = async (limits: object) =>
        (await owner.post('/tokens', { name: 'inviting', role: 'owner', ...limits })).body
      const { id, token } = await make({})
      const { body } = await server.request('POST', '/manage/v1/people/invitations', { token, body: input })
      expect((await owner.post(`/tokens/${id}/revoke`)).status).toBe(200)
      const use = { secret: secretOf(body.link), name: 'Mallory', password: PASSWORD }
      expect(problemOf(await newBrowser().post('/one-time-links/use', use))).toBe('410 link-gone')
      const expiresAt = new Date(clock.now() + DAY_MS).toISOString()
      for (const limits of [{ expiresAt }, { allowedAddresses: ['127.0.0.1'] }]) {
        const bound = { token: (await make(limits)).token as string }
        const invited = await server.request('POST', '/manage/v1/people/invitations', { ...bound, body: input })
        expect(problemOf(invited)).toBe('403 forbidden')
        const reader = await people.invite(owner, [{ role: 'reader' }])
        const grants = { grants: [{ role: 'owner' }] }
        const given = await server.request('PATCH', `/manage/v1/people/${reader.id}`, { ...bound, body: grants })
        expect(problemOf(given)).toBe('403 forbidden')
        const reset = await server.request('POST', `/manage/v1/people/${reader.id}/reset-link`, { ...bound, body: {} })
        expect(problemOf(reset)).toBe('403 forbidden')
        const disabled = { ...bound, body: { disabled: true } }
        expect((await server.request('PATCH', `/manage/v1/people/${reader.id}`, disabled)).status).toBe(200)
      }
    })

    describe('of somebody who has an account', () => {
      test('is made as any other by who does not see the account, and adds what it gives when he takes it himself', async () => {
        const [mine, other] = [await server.createTestApp(), await server.createTestApp()]
        const admin = (await people.invite(owner, [{ role: 'admin', app: mine.slug }])).browser
        const known = await people.invite(owner, [{ role: 'publisher', app: other.slug }])
        const grants = [{ role: 'reader', app: mine.slug }]
        const made = await invite(admin, { email: known.email.toUpperCase(), grants })
        const ofNobody = await invite(admin, { email: 'nobody-yet@example.com', grants })
        expect(made.status).toBe(201)
        const shape = ({ body }: typeof made) => Object.entries(body).map(([name, value]) => [name, typeof value])
        expect(shape(made)).toEqual(shape(ofNobody))
        const secret = secretOf(made.body.link)
        const look = async (link: string) =>
          (await newBrowser().post('/one-time-links/look', { secret: secretOf(link) })).body
        expect({ ...(await look(made.body.link)), email: '' }).toEqual({
          ...(await look(ofNobody.body.link)),
          email: '',
        })
        // Whoever has the link alone, and somebody else, get nothing of him.
        const use = (browser: BrowserOf) =>
          browser.post('/one-time-links/use', { secret, name: 'Mallory', password: OTHER_PASSWORD })
        for (const browser of [newBrowser(), admin]) expect(problemOf(await use(browser))).toBe('409 person-exists')
        expect((await people.signIn(known.email, OTHER_PASSWORD)).response.status).toBe(401)

        expect((await known.browser.post('/one-time-links/use', { secret })).body).toEqual({ done: true })
        expect((await known.browser.get('/account')).body.grants).toEqual(
          expect.arrayContaining([
            { role: 'publisher', appId: other.id, source: 'people' },
            { role: 'reader', appId: mine.id, source: 'people' },
          ]),
        )
        expect(problemOf(await known.browser.post('/one-time-links/use', { secret }))).toBe('410 link-gone')
        expect((await audited('person.invitation-accepted'))[0]).toMatchObject({ actorId: known.id })
        // From then on he is seen, and so it is told.
        expect(problemOf(await invite(admin, { email: known.email, grants }))).toBe('409 person-exists')
      })

      test('takes nothing from him, and gives nothing that who made it may not give any more', async () => {
        const app = await server.createTestApp()
        const inviting = await people.invite(owner, [{ role: 'admin', app: app.slug }])
        const known = await people.invite(owner, [{ role: 'owner' }])
        const grants = [{ role: 'reader', app: app.slug }]
        const make = async () => secretOf((await invite(inviting.browser, { email: known.email, grants })).body.link)
        const first = await make()
        expect((await known.browser.post('/one-time-links/use', { secret: first })).status).toBe(200)
        expect((await known.browser.get('/whoami')).body.role).toBe('owner')
        await owner.send('PATCH', `/people/${known.id}`, { grants: [{ role: 'admin' }] })
        const second = await make()
        await owner.send('PATCH', `/people/${inviting.id}`, { grants: [{ role: 'reader', app: app.slug }] })
        expect(problemOf(await known.browser.post('/one-time-links/use', { secret: second }))).toBe('410 link-gone')
      })

      test('is not what an account can be looked for by: its address is changed by who sees everybody', async () => {
        const app = await server.createTestApp()
        const admin = (await people.invite(owner, [{ role: 'admin', app: app.slug }])).browser
        const { id } = await people.invite(owner, [{ role: 'reader', app: app.slug }])
        for (const email of ['olga@example.com', 'nobody-at-all@example.com']) {
          expect(problemOf(await admin.send('PATCH', `/people/${id}`, { email }))).toBe('403 forbidden')
        }
      })
    })

    describe('beside many that wait', () => {
      /** As if somebody had made them one by one. */
      const fill = async (count: number, appId: string | null, by: string) => {
        const rows = Array.from({ length: count }, (_, index) => ({
          id: crypto.randomUUID(),
          kind: 'invitation' as const,
          secret_hash: crypto.randomUUID(),
          email: `waiting-${index}@example.com`,
          name: null,
          grants: JSON.stringify([{ role: 'reader', app_id: appId }]),
          person_id: null,
          removes_second_factor: 0,
          created_at: clock.now(),
          created_by: 'test',
          created_by_person: by,
          created_by_token: null,
          expires_at: clock.now() + DAY_MS,
          used_at: null,
        }))
        for (let from = 0; from < count; from += 50) {
          await db
            .insertInto('one_time_link')
            .values(rows.slice(from, from + 50))
            .execute()
        }
      }
      const empty = () => db.deleteFrom('one_time_link').where('kind', '=', 'invitation').execute()
      const idOf = async (browser: BrowserOf) => (await browser.get('/account')).body.id as string

      test('nobody but an owner makes more than his share, by himself or by tokens', async () => {
        await empty()
        const admin = await people.invite(owner, [{ role: 'admin' }])
        await fill(99, null, admin.id)
        const { token } = (await admin.browser.post('/tokens', { name: 'more', role: 'admin' })).body
        const one = { email: 'one@example.com', grants: [{ role: 'reader' }] }
        expect((await invite(admin.browser, one)).status).toBe(201)
        // A new one for the same address takes the place of the one before.
        expect((await invite(admin.browser, one)).status).toBe(201)
        const more = { email: 'two@example.com', grants: [{ role: 'reader' }] }
        expect(problemOf(await invite(admin.browser, more))).toBe('409 too-many-invitations')
        const byToken = await server.request('POST', '/manage/v1/people/invitations', { token, body: more })
        expect(problemOf(byToken)).toBe('409 too-many-invitations')
        const other = await people.invite(owner, [{ role: 'admin' }])
        expect((await invite(other.browser, more)).status).toBe(201)
      })

      test('those for one app fill nobody else’s room', async () => {
        await empty()
        const [mine, other] = [await server.createTestApp(), await server.createTestApp()]
        const admins = [
          await people.invite(owner, [{ role: 'admin', app: mine.slug }]),
          await people.invite(owner, [{ role: 'admin', app: other.slug }]),
        ]
        await fill(100, mine.id, crypto.randomUUID())
        await fill(100, mine.id, crypto.randomUUID())
        const make = ({ browser }: (typeof admins)[number], app: string) =>
          invite(browser, { email: 'three@example.com', grants: [{ role: 'reader', app }] })
        expect(problemOf(await make(admins[0]!, mine.slug))).toBe('409 too-many-invitations')
        expect((await make(admins[1]!, other.slug)).status).toBe(201)
      })

      test('an owner can always invite', async () => {
        await empty()
        const admin = await people.invite(owner, [{ role: 'admin' }])
        for (let by = 0; by < 10; by++) await fill(100, null, crypto.randomUUID())
        const one = { email: 'four@example.com', grants: [{ role: 'reader' }] }
        expect(problemOf(await invite(admin.browser, one))).toBe('409 too-many-invitations')
        expect((await invite(owner, one)).status).toBe(201)
        await fill(1000, null, await idOf(owner))
        expect(problemOf(await invite(owner, { ...one, email: 'five@example.com' }))).toBe('409 too-many-invitations')
        await empty()
      })
    })

    test('that gives more is not withdrawn by whoever invites the same address to less', async () => {
      const app = await server.createTestApp()
      const admin = (await people.invite(owner, [{ role: 'admin', app: app.slug }])).browser
      const email = 'boss@example.com'
      const more = (await invite(owner, { email, grants: [{ role: 'owner' }] })).body
      const less = await invite(admin, { email, grants: [{ role: 'reader', app: app.slug }] })
      expect(less.status).toBe(201)
      const look = await newBrowser().post('/one-time-links/look', { secret: secretOf(more.link) })
      expect(look.body).toMatchObject({ grants: [{ role: 'owner', appId: null }] })
      expect((await owner.send('DELETE', `/people/invitations/${more.id}`)).status).toBe(204)
    })
  })

  test.each([
    ['POST', '/people/invitations', { email: 'late@example.com', grants: [{ role: 'admin' }] }],
    ['PUT', '/apps/late/channels/production/protection', { roles: ['admin'] }],
  ])(
    '%s %s does nothing when its author has lost the right to before all of it has come',
    async (method, path, input) => {
      await server.request('POST', '/manage/v1/apps', { body: { name: 'Late', slug: 'late', platforms: ['ios'] } })
      const { id, browser } = await people.invite(owner, [{ role: 'admin' }])
      const body = JSON.stringify(input)
      const asked = request(new URL(`/manage/v1${path}`, address), {
        method,
        headers: {
          origin: address.origin,
          cookie: `hotpatch=${browser.cookies.get('hotpatch')}`,
          'content-type': 'application/json',
          'content-length': body.length,
        },
      })
      const answer = once(asked, 'response') as Promise<[IncomingMessage]>
      clock.advance(HOUR_MS)
      asked.write(body.slice(0, 5))
      // Then the server has looked who it is.
      await eventually(async () => {
        const { items } = (await owner.get(`/people/${id}/sessions`)).body
        expect(items).toMatchObject([{ lastUsedAt: new Date(clock.now()).toISOString() }])
      })
      await owner.send('PATCH', `/people/${id}`, { disabled: true })
      asked.end(body.slice(5))
      const [response] = await answer
      response.resume()
      expect(response.statusCode).toBe(401)
    },
  )

  describe('a person', () => {
    test('is found by a part of the name or address, page by page', async () => {
      await people.invite(owner, [{ role: 'reader' }], 'Zora Hundred%')
      const find = async (query: string) => (await owner.get(`/people?${query}`)).body
      expect((await find('text=zora')).items).toMatchObject([{ name: 'Zora Hundred%' }])
      expect((await find('text=HUNDRED%25')).items).toHaveLength(1)
      expect((await find('text=nobody')).items).toEqual([])
      const first = await find('limit=1')
      expect((await find(`limit=1&cursor=${first.nextCursor}`)).items[0].id).not.toBe(first.items[0].id)
    })

    test('who is disabled is out at once, with every token that he made, and comes back without them', async () => {
      const { id, email, browser } = await people.invite(owner, [{ role: 'admin' }])
      const { token } = (await browser.post('/tokens', { name: 'of his', role: 'reader' })).body
      const byToken = async () => (await server.request('GET', '/manage/v1/whoami', { token })).status
      expect([await whoami(browser), await byToken()]).toEqual([200, 200])
      const { body } = await owner.send('PATCH', `/people/${id}`, { disabled: true })
      expect(body.disabledAt).toBe(new Date(clock.now()).toISOString())
      expect([await whoami(browser), await byToken()]).toEqual([401, 401])
      expect(problemOf((await people.signIn(email)).response)).toBe('401 sign-in-failed')
      await owner.send('PATCH', `/people/${id}`, { disabled: false })
      expect([await whoami(browser), await byToken()]).toEqual([401, 401])
      expect((await people.signIn(email)).response.status).toBe(200)
    })

    test('who is removed is gone, and his tokens, unless they are kept', async () => {
      const make = async () => {
        const { id, browser } = await people.invite(owner, [{ role: 'admin' }])
        return {
          id,
          browser,
          token: (await browser.post('/tokens', { name: 't', role: 'reader' })).body.token as string,
        }
      }
      const byToken = async (token: string) => (await server.request('GET', '/manage/v1/whoami', { token })).status
      const [one, two] = [await make(), await make()]
      await owner.send('DELETE', `/people/${one.id}`)
      await owner.send('DELETE', `/people/${two.id}?keepTokens=true`)
      expect([await byToken(one.token), await byToken(two.token)]).toEqual([401, 200])
      expect([await whoami(one.browser), await whoami(two.browser)]).toEqual([401, 401])
      expect(problemOf(await owner.get(`/people/${one.id}`))).toBe('404 person-not-found')
    })

    test('who has more is not touched by who has less', async () => {
      const admin = (await people.invite(owner, [{ role: 'admin' }])).browser
      const { id } = (await owner.get('/account')).body
      const answers = [
        await admin.send('PATCH', `/people/${id}`, { disabled: true }),
        await admin.send('PATCH', `/people/${id}`, { grants: [{ role: 'reader' }] }),
        await admin.send('PATCH', `/people/${id}`, { name: 'Mallory' }),
        await admin.send('PATCH', `/people/${id}`, { email: 'mallory@example.com' }),
        await admin.send('DELETE', `/people/${id}`),
        await admin.post(`/people/${id}/reset-link`, {}),
        await admin.send('DELETE', `/people/${id}/sessions`),
      ]
      expect(answers.map(problemOf)).toEqual(Array.from({ length: 7 }, () => '403 forbidden'))
      const own = (await admin.get('/account')).body.id
      const more = await admin.send('PATCH', `/people/${own}`, { grants: [{ role: 'owner' }] })
      expect(problemOf(more)).toBe('403 forbidden')
    })

    test('of other apps is not seen by the admin of one', async () => {
      const [mine, other] = [await server.createTestApp(), await server.createTestApp()]
      const admin = (await people.invite(owner, [{ role: 'admin', app: mine.slug }])).browser
      const seen = await people.invite(owner, [{ role: 'reader', app: mine.slug }])
      const unseen = await people.invite(owner, [{ role: 'reader', app: other.slug }])
      const ids = (await admin.get('/people')).body.items.map(({ id }: { id: string }) => id)
      expect(ids).toContain(seen.id)
      expect(ids).not.toContain(unseen.id)
      expect(problemOf(await admin.get(`/people/${unseen.id}`))).toBe('404 person-not-found')
      expect(problemOf(await admin.get(`/people/${unseen.id}/sessions`))).toBe('404 person-not-found')
    })

    test('has one role for each place', async () => {
      const { id } = await people.invite(owner, [{ role: 'reader' }])
      const twice = await owner.send('PATCH', `/people/${id}`, { grants: [{ role: 'reader' }, { role: 'admin' }] })
      expect(problemOf(twice)).toBe('400 invalid-request')
      const { body } = await owner.send('PATCH', `/people/${id}`, { grants: [{ role: 'publisher' }], name: 'New' })
      expect(body).toMatchObject({ name: 'New', grants: [{ role: 'publisher', appId: null }] })
      expect((await audited('person.changed'))[0]).toMatchObject({
        before: { grants: [{ role: 'reader', appId: null }] },
        after: { name: 'New', grants: [{ role: 'publisher', appId: null }] },
      })
    })

    test('signs in by another address when it was changed, and by nobody else is one taken', async () => {
      const { id, email } = await people.invite(owner, [{ role: 'reader' }])
      const taken = await owner.send('PATCH', `/people/${id}`, { email: 'OLGA@example.com' })
      expect(problemOf(taken)).toBe('409 person-exists')
      const changed = await owner.send('PATCH', `/people/${id}`, { email: 'Moved@Example.com' })
      expect(changed.body.email).toBe('moved@example.com')
      expect((await people.signIn('moved@example.com')).response.status).toBe(200)
      expect((await people.signIn(email)).response.status).toBe(401)
    })

    test('who is the last owner stays one, also when two owners end each other at once', async () => {
      const ownId = (await owner.get('/account')).body.id
      for (const answer of [
        await server.request('PATCH', `/manage/v1/people/${ownId}`, { body: { disabled: true } }),
        await server.request('PATCH', `/manage/v1/people/${ownId}`, { body: { grants: [{ role: 'admin' }] } }),
        await server.request('DELETE', `/manage/v1/people/${ownId}`),
      ]) {
        expect(problemOf(answer)).toBe('409 last-owner')
      }
      const second = await people.invite(owner, [{ role: 'owner' }])
      const demote = (by: BrowserOf, id: string) => by.send('PATCH', `/people/${id}`, { grants: [{ role: 'admin' }] })
      const answers = await Promise.all([demote(owner, second.id), demote(second.browser, ownId)])
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      const { items } = (await server.request('GET', '/manage/v1/people')).body
      const owners = items.filter(({ grants }: { grants: { role: string }[] }) =>
        grants.some(({ role }) => role === 'owner'),
      )
      expect(owners).toHaveLength(1)
      // The others go on as the owner.
      await server.request('PATCH', `/manage/v1/people/${ownId}`, { body: { grants: [{ role: 'owner' }] } })
    })

    test('is no account of a token', async () => {
      const response = await server.request('GET', '/manage/v1/account')
      expect(problemOf(response)).toBe('403 forbidden')
    })
  })

  test('no secret is in the database, in the log, or in an answer to somebody else', async () => {
    const { id, browser } = await people.invite(owner, [{ role: 'reader' }])
    const secret = secretOf((await owner.post(`/people/${id}/reset-link`, {})).body.link)
    await newBrowser().post('/one-time-links/look', { secret })
    const token = decodeURIComponent(browser.cookies.get('hotpatch') ?? '')
    const dump = JSON.stringify(await dumpDatabase(db))
    const log = logged.join('')
    expect(log).toContain('/manage/v1/one-time-links/look')
    for (const text of [dump, log]) {
      for (const hidden of [PASSWORD, secret, token, browser.cookies.get('hotpatch-known') ?? '-']) {
        expect(text).not.toContain(hidden)
      }
    }
    expect(log).not.toContain(token.split('.')[0])
    expect(dump).toContain('$argon2id$')
    expect(JSON.stringify((await owner.get('/people')).body)).not.toMatch(/argon2|token|secret/i)
  })

  test('what is over is swept away', async () => {
    clock.advance(MINUTE_MS)
    expect(await db.selectFrom('one_time_link').select('id').where('kind', '=', 'first-owner').execute()).toEqual([])
  })
})

test('over https, cookies are secure and of this host alone, and no other is taken for them', async () => {
  const origin = 'https://updates.example.com'
  const server = await startTestServer({ env: { HOTPATCH_PUBLIC_URL: origin } })
  onTestFinished(() => server.close())
  const browser = new BrowserOf(server, '127.0.0.1', origin)
  const owner = { secret: server.firstOwnerSecret, email: 'olga@example.com', name: 'Olga', password: PASSWORD }
  const { headers } = await browser.post('/one-time-links/use', owner)
  const cookies = [headers['set-cookie'] ?? []].flat() as string[]
  expect(cookies.map((cookie) => cookie.split('=', 1).join()).toSorted()).toEqual([
    '__Host-hotpatch',
    '__Host-hotpatch-known',
  ])
  for (const cookie of cookies) {
    expect(cookie).toMatch(/; Secure/)
    expect(cookie).toMatch(/; Path=\//)
    expect(cookie).not.toMatch(/Domain/i)
  }
  expect((await browser.get('/whoami')).status).toBe(200)
  const session = browser.cookies.get('__Host-hotpatch') ?? ''
  browser.cookies.clear()
  for (const name of ['hotpatch', '__Secure-hotpatch']) browser.cookies.set(name, session)
  expect((await browser.get('/whoami')).status).toBe(401)
})
