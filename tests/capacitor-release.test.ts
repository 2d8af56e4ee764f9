import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { runInNewContext } from 'node:vm'
import { makeTemporaryDirectory } from '@hotpatch/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { EXAMPLE } from './capacitor-app.ts'
import { ROOT } from './packed-packages.ts'

/** The release tooling of the Capacitor example, on real repositories: a bare one as origin, and clones of it. */
const BUILDS = 'node -e 0'
const BUILD_FAILS = 'node -e process.exit(3)'

interface Workflow {
  on: { push: { tags: string[] } }
  jobs: Record<string, Job>
}
interface Job {
  needs?: string | string[]
  if?: string
  steps: { id?: string; uses?: string; with?: Record<string, unknown>; run?: string }[]
}

const WORKFLOW = parse(await readFile(join(EXAMPLE, '.github/workflows/release.yml'), 'utf8')) as Workflow

let directory: string
let origin: string
let app: string

beforeEach(async () => {
  directory = await makeTemporaryDirectory()
  origin = join(directory, 'origin.git')
  app = join(directory, 'app')
  await mkdir(app)
  const files = ['package.json', 'package-lock.json', 'capacitor.config.ts', 'MIN_NATIVE_VERSION', '.gitignore']
  for (const name of [...files, 'src', 'scripts']) await cp(join(EXAMPLE, name), join(app, name), { recursive: true })
  await prepareModules(app)
  await run('git', ['init', '-q', '--bare', '-b', 'main', origin])
  await git('init', '-q', '-b', 'main')
  await git('remote', 'add', 'origin', origin)
  await commit('the app', {})
  await git('push', '-q', 'origin', 'main')
  await git('tag', 'v1.0.0')
  await publish('1.0.0')
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** All that these commands need of what npm would install. */
async function prepareModules(clone: string): Promise<void> {
  const binaries = join(clone, 'node_modules', '.bin')
  await mkdir(binaries, { recursive: true })
  await symlink(join(ROOT, 'packages/cli/bin/hotpatch.js'), join(binaries, 'hotpatch'))
}

async function run(
  command: string,
  args: string[],
  { cwd = directory, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
) {
  const name = { NAME: 'Ada', EMAIL: 'ada@example.com' }
  const identity = Object.entries(name).flatMap(([key, value]) => [
    [`GIT_AUTHOR_${key}`, value],
    [`GIT_COMMITTER_${key}`, value],
  ])
  const all = {
    ...process.env,
    ...Object.fromEntries(identity),
    GIT_CONFIG_NOSYSTEM: '1',
    // Compiled once for all the runs of the tool.
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'compiled'),
    HOME: directory,
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
    ...env,
  }
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { cwd, env: all })
    return { code: 0, stdout: stdout.trim(), stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, stdout, stderr }
  }
}

