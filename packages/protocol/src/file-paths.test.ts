import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import vectors from '../../../vectors/file-paths.json' with { type: 'json' }
import { filePathFault, findPathConflict, foldFilePath, MAX_FILE_PATH_BYTES } from './file-paths.ts'

const shown = (path: string) => JSON.stringify(path.slice(0, 40))

describe('paths of a release (Engine §4)', () => {
  test.each(
    vectors.paths.map(({ path, fault, comment }) => [fault ?? 'harmless', shown(path), comment, path] as const),
  )('%s: %s, %s', (fault, _shown, _comment, path) => {
    expect(filePathFault(path)?.rule ?? 'harmless').toBe(fault)
  })

  test('what is found reads on', () => {
    expect(filePathFault('a\\b')?.found).toMatch(/^a backslash/)
    expect(filePathFault('con')?.found).toBe('the name of a device on Windows')
    expect(filePathFault('.\u200b.\u200b')?.found).toBe(
      '"..", which climbs out of the folder, behind invisible characters',
    )
  })

  test('half a character is none: every other half is the same file', () => {
    for (const path of ['a\ud800', '\udc00/a', '\ud83d\ud83d\ude00']) expect(filePathFault(path)?.rule).toBe('path')
    expect(filePathFault('\ud83d\ude00')).toBeUndefined()
  })

  test('a path has at most as many bytes as are asked for', () => {
    expect(filePathFault('abcd', 4)).toBeUndefined()
    expect(filePathFault('äbcd', 4)?.rule).toBe('path-length')
    expect(MAX_FILE_PATH_BYTES).toBe(512)
  })

  test('bytes are counted as UTF-8 has them', () => {
    const encoder = new TextEncoder()
    const property = fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.nat(90), (path, maxBytes) => {
      const isTooLong = encoder.encode(path).length > maxBytes
      expect(filePathFault(path, maxBytes)?.rule === 'path-length').toBe(isTooLong)
    })
    fc.assert(property, { numRuns: 500 })
  })

  test('what is ignorable is what Unicode says', () => {
    const isIgnorable = /\p{Default_Ignorable_Code_Point}/u
    for (let point = 1; point < 0x11_0000; point += 1) {
      if (point >= 0xd800 && point < 0xe000) continue
      const character = String.fromCodePoint(point)
      if (isIgnorable.test(character)) expect(foldFilePath(`a${character}`), `U+${point.toString(16)}`).toBe('a')
    }
  })
})

describe('paths of which only one can be (Engine §4)', () => {
  test.each(vectors.conflicts)('$comment', ({ paths, conflict }) => {
    expect(findPathConflict(paths)?.kind).toBe(conflict ?? undefined)
    expect(findPathConflict(paths.toReversed())?.kind).toBe(conflict ?? undefined)
  })

  test('as looking at every pair finds it', () => {
    const segment = fc.constantFrom('a', 'A', 'b', 'a-', 'a.b', 'a\u200b', '\u00fc', 'u\u0308')
    const path = fc.tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.boolean())
    const paths = fc.array(
      path.map(([segments, isFolder]) => segments.join('/') + (isFolder ? '/' : '')),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(paths, (paths) => {
        expect(findPathConflict(paths) !== undefined).toBe(hasConflict(paths))
      }),
      { numRuns: 2_000 },
    )
  })
})

function hasConflict(paths: readonly string[]): boolean {
  const keys = paths.map((path) => foldFilePath(path.replace(/\/$/, '')))
  return paths.some((path, index) =>
    keys.some((key, other) => {
      if (other === index) return false
      return key === keys[index] || (!path.endsWith('/') && key.startsWith(`${keys[index]}/`))
    }),
  )
}
