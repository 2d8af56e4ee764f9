import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

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
]

/** Which folders import from which others, types included. A file beside the folders stands for itself. */
function importsBetweenFolders(source: string, depth: number): Map<string, Set<string>> {
  const folderOf = (path: string) => (dirname(path) === '.' ? path : dirname(path).split('/').slice(0, depth).join('/'))
  const imports = new Map<string, Set<string>>()
  for (const path of globSync('**/*.ts', { cwd: source })) {
    // Tests stand outside.
    if (/\.test\.ts$|(^|\/)testing(\/|\.ts$)/.test(path)) continue
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
  ['simulator', 1],
  ['cli', 1],
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

test('no test waits as long as a library takes for enough, which is a second', () => {
  const files = globSync(['packages/*/src/**/*.ts', 'tests/*.ts'], { cwd: join(PACKAGES, '..') })
  const impatient = files.filter((path) =>
    /\bvi\s*\.\s*(waitFor|waitUntil)\(/.test(readFileSync(join(PACKAGES, '..', path), 'utf8')),
  )
  expect(impatient).toEqual(['packages/testkit/src/eventually.ts'])
})
