import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, test } from 'vitest'
import type { NativeChange } from '../native/native-changes.ts'
import { createTool, type Tool } from '../testing/run-tool.ts'

/** As the system has it: these tests are about what real git does. */
const GIT_PATH = dirname(execFileSync('which', ['git'], { encoding: 'utf8' }).trim())
const IDENTITY = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
  GIT_CONFIG_NOSYSTEM: '1',
}

let tool: Tool
/** There only if somebody's program was run. */
let mark: string

const git = (args: readonly string[], cwd = tool.cwd) =>
  execFileSync('git', args, { cwd, env: { ...tool.env, ...IDENTITY }, encoding: 'utf8', stdio: 'pipe' }).trim()

async function commit(tag: string, files: Record<string, string> = {}) {
  await tool.write(files)
  git(['add', '-A'])
  git(['commit', '-q', '--allow-empty', '-m', tag])
  git(['tag', tag])
}

const APP = {
  'package.json': JSON.stringify({ dependencies: { '@capacitor/core': '^8.0.0', '@capacitor/camera': '^8.0.0' } }),
  'capacitor.config.json': '{}',
  'src/main.ts': 'one',
  'android/app/build.gradle': 'versionName "1.0"',
}

beforeEach(async () => {
  tool = await createTool()
  tool.env.PATH += `:${GIT_PATH}`
  mark = join(tool.home, 'was-run')
  await writeFile(join(tool.home, 'program.sh'), `#!/bin/sh\ntouch ${mark}\nexit 1\n`)
  await chmod(join(tool.home, 'program.sh'), 0o755)
  git(['init', '-q', '-b', 'main'])
  await commit('v1', APP)
})

async function changed(...more: string[]) {
  const { exitCode, stdout, stderr } = await tool.run(['native', 'changed', '--json', '--from', 'v1', ...more])
  const { reasons = [] } = JSON.parse(stdout === '' ? '{}' : stdout) as { reasons?: NativeChange[] }
  return { exitCode, paths: reasons.map(({ path }) => path), stderr }
}
const errorOf = ({ stderr }: { stderr: string }) =>
  (JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as { error: { type: string; message: string } }).error

describe('what the repository or the environment says does not change the answer, and runs nothing', () => {
  test('programs in its configuration, attributes and hooks', async () => {
    const program = join(tool.home, 'program.sh')
    for (const name of [
      'core.fsmonitor',
      'core.sshCommand',
      'core.pager',
      'core.editor',
      'diff.external',
      'core.askPass',
    ]) {
      git(['config', name, program])
    }
    for (const name of ['textconv', 'command']) git(['config', `diff.evil.${name}`, program])
    await mkdir(join(tool.cwd, '.git/hooks'), { recursive: true })
    await cp(program, join(tool.cwd, '.git/hooks/post-index-change'))
    git(['config', 'diff.relative', 'true'])
    git(['config', 'core.quotePath', 'true'])
    await tool.write({ '.gitattributes': '* diff=evil\n', 'android/app/build.gradle': 'two' })
    git(['-c', 'core.fsmonitor=false', 'add', '-A'])
    git(['-c', 'core.fsmonitor=false', 'commit', '-q', '-m', 'v2'])
    await rm(mark, { force: true })
    expect(await changed()).toMatchObject({ exitCode: 10, paths: ['android/app/build.gradle'] })
    expect(existsSync(mark)).toBe(false)
  })

  test('another repository that a hook of it names', async () => {
    await commit('v2', { 'android/app/build.gradle': 'two' })
    const other = await createTool()
    git(['init', '-q'], other.cwd)
    git(['commit', '-q', '--allow-empty', '-m', 'other'], other.cwd)
    git(['tag', 'v1'], other.cwd)
    Object.assign(tool.env, { GIT_DIR: join(other.cwd, '.git'), GIT_WORK_TREE: other.cwd, GIT_PREFIX: 'x/' })
    expect(await changed()).toMatchObject({ exitCode: 10, paths: ['android/app/build.gradle'] })
  })

  test('a commit that is said to be another one', async () => {
    await commit('v2', { 'android/app/build.gradle': 'two' })
    git(['replace', 'v2', 'v1'])
    expect(await changed()).toMatchObject({ exitCode: 10 })
  })

  test('a folder that looks like a repository itself', async () => {
    git(['init', '-q', '--bare', join(tool.cwd, 'apps/shop')])
    git(['config', 'core.sshCommand', join(tool.home, 'program.sh')], join(tool.cwd, 'apps/shop'))
    expect(errorOf(await changed('--project', 'apps/shop'))).toMatchObject({ type: 'not-a-repository' })
    expect(existsSync(mark)).toBe(false)
  })

  test('a partial clone: nothing is fetched, and it is said how', async () => {
    await commit('v2', { 'package.json': JSON.stringify({ dependencies: { '@capacitor/core': '^9.0.0' } }) })
    git(['config', 'uploadpack.allowFilter', 'true'])
    const clone = join(tool.home, 'clone')
    git(['clone', '-q', '--filter=blob:none', `file://${tool.cwd}`, clone])
    git(['config', 'remote.origin.url', 'ssh://git@127.0.0.1:1/shop'], clone)
    git(['config', 'core.sshCommand', join(tool.home, 'program.sh')], clone)
    const refused = await changed('--project', clone)
    expect([refused.exitCode, errorOf(refused)]).toEqual([
      1,
      expect.objectContaining({
        type: 'git-object-missing',
        message: expect.stringContaining('git fetch --refetch --no-filter origin'),
      }),
    ])
    expect(existsSync(mark)).toBe(false)
    // As it says.
    git(['config', 'remote.origin.url', `file://${tool.cwd}`], clone)
    git(['fetch', '-q', '--refetch', '--no-filter', 'origin'], clone)
    expect(await changed('--project', clone)).toMatchObject({ exitCode: 10 })
  })
})

