import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const PACKAGES = fileURLToPath(new URL('../packages/', import.meta.url))
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
  'dialects',
  'contracts',
  'configuration',
  'app',
  '.',
]

interface Arrow {
  from: string
  to: string
}

/** Imports between files, of types too; tests stand outside. */
function arrowsOf(source: string): Arrow[] {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !/\.test\.ts$|(?:^|\/)testing(?:\/|\.ts$)/.test(file),
  )
  return files.flatMap((from) =>
    [...readFileSync(join(source, from), 'utf8').matchAll(/(?:from|import\() ?'(\.[^']+)'/g)].map(([, path = '']) => ({
      from,
      to: normalize(join(dirname(from), path)),
    })),
  )
}

/** A folder is known by so many names of its path. */
function betweenFolders(arrows: readonly Arrow[], depth: number): Arrow[] {
  const folderOf = (file: string) => dirname(file).split('/').slice(0, depth).join('/')
  return arrows
    .map(({ from, to }) => ({ from: folderOf(from), to: folderOf(to) }))
    .filter(({ from, to }) => from !== to && !to.startsWith('..'))
}

/** What is left when all that no arrow leaves has been taken away, again and again: circles, and what leads to them. */
function circlesIn(arrows: readonly Arrow[]): string[] {
  let left = arrows
  for (;;) {
    const sources = new Set(left.map(({ from }) => from))
    const inner = left.filter(({ to }) => sources.has(to))
    if (inner.length === left.length) return [...new Set(left.map(({ from, to }) => `${from} → ${to}`))].sort()
    left = inner
  }
}

describe('the server', () => {
  const arrows = arrowsOf(join(PACKAGES, 'server/src'))

  test.each([1, 2])('has no circle of folders, %i deep', (depth) => {
    expect(arrows.length).toBeGreaterThan(500)
    expect(circlesIn(betweenFolders(arrows, depth))).toEqual([])
  })

  test('has wings that each know those below them only', () => {
    const between = betweenFolders(arrows, 1).map(({ from, to }) => ({ from: from || '.', to: to || '.' }))
    expect(between.flatMap(({ from, to }) => [from, to]).filter((folder) => !WINGS.includes(folder))).toEqual([])
    const wrong = between.filter(({ from, to }) => WINGS.indexOf(from) < WINGS.indexOf(to))
    expect([...new Set(wrong.map(({ from, to }) => `${from} → ${to}`))]).toEqual([])
  })
})

test.each(['api', 'cli', 'client', 'protocol', 'simulator', 'testkit'])(
  '%s has no circle of folders, besides its root',
  (name) => {
    const between = betweenFolders(arrowsOf(join(PACKAGES, name, 'src')), 1)
    expect(circlesIn(between.filter(({ from, to }) => from !== '.' && to !== '.'))).toEqual([])
  },
)

test('circles are found', () => {
  const arrow = (text: string): Arrow => ({ from: text.slice(0, 1), to: text.slice(1) })
  expect(circlesIn(['ab', 'bc', 'ca', 'cd', 'xa'].map(arrow))).toEqual(['a → b', 'b → c', 'c → a', 'x → a'])
  expect(circlesIn(['ab', 'bc', 'ac'].map(arrow))).toEqual([])
})
