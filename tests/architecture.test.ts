import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { LIBRARIES } from '../scripts/native-tests/android/libraries.ts'

const PACKAGES = fileURLToPath(new URL('../packages/', import.meta.url))
const IMPORTED = /\bfrom '(\.{1,2}\/[^']+)'|\bimport\('(\.{1,2}\/[^']+)'\)/g
/** From the ground up: each knows those before it. Lint says so at the line; this says it of what lint was not told of. */
const WINGS = [
  'ground',
  'people',
  'telling',
  'fleet',
  'shipping',
  'rolling-out',
  'updates',
  'explaining',
  'pages',
  'dialects',
  'contracts',
  'configuration',
  'app',
  'operating',
]

/** Which folders import from which others, types included. A file beside the folders stands for itself. */
function importsBetweenFolders(source: string, depth: number): Map<string, Set<string>> {
  const folderOf = (path: string) => (dirname(path) === '.' ? path : dirname(path).split('/').slice(0, depth).join('/'))
  const imports = new Map<string, Set<string>>()
  for (const path of globSync('**/*.{ts,tsx}', { cwd: source })) {
    // Tests stand outside.
    if (/\.test\.tsx?$|(^|\/)testing(\/|\.ts$)/.test(path)) continue
    const from = folderOf(path)
    const found = imports.get(from) ?? new Set()
    for (const [, first, second] of readFileSync(join(source, path), 'utf8').matchAll(IMPORTED)) {
      const to = folderOf(normalize(join(dirname(path), first ?? second ?? '')))
      if (to !== from) found.add(to)
    }
    imports.set(from, found)
  }
  return imports
}

/** Takes away what imports nothing that is left, until nothing more goes: what stays is in a circle, or needs one. */
function circlesIn(imports: Map<string, Set<string>>): string[] {
  const left = new Map(imports)
  for (;;) {
    const free = [...left.keys()].filter((folder) => ![...(left.get(folder) ?? [])].some((to) => left.has(to)))
    if (free.length === 0) return [...left.keys()].sort()
    for (const folder of free) left.delete(folder)
  }
}

test.each([
  ['protocol', 1],
  ['api', 1],
  ['client', 1],
  ['delta', 1],
  ['app-updates', 1],
  ['capacitor', 1],
  ['react-native', 1],
  ['kit', 1],
  ['simulator', 1],
  ['cli', 1],
  ['dashboard', 1],
  ['server', 1],
  ['server', 2],
])('no circle of folders in %s, %i deep', (name, depth) => {
  const imports = importsBetweenFolders(join(PACKAGES, name, 'src'), depth)
  expect(imports.size).toBeGreaterThan(1)
  expect(circlesIn(imports)).toEqual([])
})

test('a circle would be found', () => {
  const circle = new Map([
    ['a', new Set(['b'])],
    ['b', new Set(['c'])],
    ['c', new Set(['b', 'd'])],
    ['d', new Set<string>()],
  ])
  expect(circlesIn(circle)).toEqual(['a', 'b', 'c'])
})

test('each wing of the server knows those below it only, and each has its place', () => {
  const imports = importsBetweenFolders(join(PACKAGES, 'server/src'), 1)
  const wings = [...imports].filter(([folder]) => !folder.endsWith('.ts'))
  expect(wings.map(([wing]) => wing).sort()).toEqual(WINGS.toSorted())
  const upwards = wings.flatMap(([wing, known]) => {
    const isAbove = (to: string) => to.endsWith('.ts') || WINGS.indexOf(to) > WINGS.indexOf(wing)
    // Outside of src: the version in package.json.
    return [...known].filter((to) => !to.startsWith('..') && isAbove(to)).map((to) => `${wing} → ${to}`)
  })
  expect(upwards).toEqual([])
})

test('each domain of the console stands on its ground alone, and app/ puts them together', () => {
  const imports = importsBetweenFolders(join(PACKAGES, 'dashboard/src'), 1)
  const allowed = (from: string) => (from === 'app' ? () => true : (to: string) => to === 'ground')
  const others = [...imports]
    .filter(([from]) => from !== 'main.tsx')
    .flatMap(([from, known]) =>
      [...known]
        // Outside of src, and texts, which are loaded by their language.
        .filter((to) => !to.startsWith('..') && !(from === 'ground' && to === 'texts') && !allowed(from)(to))
        .map((to) => `${from} → ${to}`),
    )
  expect(imports.size).toBeGreaterThan(4)
  expect(others).toEqual([])
})

test('no test waits as long as a library takes for enough, which is a second', () => {
  const files = globSync(['packages/*/src/**/*.ts', 'tests/*.ts'], { cwd: join(PACKAGES, '..') })
  const impatient = files.filter((path) =>
    /\bvi\s*\.\s*(waitFor|waitUntil)\(/.test(readFileSync(join(PACKAGES, '..', path), 'utf8')),
  )
  expect(impatient).toEqual(['packages/testkit/src/eventually.ts'])
})

const KOTLIN = join(PACKAGES, 'react-native/android/src/main/kotlin/dev/hotpatch')
/** From the ground up, as in the TypeScript engine: each knows those before it only. */
const KOTLIN_PACKAGES = [
  'protocol',
  'protocol.edge',
  'delta',
  'engine.ground',
  'engine.state',
  'engine.recovery',
  'engine.server',
  'engine.edge',
  'engine.install',
  'engine.archive',
  'engine.download',
  'engine.decrypt',
  'engine.patch',
  'engine.engine',
  'android',
  'reactnative',
]

/** Of each package, whatever its files name as imported, or in full. */
function kotlinNames(): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>()
  for (const path of globSync('**/*.kt', { cwd: KOTLIN })) {
    const from = dirname(path).replaceAll('/', '.')
    const found = names.get(from) ?? new Set()
    for (const line of readFileSync(join(KOTLIN, path), 'utf8').split('\n')) {
      if (/^package |^ *(\/\/|\/?\*)/.test(line)) continue
      for (const [name] of line.matchAll(/\b(?:[a-z][a-z0-9]*\.){2,}[A-Za-z]\w*/g)) found.add(name)
      const imported = /^import ([\w.]+)/.exec(line)?.[1]
      if (imported) found.add(imported)
    }
    names.set(from, found)
  }
  return names
}

test("the Kotlin engine's packages know those below them only, and each has its place", () => {
  const names = kotlinNames()
  const folders = [...names.keys()].map((folder) => folder.replace(/^(android|reactnative)\..*/, '$1'))
  expect(folders.filter((folder) => !KOTLIN_PACKAGES.includes(folder))).toEqual([])
  expect(names.size).toBeGreaterThan(2)
  const upwards = [...names].flatMap(([from, known]) => {
    const own = from.replace(/^(android|reactnative)\..*/, '$1')
    const to = new Set(
      Array.from(known, (name) => /^dev\.hotpatch\.(protocol\.edge\b|(?:engine\.)?[a-z]+)/.exec(name)?.[1]).filter(
        (name) => name,
      ),
    )
    return [...to]
      .filter((name) => KOTLIN_PACKAGES.indexOf(name ?? '') > KOTLIN_PACKAGES.indexOf(own))
      .map((name) => `${from} → ${name}`)
  })
  expect(upwards).toEqual([])
})

test('the Kotlin engine knows neither Android nor React nor any library but those of every JVM', () => {
  const known = [...kotlinNames()].filter(([from]) => /^(protocol|delta|engine)\b/.test(from))
  expect(known.length).toBeGreaterThan(5)
  const imported = known.flatMap(([from, names]) => Array.from(names, (name) => `${from}: ${name}`))
  const isForeign = (line: string) =>
    /: (android|androidx|com|okhttp3|okio|org|io|kotlinx|javax)\.|: java\.nio\.file\b/.test(line)
  expect(imported.filter(isForeign)).toEqual([])
  expect(imported.some((line) => line.endsWith(': java.util.zip.Inflater'))).toBe(true)
})

const REACT_NATIVE = join(PACKAGES, 'react-native')
const readReactNative = (path: string) => readFileSync(join(REACT_NATIVE, path), 'utf8')

test('Kotlin and Swift tell servers the version of their package', () => {
  const { version } = JSON.parse(readReactNative('package.json')) as { version: string }
  const kotlin = readReactNative('android/src/main/kotlin/dev/hotpatch/android/AndroidHost.kt')
  const swift = readReactNative('ios/Sources/HotPatchBridge/SdkVersion.swift')
  expect(/^const val SDK_VERSION = "(.*)"$/m.exec(kotlin)?.[1]).toBe(version)
  expect(/^public let sdkVersion = "(.*)"$/m.exec(swift)?.[1]).toBe(version)
  expect(readReactNative('ios/ReactNative/HotPatch.swift')).toContain('host.sdkVersion = sdkVersion')
})

test('apps get the libraries that the Kotlin is compiled with and tested on here', () => {
  const pinned = [...readReactNative('android/build.gradle').matchAll(/^ {2}implementation "(.+):(.+):(.+)"$/gm)]
  expect(pinned.length).toBeGreaterThan(3)
  const here = new Set(LIBRARIES.android.jars ?? [])
  // Gradle finds what of a library is for Android by itself.
  const asJar = ([, group, name, version]: RegExpExecArray) =>
    `${group}:${name === 'annotation' ? 'annotation-jvm' : name}:${version}`
  expect(pinned.map(asJar).filter((jar) => !here.has(jar))).toEqual([])
})

/** Its folders are one module of Swift: which of them know which is nowhere said. */
test('the Swift engine knows nothing but Foundation', () => {
  const source = join(PACKAGES, 'react-native/ios/Sources/HotPatchEngine')
  const files = globSync('**/*.swift', { cwd: source })
  expect(files.length).toBeGreaterThan(10)
  const imports = files.flatMap((path) =>
    Array.from(
      readFileSync(join(source, path), 'utf8').matchAll(/^\s*(?:@\S+ )?import (?:\w+ )?(\w+)/gm),
      ([, name]) => `${path}: ${name}`,
    ),
  )
  expect(imports.filter((line) => !line.endsWith(': Foundation'))).toEqual([])
})
