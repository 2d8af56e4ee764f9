import { existsSync, readFileSync } from 'node:fs'
import { appendFile, cp, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { App, Page, Device } from '@hotpatch/api'
import { makeTemporaryDirectory, runCliProcess, startServerProcess, type ServerProcess } from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  BUILD_TIMEOUT_MS,
  filesOf,
  findNodes,
  installPacked,
  link,
  REPOSITORY,
  ROOT,
  runNode,
  type Manifest,
} from './packed-packages.ts'
import { copyReactNativeApp } from './react-native-app.ts'
import { makeProject, readLinked } from './react-native-project.ts'

/** What somebody has who installs the packages: folders without this repository around them. */
let directory: string
let modules: string
let manifests: Manifest[]

beforeAll(async () => {
  directory = await makeTemporaryDirectory()
  ;({ modules, manifests } = await installPacked(directory))
}, BUILD_TIMEOUT_MS)
afterAll(() => rm(directory, { recursive: true, force: true }))

const NAMES = [
  '@hotpatch/api',
  '@hotpatch/app-updates',
  '@hotpatch/asset-updates',
  '@hotpatch/binary-files',
  '@hotpatch/capacitor',
  '@hotpatch/client',
  '@hotpatch/dashboard',
  '@hotpatch/delta',
  '@hotpatch/device-ground',
  '@hotpatch/kit',
  '@hotpatch/protocol',
  '@hotpatch/react-native',
  '@hotpatch/server',
  '@hotpatch/signatures',
  '@hotpatch/simulator',
  '@hotpatch/update-elements',
  '@hotpatch/web-bundle-server',
  'hotpatch',
  'rn-ota-sdk',
]

test('what is published is compiled, described and licensed, and nothing else', async () => {
  expect(manifests.map(({ name }) => name).toSorted()).toEqual(NAMES)
  for (const manifest of manifests) {
    const files = (await filesOf(join(modules, manifest.name))).filter((file) => !file.startsWith('node_modules/'))
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
    const others = files.filter(
      (file) =>
        !/^(LICENSE|README\.md|package\.json|bin\/[\w-]+\.js|dist\/.*\.(js|d\.ts))$/.test(file) &&
        !isForApps(manifest, file) &&
        !isOfConsole(manifest, file),
    )
    expect(others).toEqual([])
    expect(files.filter((file) => /\.test\.|\/testing/.test(file))).toEqual([])
    expect(files).toEqual(expect.arrayContaining(entriesOf(manifest)))
    expect(manifest).not.toHaveProperty('private')
    expect(manifest).not.toHaveProperty('devDependencies')
  }
})

/** What browsers load, as it is and compressed. */
function isOfConsole({ name }: Manifest, file: string): boolean {
  return name === '@hotpatch/dashboard' && /^pages\/(index\.html|assets\/[\w.-]+\.(js|css|svg)(\.br|\.gz)?)$/.test(file)
}

test('an installed server serves the console of its package', async () => {
  const server = (await import(join(modules, '@hotpatch/server/dist/pages/console/console-directory.js'))) as {
    consoleDirectory: () => string
  }
  const pages = server.consoleDirectory()
  expect(await realpath(pages)).toBe(await realpath(join(modules, '@hotpatch/dashboard/pages')))
  const index = await readFile(join(pages, 'index.html'), 'utf8')
  const [, script = ''] = /<script type="module"[^>]* src="\.\/([^"]+)"/.exec(index) ?? []
  expect(existsSync(join(pages, script))).toBe(true)
  expect(existsSync(join(pages, `${script}.br`))).toBe(true)
})

const FOR_REACT_NATIVE = ['@hotpatch/react-native', 'rn-ota-sdk']

/** What the builds of React Native apps look for and compile. */
function isForApps({ name }: Manifest, file: string): boolean {
  const found =
    /^(src\/NativeHotPatch\.ts|app\.plugin\.(js|d\.ts)|react-native\.config\.js|HotPatch\.podspec|android\/(build\.gradle|consumer-rules\.pro|src\/main\/.*\.(kt|xml))|ios\/(Sources|ReactNative)\/.*\.(swift|h|m|mm))$/
  return FOR_REACT_NATIVE.includes(name) && found.test(file)
}

