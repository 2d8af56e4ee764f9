import { describeOnEveryDatabase, fixedClock, problemOf, startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BrowserOf } from './testing/browser.ts'

const PASSWORD = 'correct horse battery'

describeOnEveryDatabase('accounts', (openDatabase) => {
  const clock = fixedClock()
  let server: TestServer

  beforeAll(async () => {
    server = await startTestServer({ database: await openDatabase(), clock })
  })
  afterAll(() => server.close())

  describe('the first owner', () => {
    const browser = () => new BrowserOf(server)
    const use = (changes: Record<string, unknown> = {}) =>
      browser().post('/one-time-links/use', {
        secret: server.firstOwnerSecret,
        email: 'Olga@Example.com',
        name: 'Olga',
        password: PASSWORD,
        ...changes,
      })

    test('is made by the link of the start, once, also by two at the same time', async () => {
      const look = await browser().post('/one-time-links/look', { secret: server.firstOwnerSecret })
      expect(look.body).toMatchObject({ kind: 'first-owner', grants: [{ role: 'owner', appId: null }] })
      const answers = await Promise.all([use(), use()])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 410])
      expect(problemOf(await use())).toBe('410 link-gone')
    })

    test('is signed in then, and can sign in by password', async () => {
      const olga = browser()
      expect(problemOf(await olga.get('/whoami'))).toBe('401 authentication-required')
      const answer = await olga.post('/sign-in', { email: 'olga@example.com', password: PASSWORD })
      expect(answer.body).toEqual({ done: true })
      expect((await olga.get('/whoami')).body).toMatchObject({ kind: 'person', name: 'Olga', role: 'owner' })
      await olga.post('/sign-out')
      expect((await olga.get('/whoami')).status).toBe(401)
    })
  })
})
