import { expect, test } from 'vitest'
import { takesBrotli } from './accept-encoding.ts'

test.each([
  ['br', true],
  ['gzip, deflate, br', true],
  ['gzip;q=1.0, BR ; q=0.5', true],
  ['br;q=0', false],
  ['br;q=0.000', false],
  ['br;q=what', false],
  ['gzip', false],
  ['brotli', false],
  ['*', false],
  ['', false],
  [undefined, false],
])('Accept-Encoding: %s', (header, takes) => {
  expect(takesBrotli(header)).toBe(takes)
})