async function git(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run('git', args, { cwd: app })
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`)
  return stdout
}

async function commit(subject: string, files: Record<string, string>): Promise<string> {
  for (const [path, text] of Object.entries(files)) await writeFile(join(app, path), text)
  await git('add', '-A')
  await git('commit', '-q', '-m', subject)
  return git('rev-parse', 'HEAD')
}

const promote = (version: string, { build = BUILDS, cwd = app } = {}) =>
  run('bash', [join(cwd, 'scripts/promote.sh'), version], { cwd, env: { PROMOTE_BUILD: build } })

/** What the last job of the workflow does. */
async function publish(version: string): Promise<void> {
  await git('tag', `published/v${version}`, `v${version}^{commit}`)
  await git('push', '-q', 'origin', `v${version}`, `published/v${version}`)
}

async function release(version: string): Promise<void> {
  const { code, stderr } = await promote(version)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  await publish(version)
}

const minimum = async (tag: string) => git('show', `${tag}:MIN_NATIVE_VERSION`)
const versionAt = async (tag: string) =>
  (JSON.parse(await git('show', `${tag}:package.json`)) as { version: string }).version
const inOrigin = (ref: string) => run('git', ['rev-parse', '--verify', '--quiet', ref], { cwd: origin })

const webChange = (text: string) => ({ 'src/headline.ts': `export const headline = '${text}'\n` })
const nativeChange = (name: string) => ({
  'capacitor.config.ts': `export default { appId: '${name}', webDir: 'dist' }\n`,
})

describe('promoting', () => {
  test('the first release requires a shell of its own version', async () => {
    for (const tag of ['v1.0.0', 'published/v1.0.0']) {
      await git('push', '-q', 'origin', `:${tag}`)
      await git('tag', '-d', tag)
    }
    await release('0.9.0')
    expect([await minimum('v0.9.0'), await versionAt('v0.9.0')]).toEqual(['0.9.0', '0.9.0'])
  })

  test('a release of the web alone requires what the one before does', async () => {
    await commit('another headline', webChange('Two'))
    await release('1.1.0')
    expect(await minimum('v1.1.0')).toBe('1.0.0')
    expect(await versionAt('v1.1.0')).toBe('1.1.0')
    expect((await inOrigin('v1.1.0^{commit}')).stdout).toBe(await git('rev-parse', 'main'))
    expect((await inOrigin('main')).stdout).toBe(await git('rev-parse', 'main'))
  })

  test('a changed shell raises it, and the next release keeps what it was raised to', async () => {
    await commit('another id', nativeChange('com.example.two'))
    const raised = await promote('1.1.0')
    expect(raised.stdout).toContain('capacitor.config.ts')
    await publish('1.1.0')
    await commit('another headline', webChange('Two'))
    await release('1.2.0')
    expect([await minimum('v1.1.0'), await minimum('v1.2.0')]).toEqual(['1.1.0', '1.1.0'])
  })

  test('a picked commit is released from the release that it mends, whatever main has become', async () => {
    await commit('another id', nativeChange('com.example.two'))
    const mended = await commit('a mended headline', webChange('Mended'))
    await release('2.0.0')
    await git('switch', '-q', '-c', 'release/1.0.1', 'v1.0.0')
    await git('cherry-pick', mended)
    await release('1.0.1')
    expect(await minimum('v2.0.0')).toBe('2.0.0')
    expect(await minimum('v1.0.1')).toBe('1.0.0')
    expect((await inOrigin('release/1.0.1')).stdout).toBe(await git('rev-parse', 'v1.0.1^{commit}'))
    await git('switch', '-q', 'main')
    await commit('another headline', webChange('Three'))
    await release('2.1.0')
    expect(await minimum('v2.1.0')).toBe('2.0.0')
  })

  test('a picked change of the shell raises it there, too', async () => {
    await commit('another headline', webChange('Two'))
    const shell = await commit('another id', nativeChange('com.example.two'))
    await git('switch', '-q', '-c', 'release/1.0.1', 'v1.0.0')
    await git('cherry-pick', shell)
    await release('1.0.1')
    expect(await minimum('v1.0.1')).toBe('1.0.1')
  })

  test('a shell whose build failed does not count: the next release needs it as well', async () => {
    await commit('another id', nativeChange('com.example.two'))
    expect((await promote('1.1.0')).code).toBe(0) // and CI never published it
    await commit('another headline', webChange('Two'))
    await release('1.1.1')
    expect(await minimum('v1.1.1')).toBe('1.1.1')
  })

  test('a shallow clone gets what it needs to compare', async () => {
    await commit('another headline', webChange('Two'))
    await git('push', '-q', 'origin', 'main')
    const shallow = join(directory, 'shallow')
    await run('git', ['clone', '-q', '--depth', '1', '--no-tags', `file://${origin}`, shallow])
    await prepareModules(shallow)
    const { code, stderr } = await promote('1.1.0', { cwd: shallow })
    expect({ code, stderr }).toMatchObject({ code: 0 })
    await git('fetch', '-q', '--tags', 'origin')
    expect(await minimum('v1.1.0')).toBe('1.0.0')
  })

  test.each<[string, () => Promise<{ code: number; stderr: string }>, RegExp]>([
    ['a version that is none', () => promote('1.0'), /expected a version such as 1\.2\.0, found "1\.0"/],
    [
      'changes that are not committed',
      async () => {
        await writeFile(join(app, 'src/new.ts'), '')
        return promote('1.1.0')
      },
      /not committed/,
    ],
    ['a version that was released', () => promote('1.0.0'), /v1\.0\.0 is there already/],
    [
      'no branch',
      async () => {
        await git('switch', '-q', '--detach')
        return promote('1.1.0')
      },
      /no branch is checked out/,
    ],
    ['a build that fails', () => promote('1.1.0', { build: BUILD_FAILS }), /nothing was released/],
    [
      'a push that is refused',
      async () => {
        const other = join(directory, 'other')
        await run('git', ['clone', '-q', origin, other])
        await run('git', ['commit', '-q', '--allow-empty', '-m', 'meanwhile'], { cwd: other })
        await run('git', ['push', '-q', 'origin', 'main'], { cwd: other })
        return promote('1.1.0')
      },
      /nothing was released/,
    ],
  ])('%s: refused, and everything is as before', async (_case, attempt, message) => {
    await commit('another id', nativeChange('com.example.two'))
    const head = await git('rev-parse', 'HEAD')
    const { code, stderr } = await attempt()
    expect(code).not.toBe(0)
    expect(stderr).toMatch(message)
    expect(await git('rev-parse', 'HEAD')).toBe(head)
    expect(await git('tag', '--list', 'v*')).toBe('v1.0.0')
    expect(await git('status', '--porcelain', '--untracked-files=no')).toBe('')
    expect((await inOrigin('v1.1.0')).code).not.toBe(0)
  })
})

