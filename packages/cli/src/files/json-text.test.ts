import { expect, test } from 'vitest'
import { setInJson } from './json-text.ts'

const random = (seed: number) => () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647

function anyValue(next: () => number, depth = 0): unknown {
  const kind = Math.floor(next() * (depth > 3 ? 4 : 6))
  const count = Math.floor(next() * 4)
  if (kind === 0) return Math.floor(next() * 1000)
  if (kind === 1) return 'text "{[,:]}"\\'
  if (kind === 2) return null
  if (kind === 3) return next() > 0.5
  if (kind === 4) return Array.from({ length: count }, () => anyValue(next, depth + 1))
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, anyValue(next, depth + 1)]))
}

test('of any text only what is set changes, and its order stays', () => {
  for (let seed = 1; seed < 400; seed += 1) {
    const next = random(seed)
    const before = { first: anyValue(next), expo: { updates: { a: anyValue(next) }, b: anyValue(next) }, last: 1 }
    for (const indent of [undefined, 2, '\t']) {
      const text = JSON.stringify(before, null, indent)
      const after = setInJson(setInJson(text, ['expo', 'updates', 'url'], 'https://x'), ['last'], { policy: 'p' })
      const expo = { ...before.expo, updates: { ...before.expo.updates, url: 'https://x' } }
      const expected = { ...before, expo, last: { policy: 'p' } }
      expect(JSON.stringify(JSON.parse(after))).toBe(JSON.stringify(expected))
      // What is written over several lines is written as JSON.stringify would.
      if (indent !== undefined) expect(after).toBe(JSON.stringify(expected, null, indent))
    }
  }
})

test('line ends, empty objects and values on one line are kept in their way', () => {
  expect(setInJson('{\r\n  "a": 1\r\n}\r\n', ['b', 'c'], 2)).toBe(
    '{\r\n  "a": 1,\r\n  "b": {\r\n    "c": 2\r\n  }\r\n}\r\n',
  )
  expect(setInJson('{}', ['a'], 1)).toBe('{\n  "a": 1\n}')
  expect(setInJson('{"a":1}', ['b'], 2)).toBe('{"a":1, "b": 2}')
  expect(() => setInJson('{"a":1}', ['a', 'b'], 2)).toThrow('an object')
  expect(() => setInJson('{"a":1', ['b'], 2)).toThrow(SyntaxError)
})
