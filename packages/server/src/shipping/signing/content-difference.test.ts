import { expect, test } from 'vitest'
import { findContentDifference } from './content-difference.ts'

const LONG = 'x'.repeat(60_000)

test.each<[string, unknown, unknown, object | undefined]>([
  ['nothing', { a: [1, { b: 'c' }] }, { a: [1, { b: 'c' }] }, undefined],
  ['a value', { a: { b: 1 } }, { a: { b: 2 } }, { pointer: '/a/b', expected: '1', found: '2' }],
  ['one more', { a: [1] }, { a: [1, 2] }, { pointer: '/a/1', expected: 'nothing', found: '2' }],
  ['one less', { a: 1, b: 2 }, { a: 1 }, { pointer: '/b', expected: '2', found: 'nothing' }],
  ['a list and an object', { a: [] }, { a: {} }, { pointer: '/a', expected: '[]', found: '{}' }],
  ['null and nothing', { a: null }, {}, { pointer: '/a', expected: 'null', found: 'nothing' }],
  [
    'an order',
    { a: { b: 1, c: 2 } },
    { a: { c: 2, b: 1 } },
    { pointer: '/a', expected: 'the fields in the order b, c', found: 'the fields in the order c, b' },
  ],
  ['a name that all objects have', {}, { constructor: 1 }, { pointer: '/constructor', expected: 'nothing' }],
  ['a name with a slash', { 'a/b': 1 }, { 'a/b': 2 }, { pointer: '/a~1b' }],
  ['all of it', undefined, { a: 1 }, { pointer: '', expected: 'nothing', found: '{"a":1}' }],
])('finds %s', (_, expected, found, difference) => {
  if (difference === undefined) expect(findContentDifference(expected, found)).toBeUndefined()
  else expect(findContentDifference(expected, found)).toMatchObject(difference)
})

test('is short, whatever differs', () => {
  const names = (letter: string) =>
    Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${letter}${at}${LONG}`, 1]))
  const reversed = Object.fromEntries(Object.entries(names('a')).toReversed())
  for (const [expected, found] of [
    [{ a: LONG }, { a: `${LONG}y` }],
    [{ [LONG]: { [LONG]: 1 } }, { [LONG]: { [LONG]: 2 } }],
    [names('a'), reversed],
  ]) {
    const difference = findContentDifference(expected, found)
    expect(difference).toBeDefined()
    expect(JSON.stringify(difference).length).toBeLessThan(3000)
  }
})
