import {
  describeOnEveryDatabase,
  dumpDatabase,
  fixedClock,
  problemOf,
  startTestServer,
  temporaryDirectory,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { MINUTE_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { SoftwarePasskey, totpOf } from './testing/authenticator.ts'
import { BrowserOf } from './testing/browser.ts'
import { PASSWORD, peopleOf, secretOf } from './testing/people.ts'

const ORIGIN = 'http://localhost'
const READER = [{ role: 'reader' }]

describeOnEveryDatabase('second factors', (openDatabase) => {
  const clock = fixedClock()
  let db: Database
  let server: TestServer
  let people: ReturnType<typeof peopleOf>
  let owner: BrowserOf

  beforeAll(async () => {
    // Codes are of the time of the process, which the library reads by itself.
    vi.useFakeTimers({ toFake: ['Date'], now: clock.now() })
    db = await openDatabase()
    server = await startTestServer({ database: db, clock })
    people = peopleOf(server)
    owner = await people.firstOwner()
  })
  // What one address may do in a minute is enough for one test.
  beforeEach(() => clock.advance(MINUTE_MS))
  afterAll(async () => {
    vi.useRealTimers()
    await server.close()
  })

  const newBrowser = () => new BrowserOf(server)
  const whoami = async (browser: BrowserOf) => (await browser.get('/whoami')).status
  /** Half a minute later there is another code. */
  const nextCode = (uri: string) => {
    vi.setSystemTime(Date.now() + 30_000)
    return totpOf(uri, Date.now())
  }

  describe('an authenticator app', () => {
    async function withTotp() {
      const person = await people.invite(owner, READER)
      const { body } = await person.browser.post('/account/totp', { password: PASSWORD })
      const confirmed = await person.browser.post('/account/totp/confirm', { code: nextCode(body.uri) })
      if (confirmed.status !== 204) throw new Error(JSON.stringify(confirmed.body))
      return { ...person, uri: body.uri as string, codes: body.recoveryCodes as string[] }
    }

    test('is in force when it is confirmed, and not before', async () => {
      const { email, browser } = await people.invite(owner, READER)
      expect(problemOf(await browser.post('/account/totp', { password: 'wrong' }))).toBe('403 password-wrong')
      const { body } = await browser.post('/account/totp', { password: PASSWORD })
      expect(body.uri).toMatch(/^otpauth:\/\/totp\/HotPatch/)
      expect(new Set(body.recoveryCodes).size).toBe(10)
      expect((await people.signIn(email)).response.body).toEqual({ done: true })
      expect(problemOf(await browser.post('/account/totp/confirm', { code: '000000' }))).toBe('409 second-factor-state')
      const before = browser.cookies.get('hotpatch')
      expect((await browser.post('/account/totp/confirm', { code: nextCode(body.uri) })).status).toBe(204)
      expect(browser.cookies.get('hotpatch')).not.toBe(before)
      expect((await browser.get('/account')).body).toMatchObject({ hasTotp: true })
      expect((await people.signIn(email)).response.body).toEqual({ done: false, needs: 'totp' })
    })

    test('lets nobody in with the password alone, and nobody twice with one code', async () => {
      const { email, uri } = await withTotp()
      const first = await people.signIn(email)
      expect(await whoami(first.browser)).toBe(401)
      const code = nextCode(uri)
      expect(problemOf(await newBrowser().post('/sign-in/totp', { code }))).toBe('401 sign-in-failed')
      expect((await first.browser.post('/sign-in/totp', { code })).body).toEqual({ done: true })
      expect(await whoami(first.browser)).toBe(200)
      const second = await people.signIn(email)
      expect(problemOf(await second.browser.post('/sign-in/totp', { code }))).toBe('401 sign-in-failed')
      expect(await whoami(second.browser)).toBe(401)
    })

    test('takes one of two who come at once with the same code', async () => {
      const { email, uri } = await withTotp()
      const [one, two] = [(await people.signIn(email)).browser, (await people.signIn(email)).browser]
      const code = nextCode(uri)
      const answers = await Promise.all([one, two].map((browser) => browser.post('/sign-in/totp', { code })))
      expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401])
    })

    test('is not guessed: a few wrong codes, and the right one counts no more', async () => {
      const { email, uri } = await withTotp()
      const { browser } = await people.signIn(email)
      for (let attempt = 0; attempt < 5; attempt++) await browser.post('/sign-in/totp', { code: '000000' })
      expect(problemOf(await browser.post('/sign-in/totp', { code: nextCode(uri) }))).toBe('401 sign-in-failed')
      // Nor over several sign-ins.
      for (let attempt = 0; attempt < 5; attempt++) {
        const again = (await people.signIn(email)).browser
        await again.post('/sign-in/totp', { code: '000000' })
      }
      const last = (await people.signIn(email)).browser
      expect((await last.post('/sign-in/totp', { code: nextCode(uri) })).status).toBe(401)
      vi.setSystemTime(Date.now() + 15 * MINUTE_MS)
      const later = (await people.signIn(email)).browser
      expect((await later.post('/sign-in/totp', { code: nextCode(uri) })).status).toBe(200)
    })

    test('is not guessed from many addresses, nor by recovery codes in between: they count together', async () => {
      const { email, uri, codes } = await withTotp()
      let from = 0
      const begin = async () => {
        const browser = new BrowserOf(server, `10.2.0.${(from += 1)}`)
        expect((await people.signIn(email, PASSWORD, browser)).response.body).toEqual({ done: false, needs: 'totp' })
        return browser
      }
      const tryCode = async (code: string) => (await (await begin()).post('/sign-in/totp', { code })).status
      const tryRecovery = async (code: string) =>
        (await (await begin()).post('/sign-in/recovery-code', { code })).status
      for (let attempt = 0; attempt < 5; attempt++) {
        expect([await tryCode('000000'), await tryRecovery('aaaaa-bbbbb')]).toEqual([401, 401])
      }
      expect([await tryRecovery(codes[0] ?? ''), await tryCode(nextCode(uri))]).toEqual([401, 401])
      vi.setSystemTime(Date.now() + 15 * MINUTE_MS)
      // It was not used up meanwhile.
      expect(await tryRecovery(codes[0] ?? '')).toBe(200)
    })

    test('is not guessed by many codes at once', async () => {
      const { email, uri } = await withTotp()
      const signIn = async (address: string) =>
        (await people.signIn(email, PASSWORD, new BrowserOf(server, address))).browser
      const browsers = []
      for (let nth = 0; nth < 13; nth++) browsers.push(await signIn(`10.2.2.${nth}`))
      const right = nextCode(uri)
      const codes = browsers.map((_, nth) => (nth === browsers.length - 1 ? right : '000000'))
      const answers = await Promise.all(
        browsers.map((browser, nth) => browser.post('/sign-in/totp', { code: codes[nth] })),
      )
      expect(answers.map(({ status }) => status)).toEqual(codes.map(() => 401))
    })

    test('is not guessed by recovery codes alone: of one sign-in five count', async () => {
      const { email, codes } = await withTotp()
      const signIn = async (address: string) =>
        (await people.signIn(email, PASSWORD, new BrowserOf(server, address))).browser
      const browser = await signIn('10.2.1.1')
      const use = async (by: BrowserOf, code: string | undefined) =>
        (await by.post('/sign-in/recovery-code', { code })).status
      for (let attempt = 0; attempt < 5; attempt++) expect(await use(browser, 'aaaaa-bbbbb')).toBe(401)
      expect(await use(browser, codes[0])).toBe(401)
      expect(await use(await signIn('10.2.1.2'), codes[0])).toBe(200)
    })

    test('is stood in for by recovery codes, each once, and by none of before', async () => {
      const { email, browser, codes } = await withTotp()
      const use = async (code: string | undefined) => {
        const signing = (await people.signIn(email)).browser
        return (await signing.post('/sign-in/recovery-code', { code })).status
      }
      expect([await use(codes[0]), await use(codes[0]), await use('aaaaa-bbbbb')]).toEqual([200, 401, 401])
      const { body } = await browser.post('/account/recovery-codes', { password: PASSWORD })
      expect([await use(codes[1]), await use(body.recoveryCodes[1])]).toEqual([401, 200])
    })

    test('is removed by whoever knows the password, or by a link for whoever has lost it', async () => {
      const own = await withTotp()
      expect(problemOf(await own.browser.post('/account/totp/remove', { password: 'wrong' }))).toBe(
        '403 password-wrong',
      )
      expect((await own.browser.post('/account/totp/remove', { password: PASSWORD })).status).toBe(204)
      expect((await people.signIn(own.email)).response.body).toEqual({ done: true })

      const lost = await withTotp()
      const reset = async (removesSecondFactor: boolean) => {
        const { body } = await owner.post(`/people/${lost.id}/reset-link`, { removesSecondFactor })
        await newBrowser().post('/one-time-links/use', { secret: secretOf(body.link), password: PASSWORD })
        return (await people.signIn(lost.email)).response.body
      }
      expect(await reset(false)).toEqual({ done: false, needs: 'totp' })
      expect(await reset(true)).toEqual({ done: true })
    })

    test('is not in the database in clear, nor are the recovery codes', async () => {
      const { uri, codes } = await withTotp()
      const dump = JSON.stringify(await dumpDatabase(db))
      for (const hidden of [new URL(uri).searchParams.get('secret') ?? '-', codes[0] ?? '-']) {
        expect(dump).not.toContain(hidden)
      }
    })
  })

  describe('a passkey', () => {
    async function withPasskey() {
      const person = await people.invite(owner, READER)
      const passkey = new SoftwarePasskey()
      const { body } = await person.browser.post('/account/passkeys/options', { password: PASSWORD })
      const response = passkey.create(body.options, ORIGIN)
      const added = await person.browser.post('/account/passkeys', { ceremony: body.ceremony, name: 'Phone', response })
      if (added.status !== 201) throw new Error(JSON.stringify(added.body))
      return { ...person, passkey, added: added.body as { id: string } }
    }
    const begin = async (browser = newBrowser()) => ({
      browser,
      ...(await browser.post('/sign-in/passkey/options')).body,
    })

    test('lets in whose it is, without a password, and once for each challenge', async () => {
      const { passkey, browser: own } = await withPasskey()
      const { browser, ceremony, options } = await begin()
      const response = passkey.get(options, ORIGIN)
      expect((await browser.post('/sign-in/passkey', { ceremony, response })).body).toEqual({ done: true })
      expect((await browser.get('/account')).body.id).toBe((await own.get('/account')).body.id)
      expect(problemOf(await newBrowser().post('/sign-in/passkey', { ceremony, response }))).toBe('422 passkey-refused')
      const { items } = (await own.get('/account/passkeys')).body
      expect(items).toMatchObject([{ name: 'Phone', usedAt: new Date(clock.now()).toISOString() }])
    })

    test('takes the password to add, and the browser that began it', async () => {
      const { browser } = await people.invite(owner, READER)
      const other = await people.invite(owner, READER)
      expect(problemOf(await browser.post('/account/passkeys/options', {}))).toBe('403 password-wrong')
      const { body } = await browser.post('/account/passkeys/options', { password: PASSWORD })
      const response = new SoftwarePasskey().create(body.options, ORIGIN)
      const added = await other.browser.post('/account/passkeys', { ceremony: body.ceremony, name: 'Mine', response })
      expect(problemOf(added)).toBe('422 passkey-refused')
    })

    test.each([
      ['another site', { origin: 'https://evil.example' }],
      ['certificates, at whose addresses the server would ask', { x5c: [Buffer.from('certificate')], fmt: 'packed' }],
      ['another form of attestation', { fmt: 'android-safetynet' }],
    ])(
      'of %s is not added',
      async (_case, { origin = ORIGIN, ...changes }: { origin?: string; fmt?: string; x5c?: Buffer[] }) => {
        const { browser } = await people.invite(owner, READER)
        const { body } = await browser.post('/account/passkeys/options', { password: PASSWORD })
        const response = new SoftwarePasskey().create(body.options, origin, changes)
        const added = await browser.post('/account/passkeys', { ceremony: body.ceremony, name: 'X', response })
        expect(problemOf(added)).toBe('422 passkey-refused')
      },
    )

    test('lets nobody in from another site, unverified, unknown, too late, removed, or disabled', async () => {
      const { id, passkey, added, browser: own } = await withPasskey()
      const attempt = async (make: (options: never) => unknown, whenBegun = async () => {}) => {
        const { browser, ceremony, options } = await begin()
        await whenBegun()
        return problemOf(await browser.post('/sign-in/passkey', { ceremony, response: make(options as never) }))
      }
      const sign = (options: never) => passkey.get(options, ORIGIN)
      expect(await attempt((options) => passkey.get(options, 'https://evil.example'))).toBe('401 sign-in-failed')
      expect(await attempt((options) => passkey.get(options, ORIGIN, 0x01))).toBe('401 sign-in-failed')
      expect(await attempt((options) => new SoftwarePasskey().get(options, ORIGIN))).toBe('401 sign-in-failed')
      expect(await attempt(() => ({}))).toBe('401 sign-in-failed')
      const late = async () => clock.advance(5 * MINUTE_MS)
      expect(await attempt(sign, late)).toBe('422 passkey-refused')
      await owner.send('PATCH', `/people/${id}`, { disabled: true })
      expect(await attempt(sign)).toBe('401 sign-in-failed')
      await owner.send('PATCH', `/people/${id}`, { disabled: false })
      const { browser, ceremony, options } = await begin()
      expect(
        (await browser.post('/sign-in/passkey', { ceremony, response: passkey.get(options, ORIGIN) })).status,
      ).toBe(200)
      expect(await whoami(own)).toBe(401)
      expect((await browser.send('DELETE', `/account/passkeys/${added.id}`)).status).toBe(204)
      expect(await attempt(sign)).toBe('401 sign-in-failed')
    })

    test('that was copied shows by its count', async () => {
      const { passkey } = await withPasskey()
      const one = await begin()
      const first = passkey.get(one.options, ORIGIN)
      const two = await begin()
      const second = passkey.get(two.options, ORIGIN)
      const use = async ({ browser, ceremony }: typeof one, response: unknown) =>
        (await browser.post('/sign-in/passkey', { ceremony, response })).status
      expect([await use(two, second), await use(one, first)]).toEqual([200, 401])
    })
  })
})