describe('the workflow', () => {
  const decide = WORKFLOW.jobs['decide']?.steps ?? []

  /** The step's own lines, as the runner starts them. */
  async function decideAt(tag: string, clone = app) {
    const output = join(directory, 'output')
    await writeFile(output, '')
    const script = join(directory, 'step.sh')
    await writeFile(script, decide.find(({ id }) => id === 'native')?.run ?? 'exit 99')
    await run('git', ['switch', '-q', '--detach', tag], { cwd: clone })
    const { code, stderr } = await run('bash', ['-e', script], { cwd: clone, env: { GITHUB_OUTPUT: output } })
    return { code, stderr, output: await readFile(output, 'utf8') }
  }

  test('builds the apps for a changed shell, and for nothing else', async () => {
    await commit('another headline', webChange('Two'))
    await git('tag', 'v1.1.0')
    expect(await decideAt('v1.1.0')).toMatchObject({ code: 0, output: 'native=false\n' })
    await publish('1.1.0')
    await commit('another id', nativeChange('com.example.two'))
    await git('tag', 'v1.2.0')
    expect(await decideAt('v1.2.0')).toMatchObject({ code: 0, output: 'native=true\n' })
    // Not published: it is still to be built when the next release changes the web alone.
    await commit('another headline', webChange('Three'))
    await git('tag', 'v1.2.1')
    expect(await decideAt('v1.2.1')).toMatchObject({ code: 0, output: 'native=true\n' })
  })

  test('fails where it cannot compare', async () => {
    await rm(join(app, 'capacitor.config.ts'))
    await commit('no Capacitor app any more', { 'package.json': '{"version":"1.1.0"}' })
    await git('tag', 'v1.1.0')
    const decided = await decideAt('v1.1.0')
    expect(decided).toMatchObject({ code: 1, output: '' })
    expect(decided.stderr).toContain('Expected a Capacitor app')
  })

  test('fetches all commits and tags; with the newest alone it would build the apps rather than leave them out', async () => {
    const checkout = decide.find(({ uses }) => uses?.startsWith('actions/checkout@'))
    expect(checkout?.with).toEqual({ 'fetch-depth': 0 })
    await commit('another headline', webChange('Two'))
    await git('tag', 'v1.1.0')
    await git('push', '-q', 'origin', 'v1.1.0')
    const shallow = join(directory, 'shallow')
    await run('git', ['clone', '-q', '--depth', '1', '--branch', 'v1.1.0', `file://${origin}`, shallow])
    await prepareModules(shallow)
    expect(await decideAt('v1.1.0', shallow)).toMatchObject({ code: 0, output: 'native=true\n' })
  })

  test('starts for the tags of promoting, and every job needs jobs that are there', () => {
    expect(WORKFLOW.on.push.tags).toEqual(['v*'])
    const needs = Object.fromEntries(
      Object.entries(WORKFLOW.jobs).map(([name, job]) => [name, [job.needs ?? []].flat()]),
    )
    expect(needs).toEqual({
      decide: [],
      image: ['decide'],
      android: ['decide'],
      ios: ['decide'],
      publish: ['decide', 'image', 'android', 'ios'],
    })
  })

  /** As the runner does: a job that has no condition of its own runs when all that it needs succeeded. */
  function outcome({ native, fails = [] }: { native: string; fails?: string[] }): Record<string, string> {
    const results: Record<string, { result: string; outputs: { native: string } }> = {}
    for (const [name, job] of Object.entries(WORKFLOW.jobs)) {
      const needed = [job.needs ?? []].flat()
      const succeeded = needed.every((each) => results[each]?.result === 'success')
      const condition = job.if?.replace(/^\s*\$\{\{|\}\}\s*$/g, '') ?? 'true'
      // Without one of these functions in it, "success()" is part of every condition.
      const isFreed = /\b(?:always|cancelled|failure)\(\)/.test(condition)
      const holds = runInNewContext(condition, { needs: results, cancelled: () => false }) as boolean
      const runs = holds && (isFreed || succeeded)
      const result = runs ? (fails.includes(name) ? 'failure' : 'success') : 'skipped'
      results[name] = { result, outputs: { native: name === 'decide' && result === 'success' ? native : '' } }
    }
    return Object.fromEntries(Object.entries(results).map(([name, { result }]) => [name, result]))
  }

  test.each<[string, { native: string; fails?: string[] }, Record<string, string>]>([
    ['the web alone', { native: 'false' }, { android: 'skipped', ios: 'skipped', publish: 'success' }],
    ['the shell, too', { native: 'true' }, { android: 'success', ios: 'success', publish: 'success' }],
    ['a failed Android build', { native: 'true', fails: ['android'] }, { ios: 'success', publish: 'skipped' }],
    ['a failed iOS build', { native: 'true', fails: ['ios'] }, { android: 'success', publish: 'skipped' }],
    ['a failed image', { native: 'false', fails: ['image'] }, { publish: 'skipped' }],
    [
      'no decision',
      { native: 'false', fails: ['decide'] },
      { image: 'skipped', android: 'skipped', publish: 'skipped' },
    ],
    ['a decision that says nothing', { native: '' }, { android: 'skipped', publish: 'skipped' }],
  ])('%s', (_case, situation, expected) => {
    expect(outcome(situation)).toMatchObject(expected)
  })

  test('what was published is marked last', () => {
    const steps = WORKFLOW.jobs['publish']?.steps ?? []
    expect(steps.at(-1)?.run).toContain('git push origin "published/$GITHUB_REF_NAME"')
  })
})
