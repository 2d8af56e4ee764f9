import { expect, test } from 'vitest'
import { shortDetail } from './report.ts'

test('a detail that is too long is cut between characters', () => {
  expect(shortDetail('a'.repeat(200))).toHaveLength(200)
  expect(shortDetail('a'.repeat(201))).toBe(`${'a'.repeat(199)}…`)
  expect(shortDetail(`${'a'.repeat(198)}😀😀`)).toBe(`${'a'.repeat(198)}…`)
})
