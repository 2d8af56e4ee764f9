import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createManagementClient, type ManagementClient } from '@hotpatch/api'
import { makeTemporaryDirectory, runCliProcess, startServerProcess } from '@hotpatch/testkit'
import { startCiIssuer, type CiIssuer } from '@hotpatch/testkit/issuers'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { runGitHubAction } from './ci/github-runner.ts'
import { runGitLabJob } from './ci/gitlab-runner.ts'
import { installToolPrograms } from './ci/tool-programs.ts'

const GUIDE = fileURLToPath(new URL('../docs/guides/publishing-from-ci.md', import.meta.url))
const DEPLOY = fileURLToPath(new URL('../deploy/ci/', import.meta.url))
const ACTION = join(DEPLOY, 'github', 'action.yml')
const TEMPLATE = join(DEPLOY, 'gitlab', 'hotpatch.gitlab-ci.yml')
/** What GitHub's and GitLab's tokens say of a job, as their documentation has it. */
const ON_GITHUB = {
  sub: 'repo:acme/notes:ref:refs/heads/main',
  repository: 'acme/notes',
  repository_owner: 'acme',
  repository_id: '74',
  ref: 'refs/heads/main',
  event_name: 'push',
  run_id: '12',
}
const ON_GITLAB = {
  sub: 'project_path:acme/notes:ref_type:branch:ref:main',
  project_path: 'acme/notes',
  namespace_path: 'acme',
  ref: 'main',
  ref_protected: 'true',
  job_id: '302',
}

let issuer: CiIssuer
let server: Awaited<ReturnType<typeof startServerProcess>>
let api: ManagementClient
let directory: string
/** What any job has, and nothing of this process's own. */
let env: Record<string, string>

beforeAll(async () => {
  directory = await makeTemporaryDirectory()
  issuer = await startCiIssuer()
  const ofServer = { HOTPATCH_ISSUER_ALLOW_PRIVATE: '127.0.0.0/8' }
  server = await startServerProcess({ directory: join(directory, 'data'), env: ofServer })
  api = createManagementClient({ url: server.url, token: server.ownerToken })
  await api.createApp({ slug: 'notes', platforms: ['android'] })
})
afterAll(async () => {
  await server.stop()
  await issuer.close()
  await rm(directory, { recursive: true, force: true })
})

let workspace: string
let runs = 0
beforeEach(async () => {
  const run = join(directory, `run-${(runs += 1)}`)
  workspace = join(run, 'workspace')
  await mkdir(join(workspace, 'dist'), { recursive: true })
  await mkdir(join(run, 'home'), { recursive: true })
  await writeFile(join(workspace, 'dist', 'index.android.bundle'), `console.log(${runs})`)
  await writeFile(join(workspace, 'hotpatch.json'), JSON.stringify({ app: 'notes' }))
  const programs = await installToolPrograms(run)
  env = { PATH: `${programs}:/usr/bin:/bin`, HOME: join(run, 'home'), LANG: 'C.UTF-8' }
  return async () => {
    // No token of a job stays on the runner.
    expect(await readdir(join(run, 'home'))).toEqual([])
    for (const { id } of (await api.listTrustRules()).items) await api.removeTrustRule(id)
  }
})

const release = (version: string) =>
  `hotpatch release --platform android --version ${version} --bundle-dir dist --notes "it's a \\"test\\"" --yes`

async function addRule(...more: string[]) {
  await runTool([
    'trust-rules',
    'add',
    'publish',
    '--issuer',
    issuer.issuer,
    '--role',
    'publisher',
    '--app',
    'notes',
    ...more,
  ])
}

async function runTool(args: readonly string[]) {
  const ofOwner = { HOTPATCH_URL: server.url, HOTPATCH_TOKEN: server.ownerToken }
  const { code, stderr } = await runCliProcess([...args, '--yes'], {
    cwd: workspace,
    env: { ...env, ...ofOwner },
  })
  expect(stderr).toBe('')
  expect(code).toBe(0)
}

interface GuideStep {
  uses?: string
  with?: Record<string, string>
}

/** What the guide says of a rule, and what stands in the job: for GitHub first, then for GitLab. */
async function readGuide(kind: 'github' | 'gitlab') {
  const text = await readFile(GUIDE, 'utf8')
  const blocks = (language: string) =>
    [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, block = '']) => block)
  const at = kind === 'github' ? 0 : 1
  return { command: blocks('sh')[at] ?? '', job: parse(blocks('yaml')[at] ?? '') as unknown }
}

