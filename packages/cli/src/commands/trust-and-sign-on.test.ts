import type { Page, SingleSignOn, TrustExplanation, TrustRule } from '@hotpatch/api'
import { startCiIssuer, startOpenIdProvider } from '@hotpatch/testkit/issuers'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createTool } from '../testing/run-tool.ts'
import { useServer } from '../testing/server-suite.ts'

const server = useServer({ HOTPATCH_ISSUER_ALLOW_PRIVATE: '127.0.0.1/32' })

async function startJobs() {
  const issuer = await startCiIssuer()
  onTestFinished(() => issuer.close())
  return issuer
}

describe('trust-rules', () => {
  test('let a job log in by what its CI says of it, until they are removed', async () => {
    const issuer = await startJobs()
    const owner = await server.createPublisher({ key: false })
    const conditions = ['--condition', 'repository=acme/*', '--condition', 'ref=refs/heads/main']
    const rule = await owner.json<TrustRule>(
      'trust-rules',
      'add',
      'publish',
      '--issuer',
      issuer.issuer,
      ...conditions,
      '--role',
      'publisher',
      '--yes',
    )
    expect(rule).toMatchObject({ appId: owner.app.id, audience: server.url(), lifetimeMinutes: 15 })
    expect((await owner.run('trust-rules list')).stdout).toContain('repository=acme/*, ref=refs/heads/main')

    const claims = { sub: 'repo:acme/app:x', repository: 'acme/app', ref: 'refs/heads/main' }
    const job = await createTool({ HOTPATCH_URL: server.url(), ...issuer.githubJob(claims) })
    expect(await job.json('login --ci --rule publish')).toMatchObject({
      name: 'publish (repo:acme/app:x)',
      role: 'publisher',
    })
    expect(await job.json('whoami')).toMatchObject({ role: 'publisher' })
    const printed = await job.run('login --ci --print')
    expect(printed).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^hpt_[\w-]+\n$/), stderr: '' })

    const update = (...words: string[]) => owner.json<TrustRule>('trust-rules', 'update', rule.id, ...words, '--yes')
    expect(await update('--lifetime', '5')).toMatchObject({ lifetimeMinutes: 5, conditions: rule.conditions })
    expect((await job.run('whoami')).exitCode).toBe(0)
    const narrowed = await update('--channels', 'beta', '--condition', 'repository=acme/other', '--name', 'beta')
    expect(narrowed).toMatchObject({ id: rule.id, name: 'beta', channels: ['beta'], lifetimeMinutes: 5 })
    expect((await job.run('whoami')).stderr).toContain('not known here')
    expect(await update('--all-channels', '--all-apps')).toMatchObject({
      channels: null,
      permissions: null,
      appId: null,
    })
    expect(await owner.run(['trust-rules', 'update', rule.id, '--yes'])).toMatchObject({ exitCode: 2 })
    expect(await owner.run(['trust-rules', 'update', rule.id, '--app', 'a', '--all-apps'])).toMatchObject({
      exitCode: 2,
    })

    await owner.json('trust-rules', 'remove', rule.id, '--yes')
    expect((await job.run('whoami')).stderr).toContain('not known here')
    expect((await owner.json<Page<TrustRule>>('trust-rules list')).items.map(({ id }) => id)).not.toContain(rule.id)
  })

  test('say why a token is not let in', async () => {
    const issuer = await startJobs()
    const owner = await server.createPublisher({ key: false })
    await owner.json(
      'trust-rules',
      'add',
      'strict',
      '--issuer',
      issuer.issuer,
      '--condition',
      'ref=refs/heads/main',
      '--role',
      'reader',
      '--yes',
    )
    const token = await issuer.sign({ audience: server.url(), claims: { sub: 's', ref: 'refs/heads/dev' } })
    const { stdout } = await owner.run('trust-rules explain', { input: `${token}\n` })
    expect(stdout).toContain('Does not fit: strict')
    expect(stdout).toContain('ref: expected refs/heads/main, found refs/heads/dev')
    const { stdout: json } = await owner.run('trust-rules explain --json', { input: token })
    expect((JSON.parse(json) as TrustExplanation).rules).toMatchObject([{ name: 'strict', fits: false }])
  })

  test('that a mistyped condition would be is said before anything is asked', async () => {
    const owner = await server.createPublisher({ key: false })
    const line = 'trust-rules add p --issuer github --role publisher --yes --condition'
    expect(await owner.run(`${line} repository`)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('claim=value'),
    })
    const refused = await owner.run(`${line} ref=refs/heads/main`)
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('gives tokens to everybody') })
  })
})

describe('login --ci', () => {
  test('exchanges what HOTPATCH_ID_TOKEN holds, once', async () => {
    const issuer = await startJobs()
    const owner = await server.createPublisher({ key: false })
    await owner.json(
      'trust-rules',
      'add',
      'given',
      '--issuer',
      issuer.issuer,
      '--condition',
      'sub=job',
      '--role',
      'reader',
      '--yes',
    )
    const token = await issuer.sign({ audience: server.url(), claims: { sub: 'job' } })
    const job = await createTool({ HOTPATCH_URL: server.url(), HOTPATCH_ID_TOKEN: token })
    expect((await job.run('login --ci --print --rule given')).stdout).toMatch(/^hpt_/)
    expect((await job.run('login --ci --print --rule given')).stderr).toContain('exchanged before')
  })

  test('says what is missing where there is no identity, and what does not go together', async () => {
    const job = await createTool({ HOTPATCH_URL: server.url() })
    expect((await job.run('login --ci')).stderr).toContain('permissions: id-token: write')
    expect(await job.run('login --ci --token x')).toMatchObject({ exitCode: 2 })
    expect(await job.run('login --print --token x')).toMatchObject({ exitCode: 2 })
  })
})

describe('single-sign-on', () => {
  test('is set, shown without its secret, changed with the one that is there, and removed', async () => {
    const provider = await startOpenIdProvider({ redirectUris: [`${server.url()}/manage/v1/single-sign-on/callback`] })
    onTestFinished(() => provider.close())
    const owner = await server.createPublisher({ key: false })
    const line = [
      'single-sign-on',
      'set',
      '--name',
      'Acme',
      '--issuer',
      provider.issuer,
      '--client-id',
      'hotpatch',
      '--yes',
    ]
    const groups = ['--group', 'cn=mobile,ou=teams=publisher', '--group', `leads=admin@${owner.app.slug}`]
    const set = await owner.run([...line, ...groups, '--secret-stdin', '--json'], {
      input: `${provider.client.secret}\n`,
    })
    expect(set).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('/manage/v1/single-sign-on/callback') })
    expect(JSON.parse(set.stdout)).toMatchObject({
      hasClientSecret: true,
      groups: [
        { group: 'cn=mobile,ou=teams', role: 'publisher', appId: null },
        { group: 'leads', role: 'admin', appId: owner.app.id },
      ],
    })
    const changed = await owner.json<SingleSignOn>(line.slice(0, 2).join(' '), ...line.slice(2), '--session-hours', '8')
    expect(changed).toMatchObject({ hasClientSecret: true, sessionHours: 8, groups: [] })
    const shown = await owner.run('single-sign-on show')
    expect(shown.stdout).toContain(provider.issuer)
    expect(shown.stdout + set.stdout).not.toContain(provider.client.secret)
    await owner.json('single-sign-on remove --yes')
    expect((await owner.run('single-sign-on show')).stderr).toContain('There is no single sign-on')
  })
})
