import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { describeCode } from './device-codes.ts'

const vectors = new URL('../../../../vectors/problems/sdk-codes.json', import.meta.url)
const { codes } = JSON.parse(readFileSync(vectors, 'utf8')) as { codes: { code: string; comment: string }[] }

test.each(codes)('$code is told in the words of the protocol', ({ code, comment }) => {
  expect(describeCode(code)).toBe(`${code}: ${comment}`)
})

test.each([null, 'E_OWN', 'constructor', ''])('%s is left as it is', (code) => {
  expect(describeCode(code)).toBe(code)
})