describe('a change is seen', () => {
  test('of a submodule that asks to be passed over', async () => {
    const sha = git(['rev-parse', 'v1'])
    git(['rm', '-rq', 'android'])
    git(['update-index', '--add', '--cacheinfo', `160000,${sha},android`])
    await tool.write({ '.gitmodules': '[submodule "android"]\n\tpath = android\n\turl = ./android\n\tignore = all\n' })
    git(['add', '.gitmodules'])
    git(['commit', '-q', '-m', 'submodule'])
    git(['tag', '-f', 'v1'])
    git(['update-index', '--cacheinfo', `160000,${'1'.repeat(40)},android`])
    git(['commit', '-q', '-m', 'v2'])
    expect(await changed()).toMatchObject({ exitCode: 10, paths: ['android'] })
  })

  test('of files with odd names', async () => {
    const odd = Buffer.concat([Buffer.from(join(tool.cwd, 'android/')), Buffer.from([0xff, 0xfe]), Buffer.from('.bin')])
    await writeFile(odd, 'x')
    await commit('v2', { 'android/two\nlines.gradle': 'x', 'android/-rf': 'x', 'android/:(glob)*': 'x' })
    const { exitCode, paths } = await changed()
    expect([exitCode, paths]).toEqual([
      10,
      expect.arrayContaining(['android/two\nlines.gradle', 'android/-rf', 'android/:(glob)*']),
    ])
    expect(paths).toHaveLength(4)
  })

  test('in a folder beside the app that its configuration names', async () => {
    const config = JSON.stringify({ android: { path: '../native/droid' } })
    await commit('base', {
      'apps/shop/package.json': APP['package.json'],
      'apps/shop/capacitor.config.json': config,
      'apps/native/droid/build.gradle': 'one',
    })
    git(['tag', '-f', 'v1'])
    await commit('v2', { 'apps/native/droid/build.gradle': 'two' })
    expect(await changed('--project', 'apps/shop')).toMatchObject({
      exitCode: 10,
      paths: ['apps/native/droid/build.gradle'],
    })
  })

  test.each([
    ['a native project', 'android', '../elsewhere/android'],
    ['the configuration', 'capacitor.config.json', 'shared.json'],
    ['the list of dependencies', 'package.json', 'shared.json'],
  ])('or it is refused, where a link hides it: %s', async (_case, path, target) => {
    await rm(join(tool.cwd, path), { recursive: true })
    await symlink(target, join(tool.cwd, path))
    await commit('v2', { 'shared.json': '{}', 'capacitor.config.ts': 'export default {}' })
    const refused = await changed()
    expect(errorOf(refused)).toMatchObject({ type: 'path-is-link', message: expect.stringContaining(`at ${path} in`) })
  })

  test('or it is refused, where git does not know of it', async () => {
    await commit('v2', { 'capacitor.config.json': '{"ios": {"path": "../ios"}}' })
    expect(errorOf(await changed())).toMatchObject({ type: 'path-outside' })
  })
})

test.each(['--output=/tmp/x', '--upload-pack=touch x', '-p'])('no ref is an option of git: %s', async (ref) => {
  const { exitCode, stderr } = await tool.run(['native', 'changed', `--from=${ref}`])
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('Expected a commit')])
})

describe('what is no file is neither waited for nor read without end', () => {
  const run = promisify(execFile)
  const pipe = (path: string) => run('mkfifo', [join(tool.cwd, path)])

  test.each(['MIN_NATIVE_VERSION', 'hotpatch.json', 'dist/package.json'])('a pipe: %s', async (path) => {
    await tool.write({ 'dist/index.html': '<p>x</p>' })
    await pipe(path)
    const bundle = ['bundle', 'dist', '--out', 'out', '--json']
    const { exitCode, stderr } = await tool.run(path === 'hotpatch.json' ? ['apps', 'list', '--json'] : bundle)
    expect(exitCode).not.toBe(0)
    expect(errorOf({ stderr }).message).toMatch(/no plain file|neither a file nor a folder|Say which version/)
  })

  test.each(['MIN_NATIVE_VERSION', 'hotpatch.json'])('a device: %s', async (path) => {
    await tool.write({ 'dist/index.html': '<p>x</p>' })
    await rm(join(tool.cwd, path), { force: true })
    await symlink('/dev/zero', join(tool.cwd, path))
    const line =
      path === 'MIN_NATIVE_VERSION'
        ? ['bundle', 'dist', '--out', 'out', '--version', '1.0.0', '--json']
        : [
            'release',
            '--app',
            'shop',
            '--platform',
            'any',
            '--version',
            '1.0.0',
            '--bundle-dir',
            'dist',
            '--json',
            '--yes',
          ]
    const { exitCode, stderr } = await tool.run(line)
    expect([exitCode, errorOf({ stderr }).message]).toEqual([1, expect.stringContaining('no plain file')])
  })
})
