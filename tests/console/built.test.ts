import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const PAGES = join(ROOT, 'packages/dashboard/pages')
/** What a phone on a slow network loads before it shows anything. */
const MOST_BYTES = 300 * 1024

beforeAll(async () => {
  await promisify(execFile)(process.execPath, [join(ROOT, 'scripts/console-pages.mjs')])
})

/** Scripts that the page names, and whatever these import at once. */
function initialScripts(): Set<string> {
  const index = readFileSync(join(PAGES, 'index.html'), 'utf8')
  const wanted = [...index.matchAll(/(?:src|href)="\.\/assets\/([^"]+\.js)"/g)].map(([, name = '']) => name)
  const found = new Set<string>()
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (found.has(name)) continue
    found.add(name)
    const source = readFileSync(join(PAGES, 'assets', name), 'utf8')
    for (const [, imported = ''] of source.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g))
      wanted.push(imported)
  }
  return found
}

test.each(['.br', '.gz'])('what is loaded first is small, as %s', (ending) => {
  const scripts = initialScripts()
  expect(scripts.size).toBeGreaterThan(1)
  const bytes = [...scripts].reduce((sum, name) => sum + statSync(join(PAGES, 'assets', name + ending)).size, 0)
  expect(bytes).toBeLessThan(MOST_BYTES)
})

test('it is built for users', () => {
  const sources = [...initialScripts()].map((name) => readFileSync(join(PAGES, 'assets', name), 'utf8'))
  expect(
    sources.filter((source) => source.includes('jsxDEV') || source.includes('react-dom-client.development')),
  ).toEqual([])
})

test('charts come when one is shown', () => {
  const sources = [...initialScripts()].map((name) => readFileSync(join(PAGES, 'assets', name), 'utf8'))
  expect(sources.filter((source) => source.includes('recharts-'))).toEqual([])
})

test('every asset is there compressed, too', () => {
  const names = readdirSync(join(PAGES, 'assets'))
  const plain = names.filter((name) => /\.(js|css|svg)$/.test(name))
  expect(plain.length).toBeGreaterThan(10)
  for (const name of plain) expect(names).toEqual(expect.arrayContaining([`${name}.br`, `${name}.gz`]))
})
