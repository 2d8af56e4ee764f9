import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { NativeChange } from '../native/native-changes.ts'
import { createTool, type Tool } from '../testing/run-tool.ts'

/** As the system has it: these tests are about what real git says. */
const GIT_PATH = dirname(execFileSync('which', ['git'], { encoding: 'utf8' }).trim())
const IDENTITY = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
  GIT_CONFIG_NOSYSTEM: '1',
}

let tool: Tool

const git = (args: string, cwd = tool.cwd) =>
  execFileSync('git', args.split(' '), { cwd, env: { PATH: GIT_PATH, ...IDENTITY }, encoding: 'utf8' })

function commitAll(tag: string, cwd = tool.cwd) {
  git('add -A', cwd)
  git(`commit -q --allow-empty -m ${tag}`, cwd)
  git(`tag ${tag}`, cwd)
}

/** Writes, commits everything, and tags it. */
async function commit(tag: string, files: Record<string, string>) {
  await tool.write(files)
  commitAll(tag)
}

const dependencies = (changes: Record<string, string | undefined> = {}, more: object = {}) =>
  JSON.stringify({
    name: 'shop',
    dependencies: { '@capacitor/core': '^8.0.0', '@capacitor/android': '^8.0.0', react: '^19.0.0', ...changes },
    ...more,
  })

const APP = {
  'package.json': dependencies(),
  'capacitor.config.ts': "export default { appId: 'com.example.shop', webDir: 'dist' }",
  'src/main.ts': 'one',
  'android/app/build.gradle': 'versionName "1.0"',
  'ios/App/App/Info.plist': '<plist/>',
}

/** With the app in it, and tidied by nobody: made once, as each program of git takes its time. */
let repository: string

beforeAll(async () => {
  repository = await mkdtemp(join(tmpdir(), 'hotpatch-cli-test-'))
  git('init -q -b main --template=', repository)
  git('config maintenance.auto false', repository)
  for (const [path, text] of Object.entries(APP)) {
    await mkdir(dirname(join(repository, path)), { recursive: true })
    await writeFile(join(repository, path), text)
  }
  commitAll('v1', repository)
})
afterAll(() => rm(repository, { recursive: true }))

beforeEach(async () => {
  tool = await createTool()
  tool.env.PATH += `:${GIT_PATH}`
  await cp(repository, tool.cwd, { recursive: true })
})

async function changed(...more: string[]) {
  const { exitCode, stdout, stderr } = await tool.run(['native', 'changed', '--json', ...more])
  const { reasons } = JSON.parse(stdout === '' ? '{}' : stdout) as { reasons: NativeChange[] }
  return { exitCode, reasons, stderr }
}
const since = (from: string, ...more: string[]) => changed('--from', from, ...more)

describe('the shell is the same', () => {
  test.each<[string, Record<string, string>]>([
    ['nothing changed', {}],
    ['the web app changed', { 'src/main.ts': 'two', 'package.json': dependencies({ react: '^19.1.0' }) }],
    [
      'the web app that was copied into it changed',
      {
        'android/app/src/main/assets/public/index.html': 'x',
        'ios/App/App/public/main.js': 'x',
      },
    ],
    ['a folder of a similar name changed', { 'android-notes/a.md': 'x', 'docs/ios/b.md': 'x' }],
    ['our own web part was added', { 'package.json': dependencies({ '@hotpatch/capacitor': '^1.0.0' }) }],
    [
      'a package with the word in its name says that it has no native code',
      {
        'node_modules/capacitor-colours/package.json': '{"name":"capacitor-colours"}',
        'package.json': dependencies({ 'capacitor-colours': '^1.0.0' }),
      },
    ],
  ])('%s', async (_case, files) => {
    await commit('v2', files)
    expect(await since('v1')).toEqual({ exitCode: 0, reasons: [], stderr: '' })
    const { stdout } = await tool.run('native changed --from v1 --to v2')
    expect(stdout).toBe('The shell is the same between v1 and v2.\n')
  })
})

