import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { makeTemporaryDirectory } from '@hotpatch/testkit'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BUILD_TIMEOUT_MS, findNodes, manifestIn, packPackages, ROOT, runNode } from './packed-packages.ts'

/**
 * What apps and other servers take in; what those need comes along. The tool and the server are programs, and are started
 * in packages.test.ts.
 */
const TAKEN_IN = [
  '@hotpatch/client',
  '@hotpatch/delta',
  '@hotpatch/capacitor',
  '@hotpatch/app-updates',
  '@hotpatch/asset-updates',
  '@hotpatch/web-bundle-server',
]

const execute = promisify(execFile)
const npm = (args: string[], cwd: string) => execute('npm', args, { cwd })

let directory: string
let tarballs: string[]

beforeAll(async () => {
  directory = await makeTemporaryDirectory()
  tarballs = await packPackages()
}, BUILD_TIMEOUT_MS)
afterAll(() => rm(directory, { recursive: true, force: true }))

describe('every tarball', () => {
  test('is as publint has it', async () => {
    for (const tarball of tarballs) {
      const data = new Uint8Array(await readFile(tarball))
      const { messages, pkg } = await publint({ pack: { tarball: data.buffer }, level: 'warning' })
      expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
    }
  })

  // The profile "esm-only": these packages are modules, which require() loads as they are from Node 22 on. Resolvers that
  // know no `exports` find the main entry and no other.
  const ACCEPTED = new Set(['node10', 'node16-cjs'])
  test('has types that are right, as are-the-types-wrong has it', async () => {
    // The tool is a program, and has nothing to import.
    for (const tarball of tarballs.filter((path) => !path.includes('/hotpatch-0'))) {
      const checked = await checkPackage(createPackageFromTarballData(new Uint8Array(await readFile(tarball))))
      const { problems = [] } = checked.types === false ? {} : checked
      const wrong = problems.filter(
        (problem) => !('resolutionKind' in problem) || !ACCEPTED.has(problem.resolutionKind),
      )
      expect(wrong).toEqual([])
    }
  })

  test('needs nothing that is only here', async () => {
    for (const tarball of tarballs) {
      const { dependencies = {}, peerDependencies = {}, license } = await manifestIn(tarball)
      expect(license).toBe('MIT')
      for (const range of Object.values({ ...dependencies, ...peerDependencies })) expect(range).toMatch(/^(?:\^|>=)\d/)
    }
  })
})

let takenIn: Promise<string[]> | undefined

/** Tarballs of what is taken in and of all that it needs; what is not ours as this workspace has it: without a network. */
async function packTakenIn(others: string): Promise<string[]> {
  const packed = new Map<string, { tarball: string; needs: string[] }>()
  for (const tarball of tarballs) {
    const { name, dependencies = {} } = await manifestIn(tarball)
    packed.set(name, { tarball, needs: Object.keys(dependencies) })
  }
  const needed = new Set(TAKEN_IN)
  for (const name of needed) for (const each of packed.get(name)?.needs ?? []) needed.add(each)
  const installed = [...needed].filter((name) => !packed.has(name)).map((name) => join(ROOT, 'node_modules', name))
  await mkdir(others, { recursive: true })
  const flags = ['--pack-destination', others, '--ignore-scripts', '--loglevel=error']
  if (installed.length > 0) await npm(['pack', ...installed, ...flags], others)
  const ours = [...needed].flatMap((name) => packed.get(name)?.tarball ?? [])
  return [...ours, ...(await readdir(others)).map((path) => join(others, path))]
}

/** A project of somebody else, with what it takes in installed by npm. */
async function createProject(name: string, files: Record<string, string>): Promise<string> {
  const project = join(directory, name)
  await mkdir(project)
  for (const [path, text] of Object.entries(files)) await writeFile(join(project, path), text)
  // Peers are what the app has already.
  const flags = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--legacy-peer-deps', '--loglevel=error']
  await npm(['install', ...(await (takenIn ??= packTakenIn(join(directory, 'others')))), ...flags], project)
  return project
}

const typescript = join(ROOT, 'node_modules/typescript/bin/tsc')
const strict = { strict: true, noEmit: true, target: 'ES2023', lib: ['ES2023', 'DOM'], types: [], skipLibCheck: true }

async function compile(project: string, file: string, compilerOptions: object) {
  const config = { compilerOptions: { ...strict, ...compilerOptions }, files: [file] }
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(config))
  await runNode([typescript, '-p', project], { cwd: project })
}

const USES = `
const decided: boolean = isInPercentage(10, '', 'a device', 100)
const handler = createBundleHandler({ directory: '.' })
handler.close()
console.log(typeof decided, typeof createEngine, MANIFEST_PATH)
`

