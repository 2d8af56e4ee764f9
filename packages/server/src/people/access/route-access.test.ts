import { ROLES, type Role } from '@hotpatch/api'
import {
  bundleOf,
  dumpDatabase,
  newSigningKey,
  problemOf,
  publishForm,
  startTestServer,
  type TestResponse,
} from '@hotpatch/testkit'
import Fastify, { type RouteOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../ground/database/open-database.ts'
import { covers, ROLE_PERMISSIONS, type Permission } from '../authors/permissions.ts'
import type { BrowserOf } from '../accounts/testing/browser.ts'
import { peopleOf } from '../accounts/testing/people.ts'
import { permissionReference, readPermissionReference, REFERENCE } from './testing/permission-reference.ts'
import { guardRoutes } from './route-access.ts'

const db = openDatabase({ kind: 'sqlite', path: ':memory:' })
const server = await startTestServer({ database: db })
afterAll(() => server.close())

const routes = server.app.http.declaredRoutes.flatMap((route) =>
  [route.method].flat().map((method) => ({ method, url: route.url, access: route.config?.access })),
)
const forPeople = routes.filter(({ access }) => access !== undefined && access !== 'public') as {
  method: string
  url: string
  access: Permission
}[]
const named = (list: typeof routes) => list.map(({ method, url }) => `${method} ${url}`)

describe('every route', () => {
  test('that anyone may call is one of these', () => {
    const open = routes.filter(({ access, url }) => access === 'public' && !url.startsWith('/manage/v1/reference'))
    expect(
      named(open)
        .filter((route) => !route.startsWith('HEAD'))
        .sort(),
    ).toEqual([
      'GET /',
      'GET /api/v1/health',
      'GET /apps/:slug/api/v1/health',
      'GET /apps/:slug/assets/:sha256',
      'GET /apps/:slug/install',
      'GET /apps/:slug/install/:channel',
      'GET /apps/:slug/install/:channel/changelog.json',
      'GET /apps/:slug/install/:channel/files/:release/:name',
      'GET /apps/:slug/install/:channel/icons/:sha256',
      'GET /apps/:slug/install/:channel/manifests/:release/:name',
      'GET /artifacts/:sha256',
      'GET /assets/:sha256',
      'GET /dashboard',
      'GET /dashboard/*',
      'GET /edge/v1/:app/:platform/:channel/latest.json',
      'GET /edge/v1/:app/catalogs/:file',
      'GET /edge/v1/:app/keys.json',
      'GET /healthz',
      'GET /manage/v1/openapi.json',
      'GET /manage/v1/single-sign-on/callback',
      'GET /manage/v1/single-sign-on/offer',
      'GET /manage/v1/single-sign-on/start',
      'GET /problems/:type',
      'GET /readyz',
      'POST /apps/:slug/auth/refresh',
      'POST /apps/:slug/auth/token',
      'POST /apps/:slug/install/:channel',
      'POST /auth/refresh',
      'POST /auth/token',
      'POST /manage/v1/one-time-links/look',
      'POST /manage/v1/one-time-links/use',
      'POST /manage/v1/sign-in',
      'POST /manage/v1/sign-in/passkey',
      'POST /manage/v1/sign-in/passkey/options',
      'POST /manage/v1/sign-in/recovery-code',
      'POST /manage/v1/sign-in/totp',
      'POST /manage/v1/sign-out',
      'POST /manage/v1/token-exchange',
    ])
  })

  test('but those is for people', () => expect(forPeople.length).toBeGreaterThan(30))

  test('that forgets to say who may call it stops the start', async () => {
    const http = Fastify()
    guardRoutes(http, () => Promise.reject(new Error('not asked')))
    http.get('/said', { config: { access: 'public' } }, () => 'ok')
    http.get('/forgotten', () => 'ok')
    await expect(http.ready()).rejects.toThrow('These routes do not declare who may call them: GET /forgotten')
    await http.close()
  })
})

describe('permissions', () => {
  const all = [...ROLE_PERMISSIONS.owner]

  test('are each what some route, or a rule behind one, asks for', () => {
    const asked = new Set<Permission>(forPeople.map(({ access }) => access))
    // Of webhooks that name no app.
    const behind: Permission[] = ['webhooks:all-apps']
    expect(all.filter((each) => !asked.has(each) && !behind.includes(each))).toEqual([])
  })

  test('of a role are all those of the role below it, and more', () => {
    for (const [index, role] of ROLES.entries()) {
      const lower = ROLES[index + 1]
      if (lower) expect([covers(role, lower), covers(lower, role)]).toEqual([true, false])
    }
  })

  test('are in the reference, as it is made of the table', async () => {
    await expect(permissionReference(forPeople)).toMatchFileSnapshot(REFERENCE)
  })
})

describe('a role', () => {
  const tokens = {} as Record<Role, string>
  beforeAll(async () => {
    for (const role of ROLES) tokens[role] = await server.createToken({ role })
  })
  // As operators read it.
  const told = readPermissionReference()
  // With names of what is not there: whoever may call it hears that, and nothing changes.
  const address = (url: string) => url.replace(/:\w+/g, 'nothing')

  test.each(forPeople)('who has $access may call $method $url, others may not, nobody neither', async (route) => {
    const call = (token: string | null) => server.request(route.method, address(route.url), { token })
    expect((await call(null)).status).toBe(401)
    for (const role of ROLES) {
      const { status } = await call(endsCaller(route.url) ? await server.createToken({ role }) : tokens[role])
      // A token has no account.
      if (isAboutOneself(route.url)) expect([400, 403]).toContain(status)
      else if (told.get(route.access)?.has(role)) expect([401, 403, 500]).not.toContain(status)
      else expect(status).toBe(403)
    }
  })
})

describe('a person with a role', () => {
  const told = readPermissionReference()
  const people = {} as Record<Role, BrowserOf>
  beforeAll(async () => {
    const { firstOwner, invite } = peopleOf(server)
    people.owner = await firstOwner()
    for (const role of ROLES) if (role !== 'owner') people[role] = (await invite(people.owner, [{ role }])).browser
  })

  test('may call what the table says, and nothing else', async () => {
    const wrong: string[] = []
    // Who signs out everywhere is not there for the next route.
    const others = forPeople.filter((route) => isOurs(route) && !isAboutOneself(route.url) && !endsCaller(route.url))
    for (const { method, url, access } of others) {
      for (const role of ROLES) {
        const { status } = await people[role].send(method, url.replace(/:\w+/g, 'nothing').replace('/manage/v1', ''))
        const may = told.get(access)?.has(role) === true
        if (may ? [401, 403, 500].includes(status) : status !== 403) wrong.push(`${role} ${method} ${url}: ${status}`)
      }
    }
    expect(wrong).toEqual([])
  })
})

const isOurs = ({ method, url }: { method: string; url: string }) => method !== 'HEAD' && url.startsWith('/manage/v1/')

function isAboutOneself(url: string): boolean {
  return /^\/manage\/v1\/(?:account\b|sign-out-everywhere)/.test(url)
}

/** Access' own tests, and those of trust rules, have them. */
function endsCaller(url: string): boolean {
  return /^\/manage\/v1\/(?:tokens\/own\/revoke|sign-out-everyone)$/.test(url)
}

/** Some tools of others read a sentence. */
function refusalOf(response: TestResponse): string {
  const isText = response.headers['content-type'] === 'text/plain; charset=utf-8'
  if (isText && response.status === 403) return '403 forbidden'
  const isNoKey = isText && response.status === 404 && /^(?:The|An) access key /.test(String(response.body))
  return isNoKey ? '404 token-not-found' : problemOf(response)
}

describe('a token for one app', () => {
  test('neither sees nor touches another app, whatever the route', async () => {
    const mine = await server.createTestApp()
    const theirs = await server.createTestApp()
    const bundle = await bundleOf('theirs')
    const { releaseId, rolloutId } = await server.published(theirs, { bundle })
    const { releaseId: anotherId } = await server.published(theirs, { bundle, version: '1.0.1', percentage: 0 })
    const key = { publicKey: newSigningKey().publicKey }
    const { body: theirKey } = await server.request('POST', `/manage/v1/apps/${theirs.slug}/keys`, { body: key })
    const hook = { url: 'https://93.184.215.14/', app: theirs.slug, types: ['guard.tripped'] }
    const { body: theirWebhook } = await server.request('POST', '/manage/v1/webhooks', { body: hook })
    await server.check(theirs)
    await server.request('GET', `/manage/v1/apps/${theirs.slug}/devices`)
    const arms = [releaseId, anotherId].map((id, index) => ({ name: `arm-${index}`, weight: 50, releaseId: id }))
    const test = { name: 'theirs', channel: 'beta', arms }
    const ofTheirs = `/manage/v1/apps/${theirs.slug}`
    const { body: theirTest } = await server.request('POST', `${ofTheirs}/experiments`, { body: test })
    await server.request('POST', `${ofTheirs}/cohorts`, { body: { name: 'testers' } })
    const ownChannel = { roles: ['owner'], needsApproval: true }
    await server.request('PUT', `${ofTheirs}/channels/staging/protection`, { body: ownChannel })
    await server.request('POST', `${ofTheirs}/rollouts`, { body: { releaseId, channel: 'staging' } })
    const { body: theirProposals } = await server.request('GET', `${ofTheirs}/proposals`)
    const token = await server.createToken({ role: 'owner', app: mine.slug })
    const { body: tokens } = await server.request('GET', '/manage/v1/tokens')
    const ownerId = tokens.items.at(-1).id
    await server.request('GET', '/manage/v1/whoami', { token })

    const fill = (url: string) =>
      url
        .replace(/:app\b|:slug\b/, theirs.slug)
        .replace(':keyId', theirKey.id)
        .replace(':deviceId', 'device-1')
        .replace(/releases\/:id/, `releases/${releaseId}`)
        .replace(/rollouts\/:id/, `rollouts/${rolloutId}`)
        .replace(/activate\/:id/, `activate/${releaseId}`)
        .replace(/updates\/:id/, `updates/${releaseId}`)
        .replace(/deployments\/:id/, `deployments/${rolloutId}`)
        .replace(/projects\/:id/, `projects/${theirs.slug}`)
        .replace('channels/:channel/', 'channels/production/')
        .replace(/proposals\/:id/, `proposals/${theirProposals.items[0].id}`)
        .replace(/tokens\/:id/, `tokens/${ownerId}`)
        .replace(/webhooks\/:id/, `webhooks/${theirWebhook.id}`)
        .replace(/(patches|signed-answers)\/:id/, `$1/${releaseId}`)
        .replace(':platform/:id', `android/${releaseId}`)
        .replace(':sha256', 'a'.repeat(64))
        .replace(':scheme/:subject', `rsa-sha256/${'a'.repeat(64)}`)
        .replace(':scheme', 'rsa-sha256')
        .replace(':cohort', 'testers')
        .replace(':experimentId', theirTest.id)
        .replace(/experiments\/:id/, `experiments/${theirTest.id}`)
    const bodies: Record<string, unknown> = {
      'POST /manage/v1/apps': { slug: 'another' },
      'POST /manage/v1/people/invitations': {
        email: 'another@example.com',
        name: 'Another',
        grants: [{ role: 'reader', app: theirs.slug }],
      },
      'PATCH /manage/v1/people/:id': { name: 'Another' },
      'POST /manage/v1/people/:id/reset-link': {},
      'PUT /manage/v1/apps/:app/channels/:channel/protection': ownChannel,
      'POST /manage/v1/proposals/:id/reject': {},
      'POST /code-push/apps': { name: 'another' },
      'POST /code-push/apps/': { name: 'another' },
      'POST /code-push/apps/:app/deployments': { name: 'mine' },
      'POST /code-push/apps/:app/deployments/': { name: 'mine' },
      'POST /api/v1/projects': { slug: 'another' },
      'POST /api/v1/deployments': { updateId: releaseId, channel: 'beta' },
      'PUT /api/v1/deployments/:id': { rolloutPercentage: 1 },
      'POST /manage/v1/tokens': { name: 'more', role: 'reader', app: theirs.slug },
      'POST /manage/v1/trust-rules': {
        name: 'mine',
        issuer: 'https://gitlab.com',
        audience: 'mine',
        conditions: [{ claim: 'project_path', matches: 'mine/app' }],
        role: 'reader',
        app: theirs.slug,
      },
      'PATCH /manage/v1/trust-rules/:id': { name: 'mine' },
      'POST /manage/v1/trust-rules/explain': { token: 'x' },
      'PUT /manage/v1/single-sign-on': { name: 'mine', issuer: 'https://gitlab.com', clientId: 'mine', groups: [] },
      'PATCH /manage/v1/apps/:app': { name: 'mine' },
      'PUT /manage/v1/apps/:app/sequence': { platform: 'android', nextSequence: 50 },
      'POST /manage/v1/apps/:app/impact': { change: 'halt', rolloutId },
      'POST /manage/v1/apps/:app/keys': { publicKey: newSigningKey().publicKey },
      'POST /manage/v1/apps/:app/channels': { name: 'mine' },
      'PATCH /manage/v1/apps/:app/channels/:channel': { deviceChoice: 'open' },
      'PUT /manage/v1/apps/:app/appcasts/:channel': { signed: 'x' },
      'PUT /manage/v1/apps/:app/install-pages/:channel': { access: 'open' },
      'POST /manage/v1/apps/:app/install-pages/:channel/links': { expiresInHours: 1 },
      'POST /manage/v1/apps/:app/channel-keys': { channel: 'beta' },
      'POST /manage/v1/apps/:app/rollouts': { releaseId, channel: 'beta' },
      'POST /manage/v1/apps/:app/rollbacks': { platform: 'android', channel: 'production', to: 'embedded' },
      'PATCH /manage/v1/rollouts/:id': { percentage: 1 },
      'POST /manage/v1/webhooks': hook,
      'PATCH /manage/v1/webhooks/:id': { isEnabled: false },
      'POST /manage/v1/rollouts/:id/advance': { fromStep: 1 },
      'PATCH /manage/v1/rollouts/:id/guard': { isOn: false },
      'POST /manage/v1/apps/:app/cohorts': { name: 'mine' },
      'POST /manage/v1/apps/:app/cohorts/:cohort/devices': { add: ['mine'] },
      'PUT /manage/v1/apps/:app/cohorts/:cohort/devices': { devices: ['mine'] },
      'POST /manage/v1/apps/:app/experiments': { ...test, name: 'mine' },
      'POST /manage/v1/experiments/:experimentId/finish': { winner: null },
      'POST /manage/v1/apps/:app/releases/preflight': { platform: 'android', version: '6.6.6' },
      'POST /manage/v1/apps/:app/releases/:id/signatures': {
        scheme: 'rsa-sha256',
        keyId: theirKey.id,
        signatures: [{ value: 'AAAA' }],
      },
      'POST /manage/v1/apps/:app/signed-answers': {
        platform: 'android',
        keyId: 'main',
        certificate: '',
        answers: [{ body: '{}', signature: 'AAAA' }],
      },
      'POST /manage/v1/apps/:app/patches': { platform: 'android', from: '1.0.0', to: '1.0.1' },
      'PUT /manage/v1/apps/:app/edge/key-document': { document: 'e30=', signature: 'c2ln' },
      'POST /manage/v1/apps/:app/embedded-updates': {
        platform: 'android',
        id: releaseId,
        builtAt: '2026-01-01T00:00:00.000Z',
        sha256: 'a'.repeat(64),
        sizeBytes: 1,
      },
      'POST /manage/v1/apps/:app/artifacts/missing': { files: [] },
      'POST /manage/v1/apps/:app/rollouts/preview': { platform: 'android', channel: 'production' },
    }
    const metadata = { platform: 'android', version: '6.6.6', app: theirs.slug }
    const version = {
      app: theirs.slug,
      platform: 'android',
      version: '6.6.6+1',
      download_url: 'https://downloads.test/a.apk',
      file_size: 1,
      checksum: 'a'.repeat(64),
    }
    const optionsFor = (route: RouteOptions['url'], method: string) => {
      const name = `${method} ${route}`
      if (method === 'POST' && route.endsWith('/releases')) {
        const { app: _, ...withoutApp } = metadata
        return { form: publishForm(route.startsWith('/manage') ? withoutApp : metadata, bundle) }
      }
      if (route.endsWith('/api/v1/updates/publish')) return { body: update }
      if (route.endsWith('/updates/publish')) return { body: version }
      const contract = name.replace('/apps/:slug/api/v1', '/api/v1')
      const body = bodies[name] ?? bodies[contract]
      return body === undefined ? {} : { body }
    }
    const list = { sha256: 'a'.repeat(64), sizeBytes: 1 }
    const update = { projectId: theirs.slug, version: '6.6.6', platform: 'android', list }
    const before = await dumpDatabase(db)
    const answers: [string, string][] = []
    for (const { method, url } of forPeople) {
      // There is nothing at other addresses of a contract.
      if (method === 'HEAD' || url.endsWith('*')) continue
      // Accounts' own tests have those that are about oneself.
      if (isAboutOneself(url) || url === '/manage/v1/tokens/own/revoke') continue
      // For its own app only: nothing in it could name another.
      if (method === 'POST' && /^\/code-push\/accessKeys\/?$/.test(url)) continue
      const query = url.endsWith('/sequence')
        ? '?platform=android'
        : url.endsWith('/guard-target')
          ? '?platform=android&channel=production'
          : /\/(?:audit|audit\/export|stream)$/.test(url)
            ? `?app=${theirs.slug}`
            : /\/manage\/.*\/(?:de)?activate$/.test(url)
              ? '?channel=production'
              : url.endsWith('/releases/figures')
                ? '?kind=archive'
                : method === 'PUT' && url.endsWith('/patches')
                  ? '?platform=android&from=1.0.0&to=1.0.1'
                  : ''
      const response = await server.request(method, fill(url) + query, { token, ...optionsFor(url, method) })
      const { status, body } = response
      const text = JSON.stringify(body)
      // What it may list, holds nothing of the others.
      const leaks = [theirs.id, releaseId, rolloutId, theirs.appKey, theirWebhook.id].some(
        (secret) => status < 300 && text.includes(secret),
      )
      answers.push([`${method} ${url}`, status < 300 ? (leaks ? 'leaks' : 'nothing of theirs') : refusalOf(response)])
    }
    const allowed = answers.filter(([, answer]) => answer === 'nothing of theirs').map(([route]) => route)
    expect(allowed.sort()).toEqual([
      'GET /api/v1/deployments',
      'GET /api/v1/stats',
      'GET /api/v1/updates',
      'GET /code-push/accessKeys',
      'GET /code-push/account',
      'GET /code-push/apps',
      'GET /code-push/authenticated',
      'GET /manage/v1/announcements',
      'GET /manage/v1/apps',
      'GET /manage/v1/attention',
      'GET /manage/v1/audit/head',
      'GET /manage/v1/people',
      'GET /manage/v1/people/invitations',
      'GET /manage/v1/permissions',
      'GET /manage/v1/tokens',
      'GET /manage/v1/trust-rules',
      'GET /manage/v1/webhooks',
      'GET /manage/v1/whoami',
      'GET /releases',
      'POST /manage/v1/trust-rules/explain',
    ])
    const refused = answers.filter(([, answer]) => answer !== 'nothing of theirs')
    expect(
      refused.filter(
        ([, answer]) => !/^(?:403 forbidden|404 (?:token-|trust-rule-|person-|invitation-)?not-found)$/.test(answer),
      ),
    ).toEqual([])
    expect(refused.length).toBeGreaterThan(25)
    expect(await dumpDatabase(db)).toEqual(before)
  })

  test('works on its own app', async () => {
    const app = await server.createTestApp()
    const token = await server.createToken({ role: 'publisher', app: app.id })
    const form = publishForm({ platform: 'ios', version: '1.0.0' }, await bundleOf('own'))
    expect((await server.request('POST', '/releases', { form, token })).status).toBe(201)
    const { body } = await server.request('GET', '/releases', { token })
    expect(body.items.map((item: { appId: string }) => item.appId)).toEqual([app.id])
  })
})