describe('the shell changed', () => {
  test.each<[string, Record<string, string>, Partial<NativeChange>]>([
    ['configuration', { 'capacitor.config.ts': 'export default {}' }, { kind: 'capacitor-config' }],
    ['android', { 'android/app/build.gradle': 'versionName "2.0"' }, { path: 'android/app/build.gradle' }],
    ['ios', { 'ios/App/App/Info.plist': '<plist><a/></plist>' }, { kind: 'native-folder' }],
    [
      'a dependency that was added',
      { 'package.json': dependencies({ '@capgo/capacitor-updater': '^8.0.0' }) },
      { kind: 'dependency', name: '@capgo/capacitor-updater', before: null, after: '^8.0.0' },
    ],
    [
      'a dependency that was removed',
      { 'package.json': dependencies({ '@capacitor/android': undefined }) },
      { kind: 'dependency', name: '@capacitor/android', before: '^8.0.0', after: null },
    ],
    [
      'a dependency that was bumped',
      { 'package.json': dependencies({ '@capacitor/core': '^8.1.0' }) },
      { kind: 'dependency', name: '@capacitor/core', before: '^8.0.0', after: '^8.1.0' },
    ],
    [
      'a community plugin, by its name',
      { 'package.json': dependencies({ 'cordova-plugin-file': '8.0.0' }) },
      { kind: 'dependency', name: 'cordova-plugin-file' },
    ],
    [
      'a plugin that only its own manifest tells of',
      {
        'node_modules/acme-scanner/package.json': '{"capacitor":{"android":{"src":"android"}}}',
        'package.json': dependencies({ 'acme-scanner': '^1.0.0' }),
      },
      { kind: 'dependency', name: 'acme-scanner' },
    ],
    [
      'a patch of a native dependency',
      { 'patches/@capacitor+android+8.0.0.patch': 'diff' },
      { kind: 'patch', name: '@capacitor/android' },
    ],
    ['a further path that was named', { 'resources/icon.png': 'x' }, { kind: 'path', path: 'resources/icon.png' }],
    [
      'a native folder of another name',
      {
        'capacitor.config.json': '{"android":{"path":"./shell/droid/"}}',
        'shell/droid/build.gradle': 'x',
      },
      { kind: 'native-folder', path: 'shell/droid/build.gradle' },
    ],
  ])('%s', async (_case, files, expected) => {
    await commit('v2', files)
    const { exitCode, reasons } = await since('v1', '--path', 'resources')
    expect(exitCode).toBe(10)
    expect(reasons).toContainEqual(expect.objectContaining(expected))
  })

  test('for people it says why', async () => {
    await commit('v2', {
      'package.json': dependencies({ '@capacitor/core': '^8.1.0' }),
      'android/gradle.properties': 'x',
    })
    const { exitCode, stdout, stderr } = await tool.run('native changed --from v1')
    expect([exitCode, stderr]).toEqual([10, ''])
    expect(stdout).toBe(
      [
        'The shell changed between v1 and HEAD:',
        '  android/gradle.properties (native project)',
        '  @capacitor/core: ^8.0.0 → ^8.1.0 (package.json)',
        '',
      ].join('\n'),
    )
  })

  test('a file that was moved out of the native project, and one that is gone', async () => {
    git('mv android/app/build.gradle elsewhere.gradle')
    git('rm -q ios/App/App/Info.plist')
    await commit('v2', {})
    const { reasons } = await since('v1')
    expect(reasons.map(({ path }) => path)).toEqual(['android/app/build.gradle', 'ios/App/App/Info.plist'])
  })
})

