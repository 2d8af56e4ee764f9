import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'

/** What vectors/README.md says of its files: a table that is wrong is worse than none. */

const ROOT = new URL('../', import.meta.url)

interface Row {
  /** A file, or a folder with "/" at its end. */
  path: string
  cells: string[]
}

function readRows(): Row[] {
  const text = readFileSync(new URL('vectors/README.md', ROOT), 'utf8')
  const [tables = ''] = text.split('\n## Scenarios\n')
  return [...tables.matchAll(/^\| `([^`]+(?:\.json|\/))` \|(.*)\|$/gm)].map(([, path = '', rest = '']) => ({
    path,
    cells: rest.split('|').map((cell) => cell.trim()),
  }))
}

const rows = readRows()
const readersOf = ({ cells }: Row) =>
  cells.flatMap((cell) => [...cell.matchAll(/`([^`]+\.(?:ts|kt|swift))`/g)].map(([, reader = '']) => reader))

function files(): string[] {
  return readdirSync(new URL('vectors/', ROOT), { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.json') || path.endsWith('.xml'),
  )
}

describe('the tables of vectors/README.md', () => {
  test('have every file once', () => {
    const found = (path: string) =>
      rows.filter((row) => path === row.path || (row.path.endsWith('/') && path.startsWith(row.path)))
    expect(files().filter((path) => found(path).length !== 1)).toEqual([])
  })

  test.each(rows)('$path is there', ({ path }) => {
    expect(existsSync(new URL(`vectors/${path}`, ROOT))).toBe(true)
  })

  test.each(rows)('$path has readers, and each mentions it', (row) => {
    const readers = readersOf(row)
    expect(readers.length).toBeGreaterThan(0)
    // As a name of its own: every test has "json" in it somewhere.
    const name = new RegExp(`["'\x60/(]${basename(row.path, '.json')}(\\.json)?["'\x60/]`)
    const silent = readers.filter((reader) => !name.test(readFileSync(new URL(reader, ROOT), 'utf8')))
    expect(silent).toEqual([])
  })

  test('say of every file that devices need who reads it in each language', () => {
    const shared = rows.filter(({ cells }) => cells.length === 4)
    expect(shared.length).toBeGreaterThan(15)
    const open = shared.filter(({ cells }) => cells.slice(1).some((cell) => !cell.startsWith('`')))
    expect(open.map(({ path }) => path)).toEqual([])
  })
})
