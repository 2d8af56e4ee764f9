import { createHmac } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  describeOnEveryDatabase,
  dumpDatabase,
  fixedClock,
  problemOf,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../database/schema.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

describeOnEveryDatabase('access', (openDatabase) => {
  const clock = fixedClock()
  let db: Database
  let server: TestServer

  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db, clock, env: { JWT_SECRET: 's'.repeat(32) } })
  })
  afterAll(() => server.close())

  const whoami = (token: string) => server.request('GET', '/manage/v1/whoami', { token })
  const revoke = (id: string, token = server.ownerToken) =>
    server.request('POST', `/manage/v1/tokens/${id}/revoke`, { token })
  const newToken = async (fields: Record<string, unknown> = {}, token = server.ownerToken) => {
    const body = { name: 'test', role: 'publisher', ...fields }
    return (await server.request('POST', '/manage/v1/tokens', { body, token })).body as { id: string; token: string }
  }
  const exchange = (apiKey: string) => server.request('POST', '/auth/token', { body: { apiKey }, token: null })
  const refresh = (refreshToken: string) =>
    server.request('POST', '/auth/refresh', { body: { refreshToken }, token: null })

  describe('tokens', () => {
    test('the first start makes an owner token and keeps it for the owner alone', async () => {
      const path = join(server.directory, 'owner-token')
      expect(await readFile(path, 'utf8')).toBe(`${server.ownerToken}\n`)
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      expect((await whoami(server.ownerToken)).body).toMatchObject({ name: 'owner', role: 'owner', appId: null })
    })

    test('no secret is in the database, only what it hashes to', async () => {
      const { token } = await newToken()
      const { accessToken, refreshToken } = (await exchange(token)).body
      const text = JSON.stringify(await dumpDatabase(db))
      for (const secret of [server.ownerToken, token, accessToken, refreshToken]) {
        expect(text).not.toContain(secret)
        expect(text).not.toContain(secret.slice(-20))
      }
    })

    test('a list shows no secrets', async () => {
      const { id, token } = await newToken({ name: 'shown' })
      const { body } = await server.request('GET', '/manage/v1/tokens')
      expect(body.items).toContainEqual(expect.objectContaining({ id, name: 'shown', revokedAt: null }))
      expect(JSON.stringify(body)).not.toContain(token)
      expect(JSON.stringify(body)).not.toContain('hash')
    })

    test.each([
      ['no header', undefined, '401 authentication-required'],
      ['another scheme', 'Basic b3duZXI6b3duZXI=', '401 authentication-required'],
      ['no token', 'Bearer ', '401 authentication-required'],
      ['a made-up token', 'Bearer hpt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', '401 token-invalid'],
      ['something in three parts', 'Bearer a.b.c', '401 token-invalid'],
    ])('%s is refused', async (_case, authorization, expected) => {
      const headers = authorization === undefined ? {} : { authorization }
      const response = await server.request('GET', '/manage/v1/whoami', { token: null, headers })
      expect(problemOf(response)).toBe(expected)
      expect(response.headers['www-authenticate']).toBe('Bearer')
    })

    test('a token ends when its time has come', async () => {
      const { token } = await newToken({ expiresAt: new Date(clock.now() + MINUTE_MS).toISOString() })
      expect((await whoami(token)).status).toBe(200)
      clock.advance(MINUTE_MS)
      expect(problemOf(await whoami(token))).toBe('401 token-expired')
      expect(problemOf(await exchange(token))).toBe('401 token-expired')
    })

    test.each([
      ['in the past', '2020-01-01T00:00:00Z'],
      ['no time', 'tomorrow'],
      ['a leap second, which no clock here has', '2030-12-31T23:59:60Z'],
    ])('a token cannot expire at a time that is %s', async (_case, expiresAt) => {
      const body = { name: 'late', role: 'reader', expiresAt }
      expect(problemOf(await server.request('POST', '/manage/v1/tokens', { body }))).toBe('400 invalid-request')
    })

    test('a revocation holds at once, also for access tokens made from the token', async () => {
      const { id, token } = await newToken()
      const { accessToken, refreshToken } = (await exchange(token)).body
      expect((await whoami(accessToken)).status).toBe(200)
      expect((await revoke(id)).body.revokedAt).toBe(new Date(clock.now()).toISOString())
      expect(problemOf(await whoami(token))).toBe('401 token-invalid')
      expect(problemOf(await whoami(accessToken))).toBe('401 token-invalid')
      expect(problemOf(await refresh(refreshToken))).toBe('401 token-invalid')
      expect(problemOf(await exchange(token))).toBe('401 token-invalid')
    })

    test('revoking again changes nothing', async () => {
      const { id } = await newToken()
      const first = await revoke(id)
      clock.advance(1000)
      expect((await revoke(id)).body).toEqual(first.body)
    })

    test('the last owner token cannot be revoked', async () => {
      const { body } = await whoami(server.ownerToken)
      expect(problemOf(await revoke(body.tokenId))).toBe('403 forbidden')
    })

    test('neither an owner of one app nor an expired one counts as another owner', async () => {
      const app = await server.createTestApp()
      const ofOneApp = await newToken({ role: 'owner', app: app.slug })
      const expired = await newToken({ role: 'owner', expiresAt: new Date(clock.now() + MINUTE_MS).toISOString() })
      clock.advance(MINUTE_MS)
      const { body } = await whoami(server.ownerToken)
      expect(problemOf(await revoke(body.tokenId))).toBe('403 forbidden')
      for (const { id } of [ofOneApp, expired]) expect((await revoke(id)).status).toBe(200)
    })

    test('of two owners who revoke each other at once, one stays', async () => {
      const { body: first } = await whoami(server.ownerToken)
      const second = await newToken({ role: 'owner' })
      const responses = await Promise.all([revoke(second.id), revoke(first.tokenId, second.token)])
      const states = await Promise.all([whoami(server.ownerToken), whoami(second.token)])
      expect(states.filter(({ status }) => status === 200)).not.toHaveLength(0)
      // The others go on as the owner.
      if (responses[0]?.status !== 200) await revoke(second.id, second.token)
    })

    test('nobody makes or revokes a token that may do more than their own', async () => {
      const admin = await newToken({ role: 'admin' })
      const owner = await newToken({ role: 'owner' })
      const body = { name: 'more', role: 'owner' }
      const made = await server.request('POST', '/manage/v1/tokens', { body, token: admin.token })
      expect(problemOf(made)).toBe('403 forbidden')
      expect(problemOf(await revoke(owner.id, admin.token))).toBe('403 forbidden')
      expect((await revoke(owner.id)).status).toBe(200)
    })

    test('a token for one app makes tokens for that app only', async () => {
      const [mine, other] = [await server.createTestApp(), await server.createTestApp()]
      const { token } = await newToken({ role: 'admin', app: mine.id })
      const make = (app?: string) =>
        server.request('POST', '/manage/v1/tokens', { body: { name: 'x', role: 'reader', app }, token })
      expect((await make(mine.slug)).body.appId).toBe(mine.id)
      expect(problemOf(await make(other.slug))).toBe('403 forbidden')
      expect(problemOf(await make())).toBe('403 forbidden')
    })

    test('when a token was used last is kept to the minute', async () => {
      const { id, token } = await newToken()
      const lastUsedAt = async () =>
        (await server.request('GET', '/manage/v1/tokens')).body.items.find((item: { id: string }) => item.id === id)
          .lastUsedAt
      expect(await lastUsedAt()).toBeNull()
      await whoami(token)
      const first = new Date(clock.now()).toISOString()
      clock.advance(MINUTE_MS)
      await whoami(token)
      expect(await lastUsedAt()).toBe(first)
      clock.advance(1)
      await whoami(token)
      expect(await lastUsedAt()).toBe(new Date(clock.now()).toISOString())
    })
  })

  describe('access tokens', () => {
    test('an API token is exchanged for an access token with the same rights', async () => {
      const { token } = await newToken({ name: 'ci', role: 'publisher' })
      const { status, body } = await exchange(token)
      expect(status).toBe(200)
      expect(body).toEqual({
        accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
        refreshToken: expect.stringMatching(/^hpr_/),
        tokenType: 'Bearer',
        expiresIn: 900,
      })
      expect((await whoami(body.accessToken)).body).toMatchObject({ name: 'ci', role: 'publisher' })
    })

    test('the names of the original contract are understood as well', async () => {
      const { token } = await newToken()
      const post = (path: string, body: unknown) => server.request('POST', path, { body, token: null })
      const first = await post('/auth/token', { api_key: token })
      expect(first.status).toBe(200)
      expect((await post('/auth/refresh', { refresh_token: first.body.refreshToken })).status).toBe(200)
    })

    test('an access token lasts a quarter of an hour', async () => {
      const { body } = await exchange((await newToken()).token)
      clock.advance(15 * MINUTE_MS - 1000)
      expect((await whoami(body.accessToken)).status).toBe(200)
      clock.advance(1000)
      expect(problemOf(await whoami(body.accessToken))).toBe('401 token-expired')
    })

    test('an access token cannot be exchanged for more', async () => {
      const { body } = await exchange((await newToken()).token)
      expect(problemOf(await exchange(body.accessToken))).toBe('401 token-invalid')
    })

    test('a refresh token works once', async () => {
      const { body: first } = await exchange((await newToken()).token)
      const second = await refresh(first.refreshToken)
      expect((await whoami(second.body.accessToken)).status).toBe(200)
      expect(problemOf(await refresh(first.refreshToken))).toBe('401 token-invalid')
    })

    test('a refresh token that comes a second time ends its whole family', async () => {
      const { body: first } = await exchange((await newToken()).token)
      const { body: second } = await refresh(first.refreshToken)
      await refresh(first.refreshToken)
      expect(problemOf(await refresh(second.refreshToken))).toBe('401 token-invalid')
    })

    test('a refresh token used twice at once leaves no successor', async () => {
      const { body: first } = await exchange((await newToken()).token)
      const answers = await Promise.all([refresh(first.refreshToken), refresh(first.refreshToken)])
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 401])
      const won = answers.find(({ status }) => status === 200)
      expect(problemOf(await refresh(won?.body.refreshToken))).toBe('401 token-invalid')
    })

    test('a refresh token lasts thirty days, and not longer than its API token', async () => {
      const { body: long } = await exchange((await newToken()).token)
      const expiresAt = new Date(clock.now() + DAY_MS).toISOString()
      const { body: short } = await exchange((await newToken({ expiresAt })).token)
      clock.advance(DAY_MS)
      expect(problemOf(await refresh(short.refreshToken))).toBe('401 token-expired')
      clock.advance(29 * DAY_MS)
      expect(problemOf(await refresh(long.refreshToken))).toBe('401 token-expired')
    })

    test('refresh tokens that have expired do not pile up', async () => {
      await exchange((await newToken()).token)
      clock.advance(31 * DAY_MS)
      await exchange((await newToken()).token)
      const rows = await db.selectFrom('refresh_token').select('expires_at').execute()
      expect(rows.every((row) => row.expires_at > clock.now())).toBe(true)
    })

    test.each([
      ['no API token', '/auth/token', {}, '400 invalid-request'],
      ['an empty one', '/auth/token', { apiKey: '' }, '400 invalid-request'],
      ['one that is no text', '/auth/token', { apiKey: 7 }, '400 invalid-request'],
      ['an unknown one', '/auth/token', { apiKey: 'hpt_unknown' }, '401 token-invalid'],
      ['no refresh token', '/auth/refresh', {}, '400 invalid-request'],
      ['an unknown one', '/auth/refresh', { refreshToken: 'hpr_unknown' }, '401 token-invalid'],
    ])('%s is refused at %s', async (_case, path, body, expected) => {
      expect(problemOf(await server.request('POST', path, { body, token: null }))).toBe(expected)
    })

    test('an API token in a JWT position, and a refresh token as a bearer, are refused', async () => {
      const { body } = await exchange((await newToken()).token)
      expect(problemOf(await whoami(body.refreshToken))).toBe('401 token-invalid')
      expect(problemOf(await refresh((await newToken()).token))).toBe('401 token-invalid')
    })

    describe('that were not made here', () => {
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const forge = (header: object, payload: object, secret: string) => {
        const signed = `${part(header)}.${part(payload)}`
        return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
      }
      const owner = async () => (await whoami(server.ownerToken)).body.tokenId as string
      const claims = (sub: string) => ({ sub, iss: 'hotpatch', exp: Math.floor(clock.now() / 1000) + 600 })
      const header = { alg: 'HS256' }

      test('the forgery itself is as the server would make it', async () => {
        expect((await whoami(forge(header, claims(await owner()), 's'.repeat(32)))).status).toBe(200)
      })

      test.each<[string, (sub: string) => string]>([
        ['signed with another secret', (sub) => forge(header, claims(sub), 'x'.repeat(32))],
        ['without an algorithm', (sub) => `${part({ alg: 'none' })}.${part(claims(sub))}.`],
        [
          'without an algorithm, but with something behind',
          (sub) => `${part({ alg: 'none' })}.${part(claims(sub))}.AA`,
        ],
        ['with another algorithm', (sub) => forge({ alg: 'HS512' }, claims(sub), 's'.repeat(32))],
        ['of another issuer', (sub) => forge(header, { ...claims(sub), iss: 'other' }, 's'.repeat(32))],
        ['for a token that is not there', () => forge(header, claims('nobody'), 's'.repeat(32))],
        ['for nobody', () => forge(header, { ...claims(''), sub: undefined }, 's'.repeat(32))],
      ])('%s', async (_case, make) => {
        expect(problemOf(await whoami(make(await owner())))).toBe('401 token-invalid')
      })

      test('with a changed payload', async () => {
        const { body } = await exchange((await newToken({ role: 'reader' })).token)
        const [head, , signature] = body.accessToken.split('.')
        const changed = `${head}.${part(claims(await owner()))}.${signature}`
        expect(problemOf(await whoami(changed))).toBe('401 token-invalid')
      })
    })
  })
})