describe('only the lock file changed', () => {
  const npm = (core: string, react: string, prefix = '') =>
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        '': {},
        [`${prefix}node_modules/@capacitor/core`]: { version: core },
        'node_modules/react': { version: react },
      },
    })
  const pnpm = (core: string, react: string) => `lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      '@capacitor/core':
        specifier: ^8.0.0
        version: ${core}
      react:
        specifier: ^19.0.0
        version: ${react}
      '@capacitor/android':
        specifier: ^8.0.0
        version: 8.0.0(@capacitor/core@${core})
`
  const classic = (core: string, react: string) => `# yarn lockfile v1


"@capacitor/core@^8.0.0", "@capacitor/core@^8.0.1":
  version "${core}"
  dependencies:
    tslib "^2.1.0"

react@^19.0.0:
  version "${react}"
`
  const berry = (core: string, react: string) => `__metadata:
  version: 8

"@capacitor/core@npm:^8.0.0, @capacitor/core@npm:^8.0.1":
  version: ${core}
  resolution: "@capacitor/core@npm:${core}"

"react@npm:^19.0.0":
  version: ${react}
`
  const bun = (core: string, react: string) => `{
  "lockfileVersion": 1,
  "packages": {
    "@capacitor/core": ["@capacitor/core@${core}", "", { "dependencies": { "tslib": "^2.1.0" } }, "sha512-x=="],
    "react": ["react@${react}", "", {}, "sha512-y=="],
  },
}
`

  test.each([
    ['package-lock.json', npm],
    ['pnpm-lock.yaml', pnpm],
    ['yarn.lock', classic],
    ['yarn.lock', berry],
    ['bun.lock', bun],
  ])('%s: counts for native dependencies, and for no others', async (file, write) => {
    await commit('locked', { [file]: write('8.0.1', '19.0.0') })
    await commit('web', { [file]: write('8.0.1', '19.0.1') })
    await commit('shell', { [file]: write('8.0.2', '19.0.1') })
    expect(await since('locked', '--to', 'web')).toMatchObject({ exitCode: 0, reasons: [] })
    expect(await since('locked', '--to', 'shell')).toMatchObject({
      exitCode: 10,
      reasons: [{ kind: 'lock-file', path: file, name: '@capacitor/core', before: '8.0.1', after: '8.0.2' }],
    })
  })

  test.each([
    ['package-lock.json', '{', '{"packages": 1}'],
    ['pnpm-lock.yaml', 'importers: [', 'importers: {}'],
    ['bun.lockb', 'a', 'b'],
  ])('%s that cannot be read may have changed anything', async (file, before, after) => {
    await commit('locked', { [file]: before })
    await commit('again', { [file]: after })
    const { exitCode, reasons } = await since('locked')
    expect(exitCode).toBe(10)
    expect(reasons).toMatchObject([{ kind: 'lock-file', path: file, reason: expect.stringMatching(/cannot be read/) }])
  })

  test('one that is new says nothing of what was installed before', async () => {
    await commit('locked', { 'package-lock.json': npm('8.0.1', '19.0.0') })
    expect(await since('v1')).toMatchObject({ exitCode: 10, reasons: [{ kind: 'lock-file', reason: 'it is new' }] })
  })

  test('of a monorepo: at its root, for the app in its folder', async () => {
    const app = Object.fromEntries(Object.entries(APP).map(([name, text]) => [`apps/mobile/${name}`, text]))
    await commit('mono', { ...app, 'package-lock.json': npm('8.0.1', '19.0.0', 'apps/mobile/') })
    await commit('web', { 'apps/web/android/x': 'x', 'apps/mobile/src/main.ts': 'three' })
    await commit('shell', { 'package-lock.json': npm('8.0.2', '19.0.0', 'apps/mobile/') })
    expect(await since('mono', '--to', 'web', '--project', 'apps/mobile')).toMatchObject({ exitCode: 0 })
    const { exitCode, reasons } = await since('mono', '--project', 'apps/mobile')
    expect(exitCode).toBe(10)
    expect(reasons).toMatchObject([{ path: 'package-lock.json', name: '@capacitor/core', after: '8.0.2' }])
  })
})

describe('histories', () => {
  test('a shallow clone has what was fetched, and says how to get the rest', async () => {
    await commit('v2', { 'capacitor.config.ts': 'export default {}' })
    await commit('v3', {})
    const clone = join(tool.cwd, '../clone')
    git(`clone -q --depth=1 file://${tool.cwd} ${clone}`)
    const ask = () => tool.run('native changed --from v1', { cwd: clone })
    const refused = await ask()
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toMatch(/"v1".*shallow.*git fetch --depth=1 origin tag v1/)
    git('fetch -q --depth=1 origin tag v1', clone)
    expect((await ask()).exitCode).toBe(10)
  })

  test('a commit that was picked counts as it does where it was made', async () => {
    git('checkout -q -b release-1 v1')
    git('checkout -q main')
    await commit('shell', { 'android/app/build.gradle': 'versionName "2.0"' })
    await commit('web', { 'src/main.ts': 'two' })
    git('checkout -q release-1')
    git('cherry-pick web')
    git('tag v1.0.1')
    expect(await since('v1', '--to', 'v1.0.1')).toMatchObject({ exitCode: 0 })
    git('cherry-pick shell')
    git('tag v1.0.2')
    expect(await since('v1.0.1', '--to', 'v1.0.2')).toMatchObject({ exitCode: 10 })
    // The shell that main has now is the one that was picked.
    expect(await since('v1.0.2', '--to', 'main')).toMatchObject({ exitCode: 0 })
  })
})

