import { expect, test } from 'vitest'
import { readWorkerCount } from './worker-count.ts'

test.each([
  ['0', 1],
  ['1', 1],
  ['2', 2],
  ['256', 256],
  ['auto', 6],
  ['257', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['1e1', undefined],
  ['', undefined],
  ['all', undefined],
])('%j means %j workers on six cores', (text, expected) => {
  expect(readWorkerCount(text, 6)).toBe(expected)
})
