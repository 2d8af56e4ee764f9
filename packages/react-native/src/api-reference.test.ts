import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { writeApiReference } from './testing/api-reference.ts'

const SOURCE = fileURLToPath(new URL('.', import.meta.url))
const REFERENCE = fileURLToPath(new URL('../../../docs/reference/react-native.md', import.meta.url))

test('the reference is current', async () => {
  await expect(writeApiReference(SOURCE).markdown).toMatchFileSnapshot(REFERENCE)
})

test('it has everything that is exported, and nothing else', () => {
  const exported = ['index.ts', 'test-host/index.ts'].flatMap((entry) => {
    const text = readFileSync(SOURCE + entry, 'utf8')
    const listed = [...text.matchAll(/^export (?:type |const )?\{([^}]*)\}/gm)].flatMap(([, names = '']) =>
      names.split(','),
    )
    const declared = [...text.matchAll(/^export (?:const|function|interface) (\w+)/gm)].map(([, name = '']) => name)
    return [...listed, ...declared].map((name) => name.replace('type ', '').trim()).filter(Boolean)
  })
  expect(exported.length).toBeGreaterThan(20)
  expect(writeApiReference(SOURCE).names.toSorted()).toEqual(exported.toSorted())
})
