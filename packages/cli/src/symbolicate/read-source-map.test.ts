import { expect, test } from 'vitest'
import { CommandError } from '../errors/errors.ts'
import { openSourceMap } from './read-source-map.ts'

const MAP = { version: 3, sources: ['/project/a.ts'], names: [], mappings: 'AAAA' }
const sectionAt = (line: unknown, map: unknown) => ({ version: 3, sections: [{ offset: { line, column: 0 }, map }] })

const refusal = (json: unknown) => {
  try {
    openSourceMap(json, 'index.map', '/project')
    return undefined
  } catch (error) {
    return error
  }
}

test('a map in sections finds what is in them', () => {
  expect(openSourceMap(sectionAt(2, MAP), 'index.map', '/project').find(3, 0)).toMatchObject({
    source: 'a.ts',
    line: 1,
  })
})

test.each([
  ['a section at a line that no bundle has', sectionAt(2_147_483_648, MAP)],
  ['a section before the first line', sectionAt(-1, MAP)],
  ['sections that reach there together', sectionAt(4_000_000, sectionAt(4_000_000, MAP))],
  ['a map of functions that is none', { ...MAP, x_facebook_sources: [[{ names: ['f'], mappings: 7 }]] }],
  ['a map of functions without names', { ...MAP, x_facebook_sources: [[{ mappings: 'AAA' }]] }],
  ['sections within sections for ever', Array.from({ length: 200 }).reduce((map) => sectionAt(0, map), MAP as unknown)],
])('%s is no source map', (_case, json) => {
  const error = refusal(json)
  expect(error).toBeInstanceOf(CommandError)
  expect((error as CommandError).message).toMatch(/^index\.map is not a source map: /)
})