test('a second factor is still there under another key of the server, and when the old key is gone', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const directory = await temporaryDirectory()
  const start = (keys: string) =>
    startTestServer({ onFile: true, env: { HOTPATCH_DATA: directory, HOTPATCH_SECRETS_KEY: keys } })
  const [OLD, NEW] = ['the secrets key of the first year', 'the secrets key of the second year']
  const later = (uri: string) => {
    vi.setSystemTime(Date.now() + 30_000)
    return totpOf(uri, Date.now())
  }
  const first = await start(OLD)
  const owner = await peopleOf(first).firstOwner()
  const { uri } = (await owner.post('/account/totp', { password: PASSWORD })).body
  await owner.post('/account/totp/confirm', { code: later(uri) })
  await first.close()

  for (const keys of [`${NEW},${OLD}`, NEW]) {
    const server = await start(keys)
    const browser = new BrowserOf(server)
    // Sessions are of the key that they began with.
    for (const [name, value] of owner.cookies) browser.cookies.set(name, value)
    expect((await browser.get('/whoami')).status).toBe(401)
    const answer = await browser.post('/sign-in', { email: 'olga@example.com', password: PASSWORD })
    expect(answer.body).toEqual({ done: false, needs: 'totp' })
    expect((await browser.post('/sign-in/totp', { code: later(uri) })).body).toEqual({ done: true })
    await server.close()
  }
})