test.each(FOR_REACT_NATIVE)('%s has every source that its builds compile', async (name) => {
  const inRepository = await filesOf(join(ROOT, 'packages/react-native'))
  const compiled = /^(android\/src\/main\/|ios\/Sources\/HotPatch\w+\/|ios\/ReactNative\/).*\.(kt|xml|swift|h|m|mm)$/
  const sources = inRepository.filter((file) => compiled.test(file))
  expect(sources.length).toBeGreaterThan(200)
  expect(await filesOf(join(modules, name))).toEqual(expect.arrayContaining(sources))
})

test('a package says what it is, and can be published with its provenance', () => {
  for (const manifest of manifests) {
    expect(manifest).toMatchObject({
      license: 'MIT',
      description: expect.stringMatching(/\.$/),
      keywords: expect.arrayContaining(['ota']),
      sideEffects: expect.any(Boolean),
      engines: { node: expect.stringMatching(/^>=\d/) },
      publishConfig: { access: 'public', provenance: true },
      homepage: `${REPOSITORY}#readme`,
      bugs: { url: `${REPOSITORY}/issues` },
      repository: { type: 'git', url: `git+${REPOSITORY}.git` },
    })
    const folder = manifest.repository?.directory ?? ''
    const { name } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest
    expect(name).toBe(manifest.name)
  }
})

test('a package asks for versions that others can install', () => {
  const versions = new Map(manifests.map(({ name, version }) => [name, version]))
  for (const { dependencies = {}, peerDependencies = {} } of manifests) {
    for (const [name, range] of Object.entries({ ...dependencies, ...peerDependencies })) {
      expect(range).toMatch(/^(?:\^|>=)\d/)
      // Ours are published together, and what is ours alone is not.
      if (name.startsWith('@hotpatch/')) expect(range).toBe(`^${versions.get(name)}`)
    }
  }
})

test('no repository is named that nobody told of', async () => {
  const script = `
    const { publishedManifest, readRepository } = await import('./scripts/lib/published-manifest.mjs')
    const repository = readRepository({})
    console.log(JSON.stringify(publishedManifest({ name: 'a' }, { directory: 'packages/a', repository })))`
  expect(await runNode(['--input-type=module', '-e', script], { cwd: ROOT })).toBe('{"name":"a"}\n')
})

test.each(['somewhere', 'http://example.com/a/b', 'https://example.com', 'https://me:secret@example.com/a/b'])(
  'a repository that is none is refused before anything is built: %s',
  async (address) => {
    const build = runNode([join(ROOT, 'scripts/build.mjs'), join(directory, 'refused')], {
      cwd: ROOT,
      env: { HOTPATCH_REPOSITORY: address },
    })
    await expect(build).rejects.toThrow(/HOTPATCH_REPOSITORY: expected the https address/)
    await expect(build).rejects.not.toThrow(/secret/)
    expect(existsSync(join(directory, 'refused'))).toBe(false)
  },
)

function entriesOf({ bin = {}, exports = {} }: Manifest): string[] {
  const entries = Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry),
  )
  return [...Object.values(bin), ...entries].map((path) => path.replace('./', ''))
}

test('every entry can be imported, with the dependencies that its package names', async () => {
  const entries = manifests.flatMap(({ name, exports = {} }) =>
    Object.keys(exports)
      // React Native and Expo are not here: tests/react-native-sdk.test.ts bundles it, and a prebuild below runs the plugin.
      .filter((path) => path !== './package.json' && !(FOR_REACT_NATIVE.includes(name) && path !== './testing'))
      .map((path) => name + path.slice(1)),
  )
  expect(entries).toContain('@hotpatch/client/node')
  await runNode(['--input-type=module', '-e', entries.map((entry) => `await import('${entry}');`).join('')], {
    cwd: directory,
  })
})