describe('refusals', () => {
  test.each([
    ['an unknown commit', '--from v0', 1, /Expected a commit of this repository, found "v0"/],
    ['something like an option', '--from --output=/tmp/x', 2, /--from/],
    ['a folder that is no Capacitor app', '--from v1 --project src', 1, /Expected a Capacitor app in .*src.*--project/],
    ['a path out of the project', '--from v1 --path ../x', 2, /within the project/],
    ['a folder that is not there', '--from v1 --project nowhere', 1, /nowhere/],
  ])('%s', async (_case, line, code, message) => {
    const { exitCode, stderr, stdout } = await tool.run(`native changed ${line}`)
    expect([exitCode, stdout]).toEqual([code, ''])
    expect(stderr).toMatch(message)
  })

  test('no repository, and no git', async () => {
    await rm(join(tool.cwd, '.git'), { recursive: true })
    expect((await tool.run('native changed --from v1')).stderr).toMatch(/not a git repository/)
    tool.env.PATH = tool.home
    expect((await tool.run('native changed --from v1')).stderr).toMatch(/git could not be started/)
  })
})

describe('stamp', () => {
  const minimum = () => readFile(join(tool.cwd, 'MIN_NATIVE_VERSION'), 'utf8')
  const stamp = (line: string) => tool.run(`native stamp ${line}`)

  test('the first release requires itself', async () => {
    expect(await stamp('--first --version 1.0.0')).toMatchObject({
      exitCode: 0,
      stdout: 'MIN_NATIVE_VERSION now says 1.0.0, which this release needs a shell of.\n',
    })
    expect(await minimum()).toBe('1.0.0\n')
  })

  test('then what the release before required, until the shell changes', async () => {
    await commit('v1.0.0', { MIN_NATIVE_VERSION: '1.0.0\n' })
    await commit('web', { 'src/main.ts': 'two' })
    expect((await stamp('--from v1.0.0 --version 1.1.0')).stdout).toBe(
      'MIN_NATIVE_VERSION says 1.0.0 already, as the release before requires.\n',
    )
    await commit('shell', { 'android/app/build.gradle': 'versionName "2"' })
    const dry = await tool.json<object>('native stamp --from v1.0.0 --version 1.2.0 --dry-run')
    expect(dry).toMatchObject({ minNativeVersion: '1.2.0', before: '1.0.0', written: false, changed: true })
    expect(await minimum()).toBe('1.0.0\n')
    await stamp('--from v1.0.0 --version 1.2.0')
    expect(await minimum()).toBe('1.2.0\n')
    expect((await stamp('--from v1.0.0 --version 1.2.0')).stdout).toMatch(/^MIN_NATIVE_VERSION says 1.2.0 already/)
  })

  test('what a picked commit brought along does not count', async () => {
    await commit('v1.0.0', { MIN_NATIVE_VERSION: '1.0.0\n' })
    git('checkout -q -b release-1')
    git('checkout -q main')
    await commit('later', { MIN_NATIVE_VERSION: '2.0.0\n', 'src/main.ts': 'two' })
    git('checkout -q release-1')
    git('cherry-pick later')
    await stamp('--from v1.0.0 --version 1.0.1')
    expect(await minimum()).toBe('1.0.0\n')
  })

  test.each([
    ['neither --from nor --first', '--version 1.1.0', 2, /--from.*--first/],
    ['both', '--version 1.1.0 --from v1 --first', 2, /--from.*--first/],
    ['a version below what is required already', '--version 0.9 --from v2', 1, /requires 1\.5\.0, which is above 0\.9/],
    ['a version that is none', '--version new --from v2', 2, /version of an app binary/],
    ['a file that says something else', '--version 2.0 --from v3', 1, /Expected one version such as 2\.1\.0.*"soon"/],
  ])('refuses %s', async (_case, line, code, message) => {
    await commit('v2', { MIN_NATIVE_VERSION: '1.5.0\n' })
    await commit('v3', { MIN_NATIVE_VERSION: 'soon' })
    await commit('v4', { MIN_NATIVE_VERSION: '1.5.0\n' })
    const { exitCode, stderr } = await stamp(line)
    expect(exitCode).toBe(code)
    expect(stderr).toMatch(message)
    expect(await minimum()).toBe('1.5.0\n')
  })

  test('a file that cannot be written is left as it was', async () => {
    await commit('v2', { MIN_NATIVE_VERSION: '1.5.0\n' })
    await rm(join(tool.cwd, 'MIN_NATIVE_VERSION'))
    await symlink('MIN_NATIVE_VERSION', join(tool.cwd, 'MIN_NATIVE_VERSION'))
    const { exitCode, stderr } = await stamp('--version 2.0 --from v2')
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/MIN_NATIVE_VERSION cannot be read: ELOOP/)])
  })
})
