import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'

const SOURCES = join(import.meta.dirname, '../../packages/dashboard/src')
const TEXTS = join(SOURCES, 'texts')
const namespaces = globSync('en/*.json', { cwd: TEXTS }).map((path) => basename(path, '.json'))

function textsOf(language: string, namespace: string): Map<string, string> {
  const texts = new Map<string, string>()
  const walk = (value: unknown, path: string) => {
    if (typeof value === 'string') texts.set(path, value)
    else for (const [key, each] of Object.entries(value as object)) walk(each, path === '' ? key : `${path}.${key}`)
  }
  walk(JSON.parse(readFileSync(join(TEXTS, language, `${namespace}.json`), 'utf8')), '')
  return texts
}

/** Forms of a plural are as many as a language has: what counts is which text they are of. */
function formsJoined(texts: Map<string, string>): Map<string, string[]> {
  const joined = new Map<string, Set<string>>()
  for (const [key, text] of texts) {
    const name = key.replace(/_(?:zero|one|two|few|many|other)$/, '')
    const placeholders = joined.get(name) ?? new Set()
    for (const [placeholder] of text.matchAll(/\{\{\s*\w+[^}]*\}\}|<\/?\w+>/g)) placeholders.add(placeholder)
    joined.set(name, placeholders)
  }
  return new Map([...joined].map(([name, placeholders]) => [name, [...placeholders].toSorted()]))
}

describe.each(['es', 'fr'])('%s', (language) => {
  test.each(namespaces)('%s has the texts and placeholders that English has', (namespace) => {
    const other = textsOf(language, namespace)
    expect(Object.fromEntries(formsJoined(other))).toEqual(Object.fromEntries(formsJoined(textsOf('en', namespace))))
    for (const [key, text] of other) expect(text, key).not.toBe('')
  })

  test('has nothing that English has not', () => {
    expect(globSync(`${language}/*.json`, { cwd: TEXTS }).map((path) => basename(path, '.json'))).toEqual(
      expect.arrayContaining(namespaces),
    )
    expect(globSync(`${language}/*.json`, { cwd: TEXTS })).toHaveLength(namespaces.length)
  })
})

test('every text that a page names in plain words is there', () => {
  const missing: string[] = []
  for (const path of globSync('**/*.tsx', { cwd: SOURCES })) {
    const source = readFileSync(join(SOURCES, path), 'utf8')
    const functions = source.matchAll(
      /const (?:\{ t(?:: (\w+))?(?:, i18n)? \}|(\w+)) = useTranslation\('([a-z-]+)'\)(?:\.t\b)?/g,
    )
    for (const [, renamed, direct, namespace = ''] of functions) {
      const texts = formsJoined(textsOf('en', namespace))
      const name = renamed ?? direct ?? 't'
      for (const [, key = ''] of source.matchAll(new RegExp(`\\b${name}\\('([\\w.-]+)'(?! in )`, 'g'))) {
        const isIn = [...source.matchAll(/useTranslation\('([a-z-]+)'\)/g)].some(([, other = '']) =>
          formsJoined(textsOf('en', other)).has(key),
        )
        if (!texts.has(key) && !isIn) missing.push(`${path}: ${namespace}:${key}`)
      }
    }
  }
  expect(missing).toEqual([])
})