describe('a consumer in TypeScript', () => {
  const strict = { strict: true, noEmit: true, exactOptionalPropertyTypes: true, target: 'ES2023', lib: ['ES2023'] }

  async function compile(name: string, source: string, compilerOptions: object) {
    const project = join(directory, name)
    await mkdir(project, { recursive: true })
    await writeFile(join(project, 'package.json'), '{"type":"module"}')
    await writeFile(join(project, 'app.ts'), source)
    await writeFile(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...strict, ...compilerOptions }, files: ['app.ts'] }),
    )
    return runNode([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', project], { cwd: project })
  }

  const DEVICE = `
    import { createEngine, type Engine, type Ports, type UpdateOutcome } from '@hotpatch/client'
    import { isInPercentage } from '@hotpatch/protocol'
    export async function update(ports: Ports, deviceId: string): Promise<UpdateOutcome> {
      const config = { serverUrl: 'https://updates.example.com', appKey: 'k', appId: 'a', deviceId, channel: 'production' }
      const engine: Engine = createEngine(ports, config)
      await engine.start()
      return engine.sync()
    }
    export const early: boolean = isInPercentage(10, '', 'a device', 100)
  `

  test.each(['bundler', 'nodenext'])(
    'reads every declaration of the device packages, without Node and browser: %s',
    async (resolution) => {
      const module = resolution === 'bundler' ? 'preserve' : 'nodenext'
      await compile(`device-${resolution}`, DEVICE, {
        module,
        moduleResolution: resolution,
        types: [],
        skipLibCheck: false,
      })
    },
  )

  test('is told when it is wrong', async () => {
    const wrong = DEVICE.replace("appId: 'a', ", '')
    await expect(compile('device-wrong', wrong, { module: 'nodenext', types: [] })).rejects.toThrow(/appKey/)
  })

  test('can start a server and manage it', async () => {
    await link('@types/node', modules)
    await compile(
      'server',
      `
        import { createManagementClient, type App } from '@hotpatch/api'
        import { createApp } from '@hotpatch/server'
        import { readConfig } from '@hotpatch/server/config'
        export const start = async (env: Parameters<typeof readConfig>[0]) => (await createApp({ config: readConfig(env) })).http
        export const apps = async (url: string, token: string): Promise<App[]> =>
          (await createManagementClient({ url, token }).listApps()).items
      `,
      { module: 'nodenext', types: ['node'], skipLibCheck: true },
    )
  })
})

test.skipIf(process.env.HOTPATCH_EXAMPLE_READY !== '1')('Metro bundles the device engine as it is', async () => {
  const app = await copyReactNativeApp(directory)
  await appendFile(
    join(app, 'index.js'),
    "\nimport { createEngine } from '@hotpatch/client'\nglobalThis.createEngine = createEngine\n",
  )
  // As in an app that has everything in its own node_modules: what is elsewhere here, Metro has to be told of.
  const { dependencies = {} } = manifests.find(({ name }) => name === '@hotpatch/client') ?? {}
  const linked = Object.keys(dependencies).filter((name) => !name.startsWith('@hotpatch/'))
  const folders = [modules, ...(await Promise.all(linked.map((name) => realpath(join(ROOT, 'node_modules', name)))))]
  const config = [
    `module.exports.watchFolders.push(...${JSON.stringify(folders)})`,
    `module.exports.resolver.nodeModulesPaths = [nodeModules]`,
  ]
  await appendFile(join(app, 'metro.config.js'), `\n${config.join('\n')}\n`)
  const output = join(app, 'build')
  await mkdir(output)
  const bundler = join(app, 'node_modules/@react-native-community/cli/build/bin.js')
  const bundle = join(output, 'index.android.bundle')
  const args = [
    'bundle',
    '--platform',
    'android',
    '--dev',
    'false',
    '--entry-file',
    'index.js',
    '--bundle-output',
    bundle,
  ]
  await runNode([bundler, ...args], { cwd: app, env: { TMPDIR: directory, CI: 'true' } })
  expect(await readFile(bundle, 'utf8')).toContain('start() must have resolved')
})

