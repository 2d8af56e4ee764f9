import { expect, test } from 'vitest'
import { alternate, median, percentile, ratioOf } from './statistics.ts'

test.each([
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
  [[7], 7],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected)
})

test('a percentile is the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
  expect(percentile(hundred, 50)).toBe(50)
  expect(percentile(hundred, 99)).toBe(99)
  expect(percentile(hundred, 100)).toBe(100)
  expect(percentile(new Float64Array([5]), 99)).toBe(5)
})

test('a ratio is that of the medians, its spread that of most rounds', () => {
  const rounds = [70, 10, 80, 80, 80, 80, 80, 80, 90, 200]
  const hundreds = rounds.map(() => 100)
  expect(ratioOf(rounds, hundreds)).toEqual({ value: 0.8, spread: [0.1, 0.9] })
})

test('a ratio needs as many rounds of both', () => {
  expect(() => ratioOf([1], [1, 2])).toThrow('as many values')
  expect(() => ratioOf([], [])).toThrow('as many values')
})

test('contenders take turns, and every other round goes backwards', async () => {
  const turns: string[] = []
  const contender = (name: string) => async () => turns.push(name)
  const results = await alternate({ a: contender('a'), b: contender('b') }, 3)
  expect(turns).toEqual(['a', 'b', 'b', 'a', 'a', 'b'])
  expect(results).toEqual({ a: [1, 4, 5], b: [2, 3, 6] })
})
