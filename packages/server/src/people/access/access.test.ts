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
import { DAY_MS, MINUTE_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'

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
  const revokeKeeping = (id: string, token = server.ownerToken) =>
    server.request('POST', `/manage/v1/tokens/${id}/revoke?keepDescendants=true`, { token })
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

    test('those that ended are listed apart', async () => {
      const working = await newToken({ name: 'works', expiresAt: new Date(clock.now() + 2 * DAY_MS).toISOString() })
      const revoked = await newToken({ name: 'revoked' })
      const expired = await newToken({ name: 'expired', expiresAt: new Date(clock.now() + 1).toISOString() })
      await revoke(revoked.id)
      clock.advance(1)
      const idsOf = async (query: string) => {
        const { body } = await server.request('GET', `/manage/v1/tokens?limit=200&${query}`)
        return (body as { items: { id: string }[] }).items.map(({ id }) => id)
      }
      const [now, before] = [await idsOf('ended=false'), await idsOf('ended=true')]
      expect([working, revoked, expired].map(({ id }) => now.includes(id))).toEqual([true, false, false])
      expect([working, revoked, expired].map(({ id }) => before.includes(id))).toEqual([false, true, true])
      expect((await idsOf('')).length).toBe(now.length + before.length)
    })

    test('what ends with one is told before, to whoever may see the token', async () => {
      const maker = await newToken({ role: 'admin' })
      const child = await newToken({ role: 'admin' }, maker.token)
      const grandchild = await newToken({}, child.token)
      const madeWith = async (id: string, token = server.ownerToken) =>
        server.request('GET', `/manage/v1/tokens/${id}/made`, { token })
      const told = (await madeWith(maker.id)).body as { items: { id: string }[] }
      expect(told.items.map(({ id }) => id).sort()).toEqual([child.id, grandchild.id].sort())
      expect(JSON.stringify(told)).not.toContain(child.token)
      const { slug } = await server.createTestApp()
      const elsewhere = await newToken({ role: 'admin', app: slug })
      expect((await madeWith(maker.id, elsewhere.token)).status).toBe(404)
      await revoke(grandchild.id)
      expect((await madeWith(child.id)).body).toEqual({ items: [] })
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

    test('any token ends itself, with what was made with it, whatever it may', async () => {
      const { slug } = await server.createTestApp()
      const maker = await newToken({ role: 'admin', app: slug })
      const child = await newToken({ role: 'reader', app: slug }, maker.token)
      const scope = { app: slug, channels: ['beta'], permissions: ['releases:read'] }
      const narrow = await newToken({ role: 'reader', ...scope })
      const revokeOwn = (token: string) => server.request('POST', '/manage/v1/tokens/own/revoke', { token })
      expect((await revokeOwn(narrow.token)).body).toMatchObject({ id: narrow.id, alsoRevoked: [] })
      const { accessToken } = (await exchange(maker.token)).body
      expect((await revokeOwn(accessToken)).body).toMatchObject({ id: maker.id, alsoRevoked: [child.id] })
      for (const { token } of [narrow, maker, child]) expect(problemOf(await whoami(token))).toBe('401 token-invalid')
      expect(problemOf(await whoami(accessToken))).toBe('401 token-invalid')
      const { body } = await server.request('GET', `/manage/v1/audit?action=token.revoked&subjectId=${narrow.id}`)
      expect(body.items).toMatchObject([{ actorId: narrow.id }])
      expect(problemOf(await revokeOwn(server.ownerToken))).toBe('403 forbidden')
      expect((await whoami(server.ownerToken)).status).toBe(200)
    })

    test('one that was narrowed is told so, and to what', async () => {
      const { slug } = await server.createTestApp()
      const list = async (fields: Record<string, unknown>) => {
        const { token } = await newToken(fields)
        const response = await server.request('GET', '/manage/v1/apps', { token })
        expect(problemOf(response)).toBe('403 forbidden')
        return response.body.detail
      }
      expect(await list({ permissions: ['releases:read', 'releases:publish'] })).toBe(
        'This needs the permission apps:read. The role publisher of this token has it, but the token is narrowed to the permissions self:read, releases:read, releases:publish.',
      )
      const { token } = await newToken({ role: 'admin', app: slug, channels: ['beta'] })
      const keys = await server.request('GET', '/manage/v1/tokens', { token })
      expect(keys.body.detail).toBe(
        'This needs the permission tokens:manage. The role admin of this token has it, but the token is narrowed to the channel beta, and this is not about channels.',
      )
      const reader = await newToken({ role: 'reader' })
      const tokens = await server.request('GET', '/manage/v1/tokens', { token: reader.token })
      expect(tokens.body.detail).toBe(
        'This needs the permission tokens:manage, which the role owner or admin has; this token has the role reader.',
      )
    })

    describe('made with a token that expires', () => {
      const inMinutes = (count: number) => new Date(clock.now() + count * MINUTE_MS).toISOString()

      test('expire with it, if nothing is said', async () => {
        const expiresAt = inMinutes(5)
        const { token } = await newToken({ role: 'admin', expiresAt })
        const child = (await newToken({}, token)) as unknown as { expiresAt: string }
        expect(child.expiresAt).toBe(expiresAt)
      })

      test('may expire before it, and not after it', async () => {
        const { token } = await newToken({ role: 'admin', expiresAt: inMinutes(5) })
        const make = (minutes: number) =>
          server.request('POST', '/manage/v1/tokens', {
            body: { name: 'x', role: 'reader', expiresAt: inMinutes(minutes) },
            token,
          })
        expect((await make(4)).status).toBe(201)
        expect((await make(5)).status).toBe(201)
        expect(problemOf(await make(6))).toBe('403 forbidden')
      })

      test('also with an access token of it', async () => {
        const { token } = await newToken({ role: 'admin', expiresAt: inMinutes(5) })
        const { body } = await exchange(token)
        const made = await server.request('POST', '/manage/v1/tokens', {
          body: { name: 'x', role: 'reader' },
          token: body.accessToken,
        })
        expect(made.body.expiresAt).toBe(inMinutes(5))
      })
    })

    describe('made with a token that is revoked', () => {
      async function threeGenerations() {
        const parent = await newToken({ role: 'admin' })
        const child = await newToken({ role: 'admin' }, parent.token)
        const grandchild = await newToken({}, child.token)
        return { parent, child, grandchild }
      }

      test('end with it, at any remove, with all that came of them; the answer and the log name them', async () => {
        const { parent, child, grandchild } = await threeGenerations()
        const { accessToken, refreshToken } = (await exchange(grandchild.token)).body
        const { body } = await revoke(parent.id)
        expect(body.alsoRevoked.toSorted()).toEqual([child.id, grandchild.id].toSorted())
        for (const token of [parent.token, child.token, grandchild.token, accessToken]) {
          expect(problemOf(await whoami(token))).toBe('401 token-invalid')
        }
        expect(problemOf(await refresh(refreshToken))).toBe('401 token-invalid')
        const { body: log } = await server.request('GET', '/manage/v1/audit?action=token.revoked&limit=3')
        expect(log.items.map((entry: { subjectId: string }) => entry.subjectId).toSorted()).toEqual(
          [parent.id, child.id, grandchild.id].toSorted(),
        )
      })

      test('end also when one between them was revoked before, and they were kept then', async () => {
        const { parent, child, grandchild } = await threeGenerations()
        expect((await revokeKeeping(child.id, parent.token)).body.alsoRevoked).toEqual([])
        expect((await whoami(grandchild.token)).status).toBe(200)
        expect((await revoke(parent.id)).body.alsoRevoked).toEqual([grandchild.id])
        expect(problemOf(await whoami(grandchild.token))).toBe('401 token-invalid')
      })

      test('go on when they are kept, as if its own maker had made them', async () => {
        const { parent, child } = await threeGenerations()
        await revokeKeeping(parent.id)
        expect((await whoami(child.token)).status).toBe(200)
        const { body } = await whoami(server.ownerToken)
        const { body: tokens } = await server.request('GET', '/manage/v1/tokens?limit=5')
        const kept = tokens.items.find(({ id }: { id: string }) => id === child.id)
        expect(kept.parentId).toBe(body.tokenId)
      })

      test('cannot keep themselves', async () => {
        const { parent, child } = await threeGenerations()
        expect(problemOf(await revokeKeeping(parent.id, child.token))).toBe('403 forbidden')
      })

      test('keep working when a token retires itself', async () => {
        const { body: before } = await whoami(server.ownerToken)
        const first = await newToken({ role: 'owner' })
        const second = await newToken({ role: 'owner' }, first.token)
        expect((await revokeKeeping(first.id, first.token)).status).toBe(200)
        expect(problemOf(await whoami(first.token))).toBe('401 token-invalid')
        expect((await whoami(second.token)).status).toBe(200)
        expect((await revoke(second.id)).body.parentId).toBe(before.tokenId)
      })

      test('save no owner: the last ones are not revoked with their maker', async () => {
        const { body } = await whoami(server.ownerToken)
        const child = await newToken({ role: 'owner' })
        expect(problemOf(await revoke(body.tokenId))).toBe('403 forbidden')
        expect(problemOf(await revoke(body.tokenId, child.token))).toBe('403 forbidden')
        expect((await whoami(child.token)).status).toBe(200)
        await revoke(child.id)
      })

      test('at the same moment leave none behind', async () => {
        for (let round = 0; round < 5; round++) {
          const parent = await newToken({ role: 'admin' })
          const make = () =>
            server.request('POST', '/manage/v1/tokens', { body: { name: 'x', role: 'reader' }, token: parent.token })
          const [first, , second] = await Promise.all([make(), revoke(parent.id), make()])
          for (const { status, body } of [first, second]) {
            if (status === 201) expect(problemOf(await whoami(body.token))).toBe('401 token-invalid')
            else expect(status).toBe(401)
          }
        }
      })
    })

    describe('for less', () => {
      const create = (body: object, token = server.ownerToken) =>
        server.request('POST', '/manage/v1/tokens', { token, body: { name: 'less', role: 'publisher', ...body } })

      test('a token has some permissions of its role, and gives no others', async () => {
        const { body } = await create({ role: 'admin', permissions: ['tokens:manage', 'apps:read'] })
        expect(body.permissions).toEqual(['self:read', 'tokens:manage', 'apps:read'])
        const { token } = body
        expect((await server.request('GET', '/manage/v1/apps', { token })).status).toBe(200)
        expect(problemOf(await server.request('GET', '/manage/v1/audit', { token }))).toBe('403 forbidden')
        expect(problemOf(await create({ role: 'reader' }, token))).toBe('403 forbidden')
        expect((await create({ role: 'reader', permissions: ['apps:read'] }, token)).status).toBe(201)
        expect(problemOf(await create({ permissions: ['audit:read'] }))).toBe('400 invalid-request')
        const { tokenId } = (await whoami(server.ownerToken)).body
        expect(problemOf(await server.request('POST', `/manage/v1/tokens/${tokenId}/revoke`, { token }))).toBe(
          '403 forbidden',
        )
      })

      test('a token for channels of an app has no permission that is about more', async () => {
        const app = await server.createTestApp()
        const { body } = await create({ role: 'admin', app: app.slug, channels: ['beta'] })
        const [grant] = (await whoami(body.token)).body.grants
        expect(grant).toMatchObject({ role: 'admin', appId: app.id, channels: ['beta'] })
        expect(grant.permissions).toContain('releases:publish')
        expect(grant.permissions).not.toContain('tokens:manage')
        expect(problemOf(await create({ channels: ['beta'] }))).toBe('400 invalid-request')
        const wish = { app: app.slug, channels: ['beta'], permissions: ['releases:archive'] }
        expect(problemOf(await create(wish))).toBe('400 invalid-request')
      })

      test('a token works from its addresses only, and so does all that is made with it', async () => {
        const { body: far } = await create({ role: 'admin', allowedAddresses: ['203.0.113.0/24', '2001:db8::/32'] })
        const refused = await server.request('GET', '/manage/v1/whoami', {
          token: far.token,
          // Nobody has said that a proxy is to be trusted.
          headers: { 'x-forwarded-for': '203.0.113.7' },
        })
        expect(problemOf(refused)).toBe('403 address-not-allowed')
        const exchanged = await server.request('POST', '/auth/token', { token: null, body: { apiKey: far.token } })
        expect(problemOf(exchanged)).toBe('403 address-not-allowed')
        const { body: near } = await create({ role: 'admin', allowedAddresses: ['127.0.0.0/8'] })
        expect((await whoami(near.token)).status).toBe(200)
        expect((await create({}, near.token)).body.allowedAddresses).toEqual(['127.0.0.0/8'])
        expect((await create({ allowedAddresses: ['127.0.0.1'] }, near.token)).status).toBe(201)
        expect(problemOf(await create({ allowedAddresses: ['0.0.0.0/1'] }, near.token))).toBe('403 forbidden')
        expect(problemOf(await create({ allowedAddresses: ['everywhere'] }))).toBe('400 invalid-request')
      })
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

  describe('names that people read', () => {
    const bad = 'Olga \u202Eresu'
    test.each<[string, string, string, Record<string, unknown>]>([
      ['a token', 'POST', '/manage/v1/tokens', { role: 'reader' }],
      ['an app', 'POST', '/manage/v1/apps', { slug: 'named' }],
      ['a project', 'POST', '/api/v1/projects', { slug: 'named' }],
      [
        'an invited person',
        'POST',
        '/manage/v1/people/invitations',
        { email: 'a@example.com', grants: [{ role: 'reader' }] },
      ],
      [
        'a trust rule',
        'POST',
        '/manage/v1/trust-rules',
        { issuer: 'https://x.example', audience: 'x', conditions: [{ claim: 'sub', matches: 'x' }], role: 'reader' },
      ],
      [
        'the button of single sign-on',
        'PUT',
        '/manage/v1/single-sign-on',
        { issuer: 'https://x.example', clientId: 'x', groups: [] },
      ],
    ])('of %s have nothing in them that is not seen', async (_case, method, url, fields) => {
      for (const name of [bad, 'two\nlines', ' \t ', '\u200B']) {
        const refused = await server.request(method, url, { body: { ...fields, name } })
        expect(problemOf(refused)).toBe('400 invalid-request')
        expect(refused.body.errors[0]).toMatchObject({
          pointer: '#/name',
          detail: expect.stringMatching(/^expected .* found /),
        })
      }
    })

    test('are kept without the blanks around them, and what was there before goes on', async () => {
      const { id } = await newToken({ name: '  spaced \u{1F469}\u200D\u{1F4BB} ' })
      const app = await server.createTestApp()
      await db.updateTable('app').set({ name: bad }).where('id', '=', app.id).execute()
      const at = `/manage/v1/apps/${app.slug}`
      expect((await server.request('PATCH', at, { body: { eventRetentionDays: 7 } })).body).toMatchObject({ name: bad })
      expect(problemOf(await server.request('PATCH', at, { body: { name: bad } }))).toBe('400 invalid-request')
      const { items } = (await server.request('GET', '/manage/v1/tokens?limit=200')).body
      expect(items).toContainEqual(expect.objectContaining({ id, name: 'spaced \u{1F469}\u200D\u{1F4BB}' }))
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

    test('a refresh token that comes a second time ends its family, the access tokens too, and no other', async () => {
      const { id, token } = await newToken()
      const [family, other] = [(await exchange(token)).body, (await exchange(token)).body]
      const next = (await refresh(family.refreshToken)).body
      expect(problemOf(await refresh(family.refreshToken))).toBe('401 token-invalid')
      for (const accessToken of [family.accessToken, next.accessToken]) {
        expect(problemOf(await whoami(accessToken))).toBe('401 token-invalid')
      }
      expect(problemOf(await refresh(next.refreshToken))).toBe('401 token-invalid')
      for (const bearer of [other.accessToken, token]) expect((await whoami(bearer)).status).toBe(200)
      expect((await refresh(other.refreshToken)).status).toBe(200)
      const { body } = await server.request('GET', '/manage/v1/audit?action=token.refresh-reused')
      expect(body.items[0]).toMatchObject({ subjectId: id, actorName: 'server' })
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
      for (const table of ['refresh_token', 'token_family'] as const) {
        const rows = await db.selectFrom(table).select('expires_at').execute()
        expect(rows.every((row) => row.expires_at > clock.now())).toBe(true)
      }
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
      const owner = async () => {
        const { accessToken } = (await exchange(server.ownerToken)).body
        return JSON.parse(Buffer.from(accessToken.split('.')[1], 'base64url').toString()).sid as string
      }
      const claims = (sid: string) => ({ sid, iss: 'hotpatch', exp: Math.floor(clock.now() / 1000) + 600 })
      const header = { alg: 'HS256' }

      test('the forgery itself is as the server would make it', async () => {
        expect((await whoami(forge(header, claims(await owner()), 's'.repeat(32)))).status).toBe(200)
      })

      test.each<[string, (sid: string) => string]>([
        ['signed with another secret', (sid) => forge(header, claims(sid), 'x'.repeat(32))],
        ['without an algorithm', (sid) => `${part({ alg: 'none' })}.${part(claims(sid))}.`],
        [
          'without an algorithm, but with something behind',
          (sid) => `${part({ alg: 'none' })}.${part(claims(sid))}.AA`,
        ],
        ['with another algorithm', (sid) => forge({ alg: 'HS512' }, claims(sid), 's'.repeat(32))],
        ['of another issuer', (sid) => forge(header, { ...claims(sid), iss: 'other' }, 's'.repeat(32))],
        ['for a token that is not there', () => forge(header, claims('nobody'), 's'.repeat(32))],
        ['for nobody', () => forge(header, { ...claims(''), sid: undefined }, 's'.repeat(32))],
        ['for something that is no text', () => forge(header, { ...claims(''), sid: { a: 1 } }, 's'.repeat(32))],
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