test.skipIf(process.env.HOTPATCH_EXAMPLE_READY !== '1').each(FOR_REACT_NATIVE)(
  'React Native links the native half of %s, when an app depends on that alone',
  async (sdk) => {
    const app = join(directory, `linked-${sdk.replace('/', '-')}`)
    const dependencies = { 'react-native': '0.88.1' }
    await makeProject(app, { example: 'react-native', modules, sdk, dependencies })
    for (const folder of ['android', 'ios'])
      await cp(join(ROOT, 'examples/react-native', folder), join(app, folder), { recursive: true })
    const home = await realpath(join(app, 'node_modules', sdk))
    const linked = await readLinked(app, ['node_modules/@react-native-community/cli/build/bin.js', 'config'], sdk)
    expect(linked?.platforms).toMatchObject({
      ios: { podspecPath: join(home, 'HotPatch.podspec') },
      android: {
        sourceDir: join(home, 'android'),
        packageImportPath: 'import dev.hotpatch.reactnative.HotPatchPackage;',
        packageInstance: 'new HotPatchPackage()',
        libraryName: 'HotPatchSpec',
      },
    })
  },
)

describe.skipIf(process.env.HOTPATCH_EXPO_READY !== '1').each(FOR_REACT_NATIVE)('Expo and %s', (sdk) => {
  const key = `${'A'.repeat(43)}=`
  const env = { CI: '1', EXPO_NO_TELEMETRY: '1', EXPO_OFFLINE: '1', EXPO_NO_GIT_STATUS: '1' }
  const app = () => join(directory, `expo-${sdk.replace('/', '-')}`)
  const read = (...path: string[]) => readFile(join(app(), ...path), 'utf8')
  const prebuild = () =>
    runNode(['node_modules/expo/bin/cli', 'prebuild', '--no-install', '--platform', 'all'], { cwd: app(), env })

  beforeAll(async () => {
    const dependencies = { expo: '57.0.33', react: '19.2.3', 'react-native': '0.86.3' }
    await makeProject(app(), { example: 'expo', modules, sdk, dependencies })
    const options = { apiUrl: 'https://updates.example.com', channel: '1.10', publicKeys: [key] }
    await writeFile(join(app(), 'app.json'), JSON.stringify(appConfig([[sdk, options]])))
    await writeFile(join(app(), 'index.js'), '')
  })

  const appConfig = (plugins: unknown[], updates?: object) => ({
    expo: {
      name: 'Demo',
      slug: 'demo',
      platforms: ['android', 'ios'],
      android: { package: 'com.example.demo' },
      ios: { bundleIdentifier: 'com.example.demo' },
      plugins,
      ...(updates && { updates }),
    },
  })

  test('a prebuild writes what the binary says and asks, once', async () => {
    const written = async () => [
      await read('android/app/src/main/java/com/example/demo/MainApplication.kt'),
      await read('android/app/src/main/AndroidManifest.xml'),
      await read('android/app/src/main/res/values/strings.xml'),
      await read('android/gradle.properties'),
      await read('ios/Demo/AppDelegate.swift'),
      await read('ios/Demo/Info.plist'),
    ]
    await prebuild()
    const once = await written()
    expect(once).toEqual([
      expect.stringContaining('jsBundleFilePath = dev.hotpatch.reactnative.HotPatch.bundleFile(applicationContext)'),
      expect.stringContaining(`android:name="dev.hotpatch.publicKeys" android:value="${key}"`),
      expect.stringContaining('<string name="hotpatch_channel" translatable="false">1.10</string>'),
      expect.stringContaining('android.packagingOptions.excludes=org/bouncycastle/pqc/**'),
      expect.stringContaining('return HotPatch.bundleURL() ?? Bundle.main.url(forResource: "main"'),
      expect.stringMatching(new RegExp(`<key>HotPatch</key>\\s*<dict>[\\s\\S]*<string>${key}</string>`)),
    ])
    // The other name is the same plugin: what is found there is what counts.
    if (sdk !== FOR_REACT_NATIVE[0]) return
    await prebuild()
    expect(await written()).toEqual(once)
  })

  test('its own autolinking finds the native half', async () => {
    const tool = join(
      await realpath(join(app(), 'node_modules/expo-modules-autolinking')),
      'bin/expo-modules-autolinking.js',
    )
    const ask = (...args: string[]) =>
      readLinked(app(), [tool, 'react-native-config', '--json', '--platform', ...args], sdk)
    const android = await ask('android', '--source-dir', 'android')
    expect(android?.platforms.android).toMatchObject({
      packageInstance: 'new HotPatchPackage()',
      libraryName: 'HotPatchSpec',
    })
    expect((await ask('ios'))?.platforms.ios?.podspecPath).toMatch(/HotPatch\.podspec$/)
  })

  test.runIf(sdk === FOR_REACT_NATIVE[0])('two that choose the bundle are refused', async () => {
    const both = appConfig([[sdk, {}]], { url: 'https://updates.example.com/manifest' })
    await writeFile(join(app(), 'app.json'), JSON.stringify(both))
    await expect(prebuild()).rejects.toThrow(/expo-updates chooses the bundle, too/)
  })
})

