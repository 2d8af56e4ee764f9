import { expect, test } from 'vitest'
import { takenCodings } from './accept-encoding.ts'

test.each<[string | undefined, string[]]>([
  ['br', ['br']],
  ['gzip, deflate, br', ['br', 'gzip']],
  ['gzip;q=1.0, BR ; q=0.5', ['gzip', 'br']],
  ['br;q=0.2, gzip;q=0.2', ['br', 'gzip']],
  ['br;q=0', []],
  ['br;q=0.000, gzip', ['gzip']],
  ['br;q=what', []],
  ['gzip', ['gzip']],
  ['brotli', []],
  ['deflate', []],
  ['*', []],
  ['', []],
  [undefined, []],
])('Accept-Encoding: %s', (header, codings) => {
  expect(takenCodings(header)).toEqual(codings)
})
