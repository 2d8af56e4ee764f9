import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  ApiToken,
  App,
  Channel,
  ChannelProtection,
  CreatedApiToken,
  CreatedInvitation,
  Page,
  Proposal,
  Role,
  SigningKey,
} from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { createTool } from '../testing/run-tool.ts'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

/** As the console does it: whoever has the link makes an account, and a token that he stands behind. */
async function signUp(link: string, token: { name: string; role: Role; app: string }): Promise<string> {
  const send = (path: string, body: object, cookie = '') =>
    fetch(`${server.url()}/manage/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: server.url(), cookie },
      body: JSON.stringify(body),
    })
  const used = await send('one-time-links/use', {
    secret: new URL(link).hash.slice(1),
    password: 'correct horse battery',
  })
  const cookies = used.headers.getSetCookie().map((line) => line.split(';')[0])
  const made = await send('tokens', token, cookies.join('; '))
  if (made.status !== 201) throw new Error(`No token was made: ${await made.text()}`)
  return ((await made.json()) as CreatedApiToken).token
}

describe('login', () => {
  test('remembers a server and a token, until logout', async () => {
    const tool = await createTool()
    const login = await tool.run(['login', '--url', `${server.url()}/`, '--token-stdin'], {
      input: `${server.ownerToken()}\n`,
    })
    expect(login).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(`Logged in to ${server.url()} as owner`),
    })
    expect(login.stdout + login.stderr).not.toContain(server.ownerToken())
    expect((await stat(join(tool.home, '.rn-ota', 'config.toml'))).mode & 0o777).toBe(0o600)

    expect(await tool.json('whoami')).toMatchObject({ url: server.url(), name: 'owner', role: 'owner' })
    expect(await tool.json('logout')).toMatchObject({ removed: true })
    expect(await tool.run('whoami')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('no API token') })
  })

  test('is undone on the server, too: of what is stored, and of a job that has its token from the environment', async () => {
    const owner = await server.createOwner()
    const make = (name: string) => owner.json<CreatedApiToken>(`tokens create --name ${name} --role reader --yes`)
    const [stored, ofJob] = [await make('stored'), await make('of-a-job')]
    const tool = await createTool()
    await tool.run(['login', '--url', server.url(), '--token-stdin'], { input: stored.token })
    const job = await createTool({ HOTPATCH_URL: server.url(), HOTPATCH_TOKEN: ofJob.token })
    expect(await tool.run('logout --revoke')).toMatchObject({ exitCode: 2 })
    expect(await tool.json('logout --revoke --yes')).toMatchObject({ removed: true, revoked: { id: stored.id } })
    expect(await job.json('logout --revoke --yes')).toMatchObject({ removed: false, revoked: { id: ofJob.id } })
    expect(await job.run('whoami')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('revoked') })
    const { items } = await owner.json<Page<ApiToken>>('tokens list --limit 200')
    const ended = items.filter(({ revokedAt }) => revokedAt !== null).map(({ id }) => id)
    expect(ended).toEqual(expect.arrayContaining([stored.id, ofJob.id]))
  })

  test('asks for what is missing, and shows no token that is typed', async () => {
    const tool = await createTool()
    await tool.write({ 'hotpatch.json': JSON.stringify({ url: server.url() }) })
    const token = server.ownerToken()
    const asked = [
      await tool.run(['login', '--url', server.url()], { isTTY: true, input: `${token}\r` }),
      // The address of the project is there already.
      await tool.run(['login', '--token', token], { isTTY: true, input: '\r' }),
    ]
    for (const { exitCode, stdout, stderr } of asked) {
      expect(exitCode).toBe(0)
      expect(stdout + stderr).not.toContain(token)
    }
    expect(await tool.json('whoami')).toMatchObject({ role: 'owner' })
  })

  test('knows several servers by name', async () => {
    const tool = await createTool()
    const at = ['login', '--url', server.url(), '--token-stdin']
    await tool.run(at, { input: server.ownerToken() })
    await tool.run([...at, '--server', 'staging'], { input: await server.createToken('reader') })
    expect(await tool.json('whoami')).toMatchObject({ role: 'owner' })
    expect(await tool.json('whoami --server staging')).toMatchObject({ role: 'reader' })
    expect((await tool.json<Page<object>>('servers')).items).toEqual([
      { name: null, url: server.url(), isLoggedIn: true },
      { name: 'staging', url: server.url(), isLoggedIn: true },
    ])
    expect(await tool.json('logout --server staging')).toMatchObject({ removed: true })
    const { stderr } = await tool.run('whoami --server stagin')
    expect(stderr).toContain('no server named "stagin"; known are staging')
  })

  test('with a token that does not work changes nothing', async () => {
    const tool = await createTool()
    const { exitCode, stderr } = await tool.run(['login', '--url', server.url(), '--token', 'hpt_wrong', '--json'])
    expect(exitCode).toBe(1)
    expect(JSON.parse(stderr)).toMatchObject({ error: { type: 'token-invalid', status: 401 } })
    expect((await tool.run('whoami')).stderr).toContain('There is no server to talk to')
  })
})

describe('tokens', () => {
  test('are made, listed without their secrets, and revoked', async () => {
    const owner = await server.createOwner()
    const made = await owner.json<CreatedApiToken>('tokens create --name ci --role reader --expires 2100-01-01 --yes')
    expect(made).toMatchObject({ name: 'ci', role: 'reader', expiresAt: '2100-01-01T00:00:00.000Z' })
    const env = { ...owner.env, HOTPATCH_TOKEN: made.token }
    expect((await owner.run('whoami --json', { env })).exitCode).toBe(0)

    const { items } = await owner.json<Page<ApiToken>>('tokens list')
    expect(JSON.stringify(items)).toContain(made.id)
    expect(JSON.stringify(items)).not.toContain(made.token)

    await owner.json('tokens', 'revoke', made.id, '--yes')
    expect((await owner.run('whoami', { env })).stderr).toContain('hotpatch login')
  })

  test('expire after so many days, and end with the token that they were made with', async () => {
    const owner = await server.createOwner()
    const made = await owner.json<CreatedApiToken>('tokens create --name ci --role admin --expires 30d --yes')
    const days = (Date.parse(made.expiresAt ?? '') - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(29.9)
    expect(days).toBeLessThanOrEqual(30)
    const ci = await createTool({ ...owner.env, HOTPATCH_TOKEN: made.token })
    const child = await ci.json<CreatedApiToken>('tokens create --name child --role reader --yes')
    expect(child).toMatchObject({ parentId: made.id, expiresAt: made.expiresAt })
    const { stdout } = await owner.run(['tokens', 'revoke', made.id, '--yes'])
    expect(stdout).toMatch(new RegExp(`alsoRevoked +${child.id}`))
  })

  test('may less than their role, on some channels, from some networks', async () => {
    const { app, json, run, env } = await server.createPublisher({ key: false })
    const about = ['--app', app.slug, '--name', 'nightly', '--role', 'publisher']
    const permissions = ['apps:read', 'releases:read', 'rollouts:read', 'rollouts:change']
    const scope = [
      '--channel',
      'beta',
      '--channel',
      'staging',
      ...permissions.flatMap((each) => ['--permission', each]),
    ]
    const from = ['--from', '127.0.0.0/8', '--from', '::1']
    const made = await json<CreatedApiToken>('tokens', 'create', ...about, ...scope, ...from, '--yes')
    expect(made).toMatchObject({
      appId: app.id,
      channels: ['beta', 'staging'],
      permissions: ['self:read', ...permissions],
      allowedAddresses: ['127.0.0.0/8', '::1'],
    })
    const { stdout } = await run('tokens list')
    expect(stdout).toMatch(
      /nightly +publisher +\S+ +beta, staging +self:read, apps:read, .*rollouts:change +127\.0\.0\.0\/8, ::1/,
    )
    const nightly = await createTool({ ...env, HOTPATCH_TOKEN: made.token })
    const back = ['rollback', '--app', app.slug, '--platform', 'android', '--to', 'embedded', '--yes']
    expect((await nightly.run([...back, '--channel', 'production'])).stderr).toContain('is for the channel beta or')
    expect((await nightly.run(['cohorts', 'create', 'x', '--app', app.slug, '--yes'])).stderr).toContain(
      'needs the permission cohorts:change',
    )

    const elsewhere = await json<CreatedApiToken>('tokens', 'create', ...about, '--from', '203.0.113.0/24', '--yes')
    const far = await createTool({ ...env, HOTPATCH_TOKEN: elsewhere.token })
    expect(await far.run('whoami')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('from there') })
    const wrong = await run(['tokens', 'create', ...about, '--permission', 'people:manage', '--yes', '--json'])
    expect([wrong.exitCode, JSON.parse(wrong.stderr).error.type]).toEqual([1, 'invalid-request'])
  })

  test('and an app that was mistyped gets the one that was meant', async () => {
    const { app, run } = await server.createPublisher({ key: false })
    const { exitCode, stderr } = await run(['releases', 'list', '--app', `${app.slug}x`])
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`Did you mean "${app.slug}"?`)])
    expect((await run('releases list --app something-else')).stderr).toContain('See: apps list')
  })

  test('of a reader change nothing', async () => {
    const env = { HOTPATCH_URL: server.url(), HOTPATCH_TOKEN: await server.createToken('reader') }
    const reader = await createTool(env)
    const { exitCode, stderr } = await reader.run('apps create readers-app --yes')
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/needs the permission apps:change.*whoami" shows what your token may do/s),
    ])
  })
})

describe('apps', () => {
  test('are made, listed and shown', async () => {
    const owner = await server.createOwner()
    const app = await owner.json<App>('apps', 'create', '--name', 'My Shop!', '--platforms', 'ios', '--yes')
    expect(app).toMatchObject({ slug: 'my-shop', name: 'My Shop!', platforms: ['ios'], appKey: expect.any(String) })
    expect(await owner.json('apps show my-shop')).toEqual(app)
    expect((await owner.json<Page<App>>('apps list')).items).toContainEqual(app)
    expect(await owner.run('apps create my-shop --yes --json')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('"app-exists"'),
    })
  })

  test('say how they know devices, and how long they keep what they know', async () => {
    const owner = await server.createOwner()
    const settings = ['--device-ids', 'as-given', '--event-retention-days', '30', '--device-retention-days', '100']
    expect(await owner.json('apps', 'create', 'kept', ...settings, '--yes')).toMatchObject({
      deviceIds: 'as-given',
      eventRetentionDays: 30,
      deviceRetentionDays: 100,
    })
    const changed = { deviceIds: 'hashed', eventRetentionDays: 7, deviceRetentionDays: 100, name: 'Kept' }
    const changes = ['--device-ids', 'hashed', '--event-retention-days', '7', '--name', 'Kept']
    expect(await owner.json('apps', 'set', 'kept', ...changes, '--yes')).toMatchObject(changed)
    expect(await owner.json('apps show kept')).toMatchObject(changed)
    expect(await owner.run('apps set kept --event-retention-days 0 --yes')).toMatchObject({ exitCode: 2 })
    expect(await owner.run('apps set kept --yes')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Say what to change'),
    })
    expect(await owner.run('apps set kept --name Other')).toMatchObject({ exitCode: 2 })
    expect(await owner.run('apps set kept --bucketing original --yes --json')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('needs \\"as-given\\"'),
    })
  })

  test('are made when somebody says yes, and not otherwise', async () => {
    const owner = await server.createOwner()
    expect(await owner.run('apps create asked')).toMatchObject({ exitCode: 2 })
    expect(await owner.run('apps create asked', { isTTY: true, input: 'n' })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('Cancelled. Nothing was changed.'),
    })
    expect(await owner.run('apps show asked')).toMatchObject({ exitCode: 1 })
    expect(await owner.run('apps create asked', { isTTY: true, input: 'y' })).toMatchObject({ exitCode: 0 })
    expect(await owner.run('apps show asked')).toMatchObject({ exitCode: 0 })
  })

  test('must be named when there are several', async () => {
    await server.createPublisher()
    const publisher = await server.createPublisher()
    expect(await publisher.json('apps show')).toEqual(publisher.app)
    const owner = await server.createOwner()
    expect(await owner.run('channels list')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--app, or in hotpatch.json'),
    })
    expect(await owner.run('channels list --app nobodys')).toMatchObject({ exitCode: 1 })
  })
})

test('channels are made and listed', async () => {
  const { json, run } = await server.createPublisher()
  const channel = await json<Channel>('channels create nightly --yes')
  expect((await json<Page<Channel>>('channels list')).items).toContainEqual(channel)
  expect((await run('channels create nightly --yes')).exitCode).toBe(1)
})

describe('protected channels', () => {
  test('are protected, listed and opened', async () => {
    const { json, run } = await server.createPublisher({ key: false })
    expect(await run('channels protect production --yes')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--role, --person or --api-token'),
    })
    expect(await run('channels protect production --role boss --yes')).toMatchObject({ exitCode: 2 })
    const token = await json<CreatedApiToken>('tokens create --name release --role publisher --yes')
    const who = ['--role', 'owner', '--role', 'admin', '--api-token', token.id]
    const made = await json<ChannelProtection>('channels', 'protect', 'production', ...who, '--needs-approval', '--yes')
    expect(made).toMatchObject({ roles: ['owner', 'admin'], tokens: [token.id], people: [], needsApproval: true })
    expect((await json<Page<ChannelProtection>>('channels protections')).items).toEqual([made])
    expect((await run('channels protections')).stdout).toMatch(/production +owner, admin +.*true|yes/)
    expect(await json('channels unprotect production --yes')).toEqual(made)
    expect((await json<Page<ChannelProtection>>('channels protections')).items).toEqual([])
    expect((await run('channels unprotect production --yes')).stderr).toContain('is not protected')
  })

  test('have proposals, which somebody else approves or rejects, and whoever made them takes back', async () => {
    const { app, json, run, env } = await server.createPublisher({ key: false })
    const [pia, quentin] = await Promise.all(
      ['pia', 'quentin'].map(async (name) => {
        const invitation = ['people', 'invite', `${name}@example.com`, '--name', name, '--grant', 'admin']
        const { link } = JSON.parse((await run([...invitation, '--yes', '--json'])).stdout) as CreatedInvitation
        const token = await signUp(link, { name, role: 'admin', app: app.slug })
        return createTool({ ...env, HOTPATCH_TOKEN: token })
      }),
    )
    if (!pia || !quentin) throw new Error('Nobody came.')
    await json('channels protect production --role admin --needs-approval --yes')
    const place = `--app ${app.slug} --platform android --channel production --to embedded`
    const propose = async () => {
      await pia.json(`rollback ${place} --yes`)
      const { items } = await json<Page<Proposal>>('proposals list')
      return items[0] as Proposal
    }
    const one = await propose()
    expect(one).toMatchObject({ kind: 'start', channel: 'production', state: 'open', proposedBy: 'pia' })
    expect((await run('proposals list')).stdout).toMatch(/production +start +.*pia/)
    expect(await pia.run(['proposals', 'approve', one.id, '--yes'])).toMatchObject({ exitCode: 1 })
    expect(await quentin.run(['proposals', 'approve', one.id], { isTTY: true, input: 'y' })).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/Approve what pia has proposed for the channel.*production: start\?/s),
    })
    const two = await propose()
    const why = ['--reason', 'not on a Friday']
    expect(await quentin.json('proposals', 'reject', two.id, ...why, '--yes')).toMatchObject({
      state: 'rejected',
      reason: 'not on a Friday',
    })
    const three = await propose()
    expect(await quentin.run(['proposals', 'withdraw', three.id, '--yes'])).toMatchObject({ exitCode: 1 })
    expect(await pia.json('proposals', 'withdraw', three.id, '--yes')).toMatchObject({ state: 'withdrawn' })
    expect((await json<Page<Proposal>>('proposals list')).items).toEqual([])
    expect((await json<Page<Proposal>>('proposals list --state approved')).items).toMatchObject([{ id: one.id }])
  })
})

test('keys of an app are added, listed and revoked', async () => {
  const { json, run, app } = await server.createPublisher()
  const own = await json<{ publicKey: string; fingerprint: string }>('keys show')
  const { impact, ...added } = await json<SigningKey & { impact: object }>('keys add --name laptop --yes')
  expect(impact).toMatchObject({ stranded: 0 })
  expect(added).toMatchObject({ publicKey: own.publicKey, name: 'laptop', revokedAt: null })
  const { items } = await json<Page<SigningKey & { fingerprint: string }>>('keys list')
  expect(items).toEqual([{ ...added, fingerprint: own.fingerprint }])
  expect((await run(['keys', 'add', own.publicKey, '--app', app.slug, '--yes'])).stderr).toMatch(/registered already/)
  expect(await json('keys', 'revoke', added.id, '--yes')).toMatchObject({ revokedAt: expect.any(String) })
})