test('a plain Node project of modules type-checks and runs, on every Node that is here', async () => {
  const source = `
import { createEngine } from '@hotpatch/client'
import { isInPercentage } from '@hotpatch/protocol'
import { createBundleHandler, MANIFEST_PATH } from '@hotpatch/web-bundle-server'
import { isNewer } from '@hotpatch/app-updates'
import { connectUpdater } from '@hotpatch/app-updates/electron-preload'
import { createReactNativeHost } from '@hotpatch/app-updates/react-native'
export const unused = [connectUpdater, createReactNativeHost]
export const newer: boolean = isNewer({ version: '1.1.0+2' }, { version: '1.0.0+1' })
${USES}`
  const project = await createProject('modules', {
    'package.json': '{"private":true,"type":"module"}',
    'app.mts': `declare const console: { log(...values: unknown[]): void }\n${source}`,
    'app.mjs': source.replaceAll(': boolean', ''),
  })
  await compile(project, 'app.mts', { module: 'nodenext', lib: ['ES2023'] })
  for (const node of await findNodes()) {
    expect(await runNode(['app.mjs'], { cwd: project, node })).toBe('boolean function /api/v1/native/bundle/manifest\n')
  }
})

test('a CommonJS project type-checks and runs', async () => {
  const required = `
const { createEngine } = require('@hotpatch/client')
const { isInPercentage } = require('@hotpatch/protocol')
const { createBundleHandler, MANIFEST_PATH } = require('@hotpatch/web-bundle-server')
${USES}`
  const imported = required.replaceAll(/const (\{.*\}) = require\((.*)\)/g, 'import $1 from $2')
  const project = await createProject('commonjs', {
    'package.json': '{"private":true}',
    'app.cts': `declare const console: { log(...values: unknown[]): void }\n${imported}`,
    'app.cjs': required.replace(': boolean', ''),
  })
  await compile(project, 'app.cts', { module: 'nodenext', lib: ['ES2023'] })
  // require() of a module: Node 22.12 and newer, without a flag.
  const output = await runNode(['app.cjs'], { cwd: project })
  expect(output).toBe('boolean function /api/v1/native/bundle/manifest\n')
})

test('a Vite app type-checks, is built and runs', async () => {
  const source = `
import { createBundleUpdater, decideBundle, webHost } from '@hotpatch/capacitor'
import { mountDialogs } from '@hotpatch/capacitor/dom'
import { mountUpdateDialog } from '@hotpatch/app-updates/ui'
export { mountDialogs, mountUpdateDialog }
export async function start(): Promise<string> {
  const updater = createBundleUpdater(webHost({ plugin: undefined }), { serverUrl: 'https://example.com' })
  const outcome = await updater.start()
  updater.stop()
  const situation = { serverUrl: 'https://example.com', currentVersion: '1.0.0', nativeVersion: '1.0.0', broken: [] }
  return [outcome.kind, 'reason' in outcome && outcome.reason, decideBundle({}, situation).kind].join(' ')
}
`
  const project = await createProject('vite', {
    'package.json': '{"private":true,"type":"module"}',
    'index.html': '<script type="module" src="/main.ts"></script>',
    'main.ts': source,
    // The page, and the same as a module that can be run here.
    'vite.config.mjs': `export default { build: { rollupOptions: { input: 'index.html' } } }`,
    'lib.config.mjs': `export default { build: { outDir: 'lib', lib: { entry: 'main.ts', formats: ['es'], fileName: 'main' } } }`,
  })
  // The plugin's own types, as every app of that kind has them.
  for (const name of ['@capgo/capacitor-updater', '@capacitor/core']) {
    await mkdir(join(project, 'node_modules', name, '..'), { recursive: true })
    await execute('cp', ['-r', join(ROOT, 'node_modules', name), join(project, 'node_modules', name)])
  }
  await compile(project, 'main.ts', { module: 'preserve', moduleResolution: 'bundler' })
  const vite = join(ROOT, 'node_modules/vite/bin/vite.js')
  for (const config of ['vite.config.mjs', 'lib.config.mjs']) {
    await runNode([vite, 'build', '--config', config, '--logLevel', 'error'], { cwd: project })
  }
  const run = `globalThis.document = { visibilityState: 'visible', addEventListener() {}, removeEventListener() {} };
    globalThis.localStorage = globalThis.sessionStorage = { getItem: () => null, setItem() {} };
    const { start } = await import('./lib/main.js'); console.log(await start())`
  expect(await runNode(['--input-type=module', '-e', run], { cwd: project })).toBe('nothing no-plugin nothing\n')
})