/** For the issuer that is here. */
async function addRuleBy(command: string) {
  const [, ...words] = command.replaceAll('\\\n', ' ').trim().split(/\s+/)
  await runTool(words.map((word) => (['github', 'gitlab'].includes(word) ? issuer.issuer : word)))
}

const onGitHub = (inputs: Record<string, string>, claims: Record<string, string> = ON_GITHUB) =>
  runGitHubAction(ACTION, {
    inputs: { url: server.url, ...inputs },
    env: { ...env, ...issuer.githubJob(claims) },
    workspace,
    temporary: join(workspace, '..', 'temporary'),
  })

test('the guide, followed on GitHub, publishes by the identity of the job, and prints no token', async () => {
  const { command, job } = await readGuide('github')
  await addRuleBy(command)
  const steps = (job as { jobs: { publish: { steps: GuideStep[] } } }).jobs.publish.steps
  const { with: inputs = {} } = steps.find(({ uses }) => uses === './.github/actions/hotpatch') ?? {}
  const { code, log } = await onGitHub({ ...inputs, url: server.url })
  expect(log).not.toMatch(/hpt_/)
  expect([code, log]).toEqual([0, expect.stringContaining('1.4.0')])
  const { items } = await api.listReleases('notes', {})
  expect(items[0]).toMatchObject({ version: '1.4.0' })
  const [exchanged] = (await api.listAudit({ action: 'token.exchanged' })).items
  expect(exchanged).toMatchObject({ after: { rule: 'publish-notes', claims: { run_id: '12', sub: ON_GITHUB.sub } } })
})

test('the action publishes from another branch no more than the rule says', async () => {
  await addRule('--condition', 'repository=acme/notes', '--condition', 'ref=refs/heads/main')
  const { code, log } = await onGitHub({ run: release('1.1.0') }, { ...ON_GITHUB, ref: 'refs/heads/mine' })
  expect([code, log]).toEqual([1, expect.stringContaining('No trust rule lets in a token')])
})

test('the action names a rule and an audience, and an input is no command', async () => {
  const audience = 'urn:hotpatch:notes'
  await addRule('--condition', 'repository_id=74', '--audience', audience)
  const hostile = '"; touch stolen; $(touch stolen) `touch stolen`'
  const refused = await onGitHub({ run: release('1.2.0'), rule: hostile, audience })
  expect([refused.code, await readdir(workspace)]).toEqual([1, ['dist', 'hotpatch.json']])
  const { code, log } = await onGitHub({ run: `${release('1.2.0')}\nfalse\ntouch reached`, rule: 'publish', audience })
  // It ends with the first command that fails.
  expect([code, log, await readdir(workspace)]).toEqual([
    1,
    expect.stringContaining('1.2.0'),
    ['dist', 'hotpatch.json'],
  ])
})

test('the action says what a job needs that has no identity', async () => {
  const { code, log } = await runGitHubAction(ACTION, {
    inputs: { url: server.url, run: 'true' },
    env,
    workspace,
    temporary: join(workspace, '..', 'temporary'),
  })
  expect([code, log]).toEqual([1, expect.stringContaining('permissions: id-token: write')])
})

test('the guide, followed on GitLab, publishes by the identity of the job, which is exchanged once', async () => {
  const { command, job } = await readGuide('gitlab')
  await addRuleBy(command)
  const { include, publish } = job as { include: { inputs: Record<string, string> }[]; publish: { script: string[] } }
  const [{ inputs } = { inputs: {} }] = include
  const run = (sign: (audience: string) => Promise<string>, script: readonly string[]) =>
    runGitLabJob(TEMPLATE, {
      inputs: { ...inputs, url: server.url },
      script,
      env,
      workspace,
      temporary: join(workspace, '..'),
      sign,
    })
  // There is nothing to build here.
  const script = publish.script.filter((line) => !line.startsWith('npm '))
  const signed = await issuer.sign({ audience: server.url, claims: ON_GITLAB })
  const published = await run(() => Promise.resolve(signed), [...script, '[ -z "${HOTPATCH_ID_TOKEN-}" ]'])
  expect([published.code, published.log]).toEqual([0, expect.stringContaining('1.5.0')])
  expect(published.log).not.toMatch(/hpt_/)
  const again = await run(() => Promise.resolve(signed), script)
  expect([again.code, again.log]).toEqual([1, expect.stringContaining('exchanged before')])
  const unprotected = (audience: string) => issuer.sign({ audience, claims: { ...ON_GITLAB, ref_protected: 'false' } })
  const refused = await run(unprotected, script)
  expect([refused.code, refused.log]).toEqual([1, expect.stringContaining('No trust rule lets in a token')])
})
