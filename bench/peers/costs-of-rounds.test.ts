import { expect, test } from 'vitest'
import { costsOfRounds } from './costs-of-rounds.ts'

test('what a server does after its round counts with that round', () => {
  const marks = [
    { spentBefore: 1_000, answers: 100 },
    { spentBefore: 3_000, answers: 50 },
  ]
  expect(costsOfRounds(marks, 3_500)).toEqual([20, 10])
})

test('no rounds cost nothing', () => {
  expect(costsOfRounds([], 5_000)).toEqual([])
})