describe('a server, the tool and a device, all from packages', () => {
  let server: ServerProcess
  let home: string

  beforeAll(async () => {
    home = join(directory, 'home')
    await mkdir(home)
    const main = join(modules, '@hotpatch/server/bin/hotpatch-server.js')
    server = await startServerProcess({ directory: join(directory, 'data'), main, env: { HOTPATCH_LOG_LEVEL: 'warn' } })
  })
  afterAll(() => server.stop())

  async function hotpatch<Answer>(args: string[], input?: string): Promise<Answer> {
    const program = join(modules, 'hotpatch/bin/hotpatch.js')
    const env = { HOME: home, HOTPATCH_TOKEN: '', HOTPATCH_URL: '' }
    const { code, stdout, stderr } = await runCliProcess([...args, '--json'], {
      cwd: home,
      env,
      program,
      ...(input && { input }),
    })
    if (code !== 0) throw new Error(`hotpatch ${args.join(' ')} ended with ${code}:\n${stderr}`)
    return JSON.parse(stdout) as Answer
  }

  test('the tool says its version', async () => {
    const program = join(modules, 'hotpatch/bin/hotpatch.js')
    expect(await runNode([program, '--version'], { cwd: home, env: { HOME: home } })).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  test('an update arrives on a device, on every Node that is here', async () => {
    await hotpatch(['login', '--url', server.url, '--token-stdin'], `${server.ownerToken}\n`)
    const app = await hotpatch<App>(['apps', 'create', 'my-app', '--yes'])
    await hotpatch(['keys', 'generate', '--yes'])
    const { raw: publicKey } = await hotpatch<{ raw: string }>(['keys', 'public'])
    const bundle = join(directory, 'bundle')
    await mkdir(bundle)
    await writeFile(join(bundle, 'index.android.bundle'), 'console.log("from the air")')
    const ofVersion = ['--app', 'my-app', '--platform', 'android', '--version', '1.0.0']
    await hotpatch(['release', ...ofVersion, '--bundle-dir', bundle, '--yes'])
    await writeFile(join(directory, 'device.mjs'), DEVICE)

    const nodes = await findNodes()
    for (const [index, node] of nodes.entries()) {
      const config = {
        serverUrl: server.url,
        appKey: app.appKey,
        appId: app.id,
        deviceId: `device-${index}`,
        publicKeys: [publicKey],
      }
      const folder = join(directory, `device-${index}`)
      const start = () => runNode(['device.mjs', folder, JSON.stringify(config)], { cwd: directory, node })
      expect(await start()).toBe('embedded, staged\n')
      expect(await start()).toBe('console.log("from the air"), confirmed true, up-to-date\n')
    }
    // The threads that write and read the fleet are scripts of their own.
    await expect
      .poll(async () => (await hotpatch<Page<Device>>(['devices', 'list', '--app', 'my-app'])).items.length)
      .toBe(nodes.length)
  })
})

const DEVICE = `
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createNodeEngine } from '@hotpatch/client/node'

const [, , directory, config] = process.argv
const engine = createNodeEngine({
  ...JSON.parse(config), directory, channel: 'production', allowInsecure: 'loopback',
  host: { platform: 'android', nativeVersion: '1.0.0' },
})
const launched = await engine.start()
const says = launched.kind === 'release'
  ? [await readFile(join(launched.directory, 'index.android.bundle'), 'utf8'), 'confirmed ' + await engine.confirm()]
  : [launched.kind]
console.log([...says, (await engine.sync()).kind].join(', '))
`
