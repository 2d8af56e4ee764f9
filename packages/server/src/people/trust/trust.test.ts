import type { ServerResponse } from 'node:http'
import {
  bundleOf,
  describeOnEveryDatabase,
  fixedClock,
  problemOf,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { startCiIssuer, type CiIssuer, type CiTokenOptions } from '@hotpatch/testkit/issuers'
import { SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'
import { createDerivedTokens } from '../access/derived-tokens.ts'
import type { BrowserOf } from '../accounts/testing/browser.ts'
import { PASSWORD, peopleOf, secretOf } from '../accounts/testing/people.ts'

const AUDIENCE = 'https://updates.example.com'
const JOB = {
  sub: 'repo:acme/app:ref:refs/heads/main',
  repository: 'acme/app',
  repository_id: '42',
  ref: 'refs/heads/main',
  actor: 'mona',
}
const MINUTE_MS = 60_000

describeOnEveryDatabase('trust rules', (openDatabase, database) => {
  // What says no before there is anything in a database to ask.
  const testOnce = test.skipIf(database !== 'sqlite')
  const clock = fixedClock()
  let db: Database
  let server: TestServer
  let issuer: CiIssuer
  let people: ReturnType<typeof peopleOf>
  let owner: BrowserOf
  let made = 0

  beforeAll(async () => {
    issuer = await startCiIssuer({ now: clock.now })
    db = await openDatabase()
    server = await startTestServer({ database: db, clock, env: { HOTPATCH_ISSUER_ALLOW_PRIVATE: '127.0.0.0/8' } })
    await server.createTestApp()
    people = peopleOf(server)
    owner = await people.firstOwner()
  })
  afterAll(async () => {
    await server.close()
    await issuer.close()
  })
  afterEach(async () => {
    const { body } = await server.request('GET', '/manage/v1/trust-rules')
    for (const { id } of body.items) await server.request('DELETE', `/manage/v1/trust-rules/${id}`)
  })

  const newRule = (changes: Record<string, unknown> = {}) => ({
    name: `rule ${(made += 1)}`,
    issuer: issuer.issuer,
    audience: AUDIENCE,
    conditions: [
      { claim: 'repository', matches: 'acme/app' },
      { claim: 'ref', matches: 'refs/heads/main' },
    ],
    role: 'publisher',
    app: 'demo',
    ...changes,
  })
  const add = (changes: Record<string, unknown> = {}, token = server.ownerToken) =>
    server.request('POST', '/manage/v1/trust-rules', { body: newRule(changes), token })
  const rule = async (changes: Record<string, unknown> = {}) => (await add(changes)).body
  const sign = ({ claims, ...options }: CiTokenOptions = {}) =>
    issuer.sign({ audience: AUDIENCE, ...options, claims: { ...JOB, ...claims } })
  // Each from somewhere else: how often one address may is not the point here.
  let addresses = 0
  const exchange = (token: string, fields: Record<string, unknown> = {}) =>
    server.request('POST', '/manage/v1/token-exchange', {
      body: { subject_token: token, ...fields },
      token: null,
      from: `10.0.${Math.floor((addresses += 1) / 250)}.${addresses % 250}`,
    })
  const whoami = (token: string) => server.request('GET', '/manage/v1/whoami', { token })
  const audited = async (action: string) =>
    (await server.request('GET', `/manage/v1/audit?action=${action}&limit=1`)).body.items[0]

  test('give a job a token for a while, with what the rule grants and nothing else', async () => {
    const { id, name } = await rule({ lifetimeMinutes: 10 })
    const { status, body } = await exchange(await sign())
    expect(status).toBe(200)
    expect(body).toEqual({
      access_token: expect.stringMatching(/^hpt_/),
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 600,
      rule: name,
    })
    const found = await whoami(body.access_token)
    expect(found.body).toMatchObject({ kind: 'token', name: `${name} (${JOB.sub})`, role: 'publisher' })
    const tokens = await server.request('GET', '/manage/v1/tokens', { token: body.access_token })
    expect(problemOf(tokens)).toBe('403 forbidden')
    expect(await audited('token.exchanged')).toMatchObject({
      actorId: found.body.id,
      actorName: `${name} (${JOB.sub})`,
      address: expect.stringMatching(/^10\./),
      after: { ruleId: id, issuer: issuer.issuer, claims: { sub: JOB.sub, actor: 'mona', ref: 'refs/heads/main' } },
    })
    clock.advance(10 * MINUTE_MS)
    expect(problemOf(await whoami(body.access_token))).toBe('401 token-expired')
  })

  test('bind its tokens to channels and permissions of the role', async () => {
    await rule({ channels: ['beta'], permissions: ['self:read', 'releases:read'] })
    const { body } = await exchange(await sign())
    const { grants } = (await whoami(body.access_token)).body
    expect(grants).toEqual([
      expect.objectContaining({ channels: ['beta'], permissions: ['self:read', 'releases:read'] }),
    ])
    await rule({ name: 'beta only', channels: ['beta'] })
    const { access_token: token } = (await exchange(await sign(), { rule: 'beta only' })).body
    const bundle = await bundleOf('one')
    const publish = (channel: string) => server.publish({ slug: 'demo' }, { bundle, version: '1.0.0', channel, token })
    expect(problemOf(await publish('production'))).toBe('403 forbidden')
    expect((await publish('beta')).status).toBe(201)
    expect(problemOf(await add({ permissions: ['tokens:manage'] }))).toBe('400 invalid-request')
  })

  test('made by a person give no more than the person may now, and end with him', async () => {
    const { id, browser } = await people.invite(owner, [{ role: 'admin' }])
    expect((await browser.post('/trust-rules', newRule({ role: 'admin' }))).status).toBe(201)
    const { access_token: token } = (await exchange(await sign())).body
    expect((await whoami(token)).body).toMatchObject({ personId: id, role: 'admin' })
    await owner.send('PATCH', `/people/${id}`, { grants: [{ role: 'reader' }] })
    expect((await whoami(token)).body.role).toBe('reader')
    await owner.send('PATCH', `/people/${id}`, { disabled: true })
    expect(problemOf(await whoami(token))).toBe('401 token-invalid')
    expect(problemOf(await exchange(await sign()))).toBe('403 trust-rule-unmatched')
  })

  test('are asked by a form, as RFC 8693 has it', async () => {
    await rule()
    const form = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: await sign(),
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      scope: 'whatever',
    })
    const response = await server.request('POST', '/manage/v1/token-exchange', {
      body: form.toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      token: null,
      from: '10.9.0.1',
    })
    expect(response.status).toBe(200)
    expect(response.headers['cache-control']).toBe('no-store')
  })

  test('let each token in once, also when it comes twice at once', async () => {
    await rule()
    const token = await sign()
    const answers = await Promise.all([exchange(token), exchange(token), exchange(token)])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401, 401])
    expect(problemOf(await exchange(token))).toBe('401 identity-token-used')
    const withoutId = await sign({ claims: { jti: undefined as unknown as string } })
    expect((await exchange(withoutId)).status).toBe(200)
    expect(problemOf(await exchange(withoutId))).toBe('401 identity-token-used')
  })

  testOnce.each<[string, CiTokenOptions]>([
    ['of another repository', { claims: { repository: 'acme/other' } }],
    ['of a repository whose name begins alike', { claims: { repository: 'acme/app-evil' } }],
    ['of an owner whose name begins alike', { claims: { repository: 'acme-evil/app' } }],
    ['in other letters', { claims: { repository: 'Acme/App' } }],
    ['of another branch', { claims: { ref: 'refs/heads/mainly' } }],
    ['without the claim', { claims: { repository: undefined } }],
    ['with a list instead', { claims: { repository: ['acme/app'] } }],
    ['of another audience', { audience: 'https://elsewhere.example.com' }],
    ['of an audience that begins alike', { audience: `${AUDIENCE}.evil.example` }],
  ])('let no token in %s', async (_case, options) => {
    await rule()
    expect(problemOf(await exchange(await sign(options)))).toBe('403 trust-rule-unmatched')
  })

  testOnce.each<[string, CiTokenOptions]>([
    ['several audiences', { audience: [AUDIENCE, 'https://elsewhere.example.com'] }],
    ['no audience', { audience: undefined as unknown as string }],
    ['another kind', { header: { typ: 'at+jwt' } }],
    ['a key that the issuer does not have', { header: { kid: 'another' } }],
    ['an end that is over', { at: clock.now() - 331_000 }],
    ['a beginning to come', { at: clock.now() + 31_000 }],
    ['a time before which it is none', { claims: { nbf: Math.floor(clock.now() / 1000) + 31 + 600 } }],
    ['an end in two days', { lifetimeSeconds: 2 * 86_400 }],
    ['no end', { claims: { exp: undefined as unknown as number } }],
    ['no subject', { claims: { sub: undefined as unknown as string } }],
  ])('take no token with %s', async (_case, { at, claims, ...options }) => {
    await rule()
    const moved = { at: at === undefined ? clock.now() : at + clock.now() - START }
    const nbf = claims?.nbf === undefined ? {} : { nbf: claims.nbf + Math.floor((clock.now() - START) / 1000) }
    const token = await sign({ ...options, ...moved, claims: { ...claims, ...nbf } })
    expect(problemOf(await exchange(token))).toBe('401 identity-token-invalid')
  })

  test('take a token of a server whose clock is half a minute off', async () => {
    await rule()
    expect((await exchange(await sign({ at: clock.now() + 29_000 }))).status).toBe(200)
    expect((await exchange(await sign({ at: clock.now() - 329_000 }))).status).toBe(200)
  })

  testOnce('take no token that nobody signed, or everybody could', async () => {
    await rule()
    const claims = { ...JOB, iss: issuer.issuer, aud: AUDIENCE, iat: clock.now() / 1000, exp: clock.now() / 1000 + 300 }
    const unsigned = new UnsecuredJWT(claims).encode()
    const jwk = await issuer.publicJwk()
    const withPublicKey = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(Buffer.from(JSON.stringify(jwk)))
    const other = await startCiIssuer({ now: clock.now })
    const ofOther = await other.sign({ audience: AUDIENCE, claims: { ...JOB, iss: issuer.issuer } })
    const named = await other.sign({
      audience: AUDIENCE,
      header: { jwk: await other.publicJwk(), jku: `${other.issuer}/keys`, kid: undefined },
      claims: { ...JOB, iss: issuer.issuer },
    })
    await other.close()
    const [head, body, signature] = (await sign()).split('.')
    const changed = `${head}.${Buffer.from(JSON.stringify({ ...claims, sub: 'repo:acme/app:more' })).toString('base64url')}.${signature}`
    for (const token of [unsigned, withPublicKey, ofOther, named, changed, `${head}.${body}.`, 'a.b.c', 'no token']) {
      expect(problemOf(await exchange(token))).toBe('401 identity-token-invalid')
    }
    expect(other.asked).toEqual([])
  })

  testOnce('ask no issuer that no rule names', async () => {
    await rule()
    const other = await startCiIssuer({ now: clock.now })
    const token = await other.sign({ audience: AUDIENCE, claims: JOB })
    expect(problemOf(await exchange(token))).toBe('403 trust-rule-unmatched')
    expect(other.asked).toEqual([])
    await other.close()
  })

  test('say which of several is meant', async () => {
    const [one, other] = [await rule(), await rule({ role: 'reader' })]
    const refused = await exchange(await sign())
    expect(problemOf(refused)).toBe('409 trust-rule-ambiguous')
    expect(refused.body.detail).toContain(one.name)
    for (const named of [other.name, other.id]) {
      expect((await exchange(await sign(), { rule: named })).body.rule).toBe(other.name)
    }
    expect(problemOf(await exchange(await sign(), { rule: 'none of these' }))).toBe('403 trust-rule-unmatched')
  })

  test('tell a stranger nothing of what they want', async () => {
    await rule()
    const refused = await exchange(await sign({ claims: { repository: 'evil/app', sub: 'repo:evil/app:x' } }))
    expect(JSON.stringify(refused.body)).not.toContain('acme')
  })

  test('end with all that came of them', async () => {
    const { id } = await rule({ role: 'admin' })
    const { access_token: token } = (await exchange(await sign())).body
    const child = await server.request('POST', '/manage/v1/tokens', {
      body: { name: 'c', role: 'reader', app: 'demo' },
      token,
    })
    expect(child.status).toBe(201)
    expect((await server.request('DELETE', `/manage/v1/trust-rules/${id}`)).status).toBe(200)
    for (const ended of [token, child.body.token]) expect(problemOf(await whoami(ended))).toBe('401 token-invalid')
    expect(problemOf(await exchange(await sign()))).toBe('403 trust-rule-unmatched')
    expect(problemOf(await server.request('DELETE', `/manage/v1/trust-rules/${id}`))).toBe('404 trust-rule-not-found')
    expect(await audited('trust-rule.removed')).toMatchObject({ subjectId: id, before: { role: 'admin' } })
  })

  test('end with the token that made them, and let nobody in from then on', async () => {
    const maker = await server.request('POST', '/manage/v1/tokens', { body: { name: 'm', role: 'admin' } })
    const made = await add({}, maker.body.token)
    const { access_token: token } = (await exchange(await sign())).body
    await server.request('POST', `/manage/v1/tokens/${maker.body.id}/revoke`)
    expect(problemOf(await whoami(token))).toBe('401 token-invalid')
    expect(problemOf(await exchange(await sign()))).toBe('403 trust-rule-unmatched')
    const { items } = (await server.request('GET', '/manage/v1/trust-rules')).body
    expect(items).toEqual([expect.objectContaining({ id: made.body.id, endedAt: new Date(clock.now()).toISOString() })])
  })

  test('give nothing that outlives the token that made them', async () => {
    const expiresAt = new Date(clock.now() + 5 * MINUTE_MS).toISOString()
    const maker = await server.createToken({ role: 'admin', expiresAt })
    await add({ lifetimeMinutes: 60 }, maker)
    expect((await exchange(await sign())).body.expires_in).toBe(300)
    clock.advance(5 * MINUTE_MS)
    expect(problemOf(await exchange(await sign()))).toBe('403 trust-rule-unmatched')
  })

  test('grant no more than who makes them has', async () => {
    const ofApp = await server.createToken({ role: 'admin', app: 'demo' })
    expect((await add({}, ofApp)).status).toBe(201)
    expect(problemOf(await add({ app: undefined }, ofApp))).toBe('403 forbidden')
    expect(problemOf(await add({ role: 'owner', app: undefined }, await server.createToken({ role: 'admin' })))).toBe(
      '403 forbidden',
    )
    expect(problemOf(await add({}, await server.createToken({ role: 'publisher' })))).toBe('403 forbidden')
  })

  test('are those of one app to its admin', async () => {
    const other = await server.createTestApp()
    const elsewhere = await rule({ app: other.slug })
    const here = await rule()
    const token = await server.createToken({ role: 'admin', app: 'demo' })
    const { items } = (await server.request('GET', '/manage/v1/trust-rules', { token })).body
    expect(items.map(({ id }: { id: string }) => id)).toEqual([here.id])
    const removed = await server.request('DELETE', `/manage/v1/trust-rules/${elsewhere.id}`, { token })
    expect(problemOf(removed)).toBe('404 trust-rule-not-found')
  })

  test('stand not among the tokens that people keep', async () => {
    const { name } = await rule()
    await exchange(await sign())
    const { items } = (await server.request('GET', '/manage/v1/tokens?limit=200')).body
    expect(items.filter((token: { name: string }) => token.name.startsWith(name))).toEqual([])
  })

  describe('that are changed', () => {
    const change = (id: string, changes: Record<string, unknown>, token = server.ownerToken) =>
      server.request('PATCH', `/manage/v1/trust-rules/${id}`, { body: changes, token })

    test('let in whom they say now, and end what jobs got by what they said before', async () => {
      const made = await rule({ role: 'admin', lifetimeMinutes: 10, channels: ['beta'] })
      const { access_token: token } = (await exchange(await sign())).body
      const before = { ...made, lastUsedAt: new Date(clock.now()).toISOString() }
      const conditions = [{ claim: 'repository', matches: 'acme/other' }]
      const { status, body } = await change(before.id, { conditions, role: 'reader', channels: null })
      expect(status).toBe(200)
      const expected = { ...before, conditions, role: 'reader', channels: null, permissions: null }
      expect(body).toEqual(expected)
      expect(problemOf(await whoami(token))).toBe('401 token-invalid')
      expect(problemOf(await exchange(await sign()))).toBe('403 trust-rule-unmatched')
      const other = (await exchange(await sign({ claims: { repository: 'acme/other' } }))).body
      expect((await whoami(other.access_token)).body).toMatchObject({ role: 'reader', grants: [{ channels: null }] })
      expect(await audited('trust-rule.changed')).toMatchObject({ subjectId: before.id, before, after: expected })
    })

    test('in name or lifetime alone leave jobs what they have', async () => {
      const { id } = await rule({ permissions: ['releases:read'], lifetimeMinutes: 10 })
      const { access_token: token } = (await exchange(await sign())).body
      const { body } = await change(id, { name: 'renamed', lifetimeMinutes: 5 })
      expect(body).toMatchObject({ name: 'renamed', lifetimeMinutes: 5, permissions: ['self:read', 'releases:read'] })
      expect((await whoami(token)).status).toBe(200)
      expect((await exchange(await sign(), { rule: 'renamed' })).body.expires_in).toBe(300)
    })

    test('stand from then on behind who has changed them, also when who made them is gone', async () => {
      const maker = await server.request('POST', '/manage/v1/tokens', { body: { name: 'm', role: 'admin' } })
      const { id } = (await add({}, maker.body.token)).body
      await server.request('POST', `/manage/v1/tokens/${maker.body.id}/revoke`)
      expect(problemOf(await exchange(await sign()))).toBe('403 trust-rule-unmatched')
      expect((await change(id, { lifetimeMinutes: 20 })).body.endedAt).toBeNull()
      expect((await exchange(await sign())).body.expires_in).toBe(1200)
    })

    test('take what new ones take', async () => {
      const taken = await rule()
      const before = await rule()
      const cases: [Record<string, unknown>, string][] = [
        [{}, '400 invalid-request'],
        [{ name: taken.name }, '409 trust-rule-exists'],
        [{ conditions: [{ claim: 'aud', matches: 'x' }] }, '400 invalid-request'],
        [{ conditions: [{ claim: 'sub', matches: '**' }] }, '400 invalid-request'],
        [{ app: null, channels: ['beta'] }, '400 invalid-request'],
        [{ permissions: ['tokens:manage'] }, '400 invalid-request'],
        [{ issuer: 'http://169.254.169.254' }, '422 issuer-address-refused'],
        [{ app: 'none' }, '404 app-not-found'],
      ]
      for (const [changes, expected] of cases) expect(problemOf(await change(before.id, changes))).toBe(expected)
      const { items } = (await server.request('GET', '/manage/v1/trust-rules')).body
      expect(items).toContainEqual(before)
    })

    test('give no more than who changes them has, and are not changed by who has less, nor by a job', async () => {
      const other = await server.createTestApp()
      const ofApp = await server.createToken({ role: 'admin', app: 'demo' })
      const here = await rule({ role: 'admin' })
      expect(problemOf(await change(here.id, { app: null }, ofApp))).toBe('403 forbidden')
      expect(problemOf(await change(here.id, { app: other.slug }, ofApp))).toBe('403 forbidden')
      expect(problemOf(await change(here.id, { role: 'owner' }, ofApp))).toBe('403 forbidden')
      const more = await rule({ role: 'owner' })
      expect(problemOf(await change(more.id, { name: 'mine' }, ofApp))).toBe('403 forbidden')
      const elsewhere = await rule({ app: other.slug })
      expect(problemOf(await change(elsewhere.id, { name: 'mine' }, ofApp))).toBe('404 trust-rule-not-found')
      const { access_token: job } = (await exchange(await sign(), { rule: here.name })).body
      expect(problemOf(await change(here.id, { name: 'mine' }, job))).toBe('403 forbidden')
    })

    test('are not changed by whom a protected channel that names them keeps out', async () => {
      const { id } = await rule()
      const at = '/manage/v1/apps/demo/channels/production/protection'
      expect((await server.request('PUT', at, { body: { tokens: [id] } })).status).toBe(200)
      const admin = await server.createToken({ role: 'admin', app: 'demo' })
      const conditions = [{ claim: 'repository', matches: 'evil/app' }]
      expect(problemOf(await change(id, { conditions }, admin))).toBe('403 channel-protected')
      expect((await change(id, { lifetimeMinutes: 5 })).status).toBe(200)
      expect((await server.request('DELETE', at)).status).toBe(200)
    })

    test('by two at once are what one of them says', async () => {
      const { id } = await rule()
      const answers = await Promise.all(['reader', 'admin'].map((role) => change(id, { role })))
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      const { access_token: token } = (await exchange(await sign())).body
      const { items } = (await server.request('GET', '/manage/v1/trust-rules')).body
      expect((await whoami(token)).body.role).toBe(items[0].role)
    })
  })

  testOnce.each<[string, Record<string, unknown>, RegExp]>([
    ['no condition', { conditions: [] }, /conditions/],
    ['a condition that says nothing', { conditions: [{ claim: 'sub', matches: '**' }] }, /says more than/],
    ['a condition on the audience', { conditions: [{ claim: 'aud', matches: 'x' }] }, /not for conditions/],
    ['too many stars', { conditions: [{ claim: 'sub', matches: `a${'*b'.repeat(11)}` }] }, /at most 10/],
    ['more than an hour', { lifetimeMinutes: 61 }, /60/],
    ['an issuer that is no address', { issuer: 'github' }, /expected an address/],
    ['channels of no app', { app: undefined, channels: ['beta'] }, /expected an app/],
  ])('are not made with %s', async (_case, changes, reason) => {
    const refused = await add(changes)
    expect(problemOf(refused)).toBe('400 invalid-request')
    expect(JSON.stringify(refused.body)).toMatch(reason)
  })

  testOnce.each([
    ['https://token.actions.githubusercontent.com', [{ claim: 'ref', matches: 'refs/heads/main' }]],
    ['https://token.actions.githubusercontent.com', [{ claim: 'repository', matches: '*/app' }]],
    ['https://token.actions.githubusercontent.com', [{ claim: 'repository', matches: 'acme*/app' }]],
    ['https://token.actions.githubusercontent.com', [{ claim: 'repository', matches: '**' }]],
    ['https://token.actions.githubusercontent.com', [{ claim: 'repository_owner', matches: 'acme*' }]],
    ['https://token.actions.githubusercontent.com', [{ claim: 'sub', matches: 'repo:acme*:**' }]],
    [
      'https://token.actions.githubusercontent.com',
      [{ claim: 'job_workflow_ref', matches: 'acme/ci/x.yml@refs/heads/main' }],
    ],
    ['https://token.actions.githubusercontent.com/acme', [{ claim: 'constructor', matches: 'x' }]],
    ['https://gitlab.com', [{ claim: 'project_path', matches: '*/app' }]],
    ['https://gitlab.com', [{ claim: 'ref_protected', matches: 'true' }]],
  ])('of %s are not made for everybody in the world: %j', async (shared, conditions) => {
    const refused = await add({ issuer: shared, conditions })
    expect(problemOf(refused)).toBe('400 invalid-request')
    expect(refused.body.detail).toContain('gives tokens to everybody')
  })

  test('have names of their own', async () => {
    await rule({ name: 'publish' })
    expect(problemOf(await add({ name: 'publish' }))).toBe('409 trust-rule-exists')
  })

  test('explain a token to who may manage them, without using it up', async () => {
    const { id, name } = await rule()
    const ask = (token: string) => server.request('POST', '/manage/v1/trust-rules/explain', { body: { token } })
    const fitting = await sign()
    expect((await ask(fitting)).body).toMatchObject({
      refusal: null,
      claims: { repository: 'acme/app' },
      rules: [{ id, name, fits: true, differences: [] }],
    })
    expect((await exchange(fitting)).status).toBe(200)
    const foreign = await ask(await sign({ audience: 'https://github.com/acme', claims: { ref: 'refs/heads/dev' } }))
    expect(foreign.body.rules[0]).toMatchObject({
      fits: false,
      differences: [
        { claim: 'aud', expected: AUDIENCE, found: 'https://github.com/acme' },
        { claim: 'ref', expected: 'refs/heads/main', found: 'refs/heads/dev' },
      ],
    })
    expect((await ask(await sign({ header: { kid: 'another' } }))).body.refusal).toMatch(/does not have/)
    expect((await ask('no token')).body).toMatchObject({
      refusal: expect.stringContaining('JSON Web Token'),
      rules: [],
    })
  })

  describe('of an issuer', () => {
    const anew = async (misbehave: (issuer: CiIssuer) => void) => {
      const other = await startCiIssuer({ now: clock.now })
      misbehave(other)
      const response = await add({ issuer: other.issuer })
      await other.close()
      return response
    }
    const answer =
      (status: number, headers: Record<string, string>, body = '') =>
      (response: ServerResponse) =>
        void response.writeHead(status, headers).end(body)

    testOnce.each<[string, string, (response: ServerResponse) => void, RegExp]>([
      [
        'that redirects',
        '/.well-known/openid-configuration',
        answer(302, { location: 'http://127.0.0.1:1/' }),
        /found 302/,
      ],
      ['whose keys are behind a redirect', '/keys', answer(307, { location: 'http://127.0.0.1:1/' }), /found 307/],
      [
        'that says it is another',
        '/.well-known/openid-configuration',
        answer(200, {}, '{"issuer":"https://gitlab.com"}'),
        /gitlab.com/,
      ],
      ['that has no keys', '/.well-known/openid-configuration', answer(404, {}), /found 404/],
      ['that answers no JSON', '/keys', answer(200, {}, '<html>'), /JSON object/],
      ['that never stops', '/keys', endless, /at most/],
    ])('%s no rule is made', async (_case, path, misbehaviour, reason) => {
      const response = await anew((other) => other.answerWith(path, misbehaviour))
      expect(problemOf(response)).toBe('502 issuer-unusable')
      expect(response.body.detail).toMatch(reason)
    })

    testOnce('whose keys are elsewhere on private networks, or that is there itself, no rule is made', async () => {
      const metadata = 'http://169.254.169.254/latest/meta-data/'
      const elsewhere = await anew((other) =>
        other.answerWith('/.well-known/openid-configuration', (response) =>
          response.end(JSON.stringify({ issuer: other.issuer, jwks_uri: metadata })),
        ),
      )
      expect(problemOf(elsewhere)).toBe('422 issuer-address-refused')
      expect(problemOf(await add({ issuer: 'http://169.254.169.254' }))).toBe('422 issuer-address-refused')
      expect(problemOf(await add({ issuer: 'http://10.0.0.1' }))).toBe('422 issuer-address-refused')
    })

    testOnce('that has a new key its tokens are taken, and it is asked once in half a minute at most', async () => {
      await rule()
      await exchange(await sign())
      clock.advance(31_000)
      await issuer.rotate()
      const asked = () => issuer.asked.filter((path) => path === '/keys').length
      const before = asked()
      expect((await exchange(await sign())).status).toBe(200)
      for (let invented = 0; invented < 5; invented += 1) {
        await exchange(await sign({ header: { kid: `invented ${invented}` } }))
      }
      expect(asked()).toBe(before + 1)
    })

    testOnce('that has withdrawn a key its tokens are taken for ten minutes at most', async () => {
      await rule()
      const old = await sign({ lifetimeSeconds: 3600 })
      await issuer.rotate({ keepsOld: false })
      clock.advance(10 * MINUTE_MS)
      expect(problemOf(await exchange(old))).toBe('401 identity-token-invalid')
    })
  })

  test('after a restored backup, when everybody is signed out, give nothing for what may have been used', async () => {
    const { id } = await rule({ role: 'admin' })
    // Was used, and the restored database does not know it.
    const replayed = await sign()
    const { access_token: ofJob } = (await exchange(await sign())).body
    const childOf = { name: 'c', role: 'reader', app: 'demo' }
    const child = (await server.request('POST', '/manage/v1/tokens', { token: ofJob, body: childOf })).body.token
    const kept = await server.createToken({ role: 'reader' })
    const { accessToken, refreshToken } = (
      await server.request('POST', '/auth/token', { body: { apiKey: kept }, token: null })
    ).body
    const { browser, email } = await people.invite(owner, [{ role: 'admin' }])
    const invitation = { email: 'later@example.com', grants: [{ role: 'reader' }] }
    const { body } = await server.request('POST', '/manage/v1/people/invitations', { body: invitation })
    const signOut = (token: string) => server.request('POST', '/manage/v1/sign-out-everyone', { token })
    for (const role of ['admin', 'owner'] as const) {
      const token = await server.createToken({ role, ...(role === 'owner' && { app: 'demo' }) })
      expect(problemOf(await signOut(token))).toBe('403 forbidden')
    }

    clock.advance(1_000)
    const ended = await signOut(server.ownerToken)
    expect(ended.body).toEqual({ sessions: expect.any(Number), links: 1, tokens: 3 })
    expect(ended.body.sessions).toBeGreaterThanOrEqual(2)
    expect(await audited('person.everyone-signed-out')).toMatchObject({ after: ended.body })
    for (const token of [ofJob, child, accessToken]) expect(problemOf(await whoami(token))).toBe('401 token-invalid')
    const refreshed = await server.request('POST', '/auth/refresh', { body: { refreshToken }, token: null })
    expect(problemOf(refreshed)).toBe('401 token-invalid')
    expect((await whoami(kept)).status).toBe(200)
    expect((await browser.get('/whoami')).status).toBe(401)
    const use = { secret: secretOf(body.link), name: 'L', password: PASSWORD }
    expect(problemOf(await browser.post('/one-time-links/use', use))).toBe('410 link-gone')
    expect(problemOf(await exchange(replayed))).toBe('401 identity-token-used')
    // What is anew, works.
    expect((await people.signIn(email)).response.status).toBe(200)
    expect((await exchange(await sign())).body).toMatchObject({ rule: expect.any(String) })
    await server.request('DELETE', `/manage/v1/trust-rules/${id}`)
  })

  test('leave no tokens of jobs behind for ever, and keep working', async () => {
    const { id } = await rule()
    const count = async () =>
      (await db.selectFrom('api_token').select('id').where('trust_rule_id', '=', id).execute()).length
    await exchange(await sign())
    expect(await count()).toBe(2)
    clock.advance(31 * 24 * 60 * MINUTE_MS)
    await createDerivedTokens({ db, clock, newId: () => '' }).sweep()
    expect(await count()).toBe(1)
    expect((await exchange(await sign())).status).toBe(200)
  })

  testOnce('are asked a number of times a minute from one address', async () => {
    const from = '10.250.0.1'
    const ask = () =>
      server.request('POST', '/manage/v1/token-exchange', { body: { subject_token: 'x' }, token: null, from })
    const answers = await Promise.all(Array.from({ length: 61 }, ask))
    expect(answers.map(({ status }) => status).filter((status) => status === 429)).toHaveLength(1)
  })
})

/** When the clock of these tests begins. */
const START = fixedClock().now()

function endless(response: ServerResponse): void {
  const write = () => void (response.write('x'.repeat(64 * 1024)) && setImmediate(write))
  response.on('drain', write)
  write()
}
