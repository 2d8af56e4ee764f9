// npm run build: the packages as they are published, in dist/packages, and their tarballs, in dist/tarballs.
// In development nothing is built: the manifests in packages/ point at the source, and those in dist/ at what came of it.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { ensureInstalled } from './ensure-installed.mjs'
import { exitWith, pathWithBinaries, root, run, runPinnedNode } from './lib/child.mjs'
import { publishedManifest, readRepository } from './lib/published-manifest.mjs'

/** Everything that has a version and is not for ourselves alone. */
const NAMES = [
  'protocol',
  'api',
  'signatures',
  'binary-files',
  'device-ground',
  'delta',
  'client',
  'capacitor',
  'update-elements',
  'app-updates',
  'asset-updates',
  'react-native',
  'rn-ota-sdk',
  'simulator',
  'kit',
  'dashboard',
  'server',
  'cli',
  'web-bundle-server',
]
/** What runs in a web view is compiled with the names of one; of `app-updates` a part does, and another one on Node. */
const PROJECTS = [
  'tsconfig.build.json',
  'packages/capacitor/tsconfig.build.json',
  'packages/update-elements/tsconfig.build.json',
  'packages/kit/tsconfig.build.json',
  'packages/app-updates/tsconfig.build.json',
  'packages/asset-updates/tsconfig.build.json',
  'packages/react-native/tsconfig.build.json',
]
const FILES = ['bin', 'dist', 'README.md', 'LICENSE']
/** What is published as it lies in the folder, besides: sources that the builds of apps compile. */
const ALSO = {
  dashboard: ['pages'],
  'react-native': [
    'src/NativeHotPatch.ts',
    'app.plugin.js',
    'app.plugin.d.ts',
    'react-native.config.js',
    'HotPatch.podspec',
    'android/build.gradle',
    'android/consumer-rules.pro',
    'android/src/main',
    'ios/Sources/HotPatchBridge',
    'ios/Sources/HotPatchEngine',
    'ios/Sources/HotPatchPorts',
    'ios/ReactNative',
  ],
}
/** Another name for the same, which says of itself only what is different. */
const SAME_AS = { 'rn-ota-sdk': 'react-native' }

await exitWith(async () => {
  const repository = readRepository(process.env)
  await ensureInstalled()
  // Beside what other builds write at the same time, when told to.
  const output = resolve(root, process.argv[2] ?? 'dist')
  for (const name of ['compiled', 'packages', 'tarballs']) rmSync(join(output, name), { recursive: true, force: true })
  const compiled = join(output, 'compiled')
  for (const project of PROJECTS) {
    const code = await runPinnedNode(['node_modules/typescript/bin/tsc', '-p', project, '--outDir', compiled])
    if (code !== 0) return code
  }
  const built = await runPinnedNode(['scripts/console-pages.mjs'])
  if (built !== 0) return built

  const packages = NAMES.map((name) => stage(name, { compiled, repository, target: join(output, 'packages', name) }))
  rmSync(compiled, { recursive: true })
  const tarballs = join(output, 'tarballs')
  mkdirSync(tarballs, { recursive: true })
  const args = ['pack', ...packages, '--pack-destination', tarballs, '--loglevel=error']
  const env = { ...process.env, PATH: pathWithBinaries() }
  // Not an option of the npm that may be running this.
  delete env.npm_config_dry_run
  return run('npm', args, { cwd: output, env, shell: process.platform === 'win32' })
})

/** The folder of one package as it is published. */
function stage(name, { compiled, repository, target }) {
  const from = SAME_AS[name] ?? name
  const source = join(root, 'packages', from)
  const developed = { ...readManifest(from), ...readManifest(name) }
  const manifest = publishedManifest(developed, { directory: `packages/${name}`, repository })
  const code = join(compiled, from, 'src')
  if (existsSync(code)) cpSync(code, join(target, 'dist'), { recursive: true })
  const also = (ALSO[from] ?? []).filter((file) => existsSync(join(source, file)))
  for (const file of ['bin', ...also].filter((file) => existsSync(join(source, file)))) {
    cpSync(join(source, file), join(target, file), { recursive: true })
  }
  cpSync(join(root, 'packages', name, 'README.md'), join(target, 'README.md'))
  cpSync(join(root, 'LICENSE'), join(target, 'LICENSE'))
  writeFileSync(
    join(target, 'package.json'),
    `${JSON.stringify({ ...manifest, files: [...FILES, ...also] }, undefined, 2)}\n`,
  )
  // Pages are built whole.
  const pages = join(target, 'pages')
  for (const path of filesBelow(target).filter((path) => !path.startsWith(pages))) finish(path, target)
  return target
}

/** What the compiler leaves: imports in declarations and in bin/, which it did not make. Refuses what else names a source. */
function finish(path, target) {
  if (!/\.[jt]s$/.test(path)) return
  const text = readFileSync(path, 'utf8')
  const finished = text
    .replaceAll(/(\bfrom |\bimport\()(['"])(\.{1,2}\/[^'"]+)\.ts\2/g, '$1$2$3.js$2')
    .replaceAll(/(['"])(\.{1,2})\/src\/([^'"]+)\.js\1/g, '$1$2/dist/$3.js$1')
  const left = /^.*['"`]\.{1,2}\/[^'"`]*\.ts['"`].*$/m.exec(finished)
  if (left) {
    const where = relative(target, path)
    throw new Error(`${where} names a file that is not published: ${left[0].trim()}. Use scriptBeside for a worker.`)
  }
  if (finished !== text) writeFileSync(path, finished)
}

function readManifest(name) {
  return JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'))
}

function filesBelow(directory) {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name)
    return statSync(path).isDirectory() ? filesBelow(path) : [path]
  })
}
