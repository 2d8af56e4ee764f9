import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findInComment, findMinisignKeyLine, readMinisignSignature } from './minisign-text.ts'
import { minisign } from './minisign.ts'

interface Vectors {
  file: string
  keys: Record<string, string>
  spellings: string[]
  cases: { comment: string; key: string; version: string; signature: string; file?: string; fits: boolean }[]
}
const VECTORS = new URL('../../../vectors/minisign.json', import.meta.url)
const { file, keys, spellings, cases } = JSON.parse(readFileSync(VECTORS, 'utf8')) as Vectors

async function* inPieces(text: string) {
  for (const character of text) yield Buffer.from(character)
}

test.each(cases)('Signing §10.1: $comment', async ({ key, version, signature: value, fits, file: other = file }) => {
  const fault = await minisign.findFault({ publicKey: keys[key] ?? '', value, version, bytes: inPieces(other) })
  if (fits) expect(fault).toBeUndefined()
  else expect(fault).toMatch(/^expected .+, found .+$/)
})

test('a key is one, however it is written down', () => {
  for (const spelling of spellings) expect(findMinisignKeyLine(spelling)).toBe(keys.tauri)
  for (const text of [
    '',
    'RW',
    `RX${keys.tauri?.slice(2)}`,
    `${keys.tauri}=`,
    keys.tauri?.slice(0, -4) ?? '',
    'x'.repeat(9_999),
  ]) {
    expect(findMinisignKeyLine(text)).toBeUndefined()
  }
})

test('whatever is sent is read or not, and nothing is thrown', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String(), fc.string({ unit: 'binary' })), (text) => {
      expect(readMinisignSignature(text)).toBeUndefined()
      expect(findMinisignKeyLine(text)).toBeUndefined()
    }),
  )
  expect(findInComment('timestamp:1\tfile:a:b', 'file')).toBe('a:b')
  expect(findInComment('reversion:1', 'version')).toBeUndefined()
})
