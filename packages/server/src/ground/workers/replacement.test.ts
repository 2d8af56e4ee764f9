import { expect, test } from 'vitest'
import { createReplacement } from './replacement.ts'

const pauses = (servedForMs: number | undefined, times: number, othersServe = true) => {
  const replacement = createReplacement()
  return Array.from({ length: times }, () => {
    const next = replacement.afterDeath(0, { servedForMs }, othersServe)
    return next.kind === 'start' ? next.afterMs : next.kind
  })
}

test('a worker that served for long is replaced at once, each time', () => {
  expect(pauses(60_000, 4)).toEqual([0, 0, 0, 0])
})

test('one that dies again and again waits longer each time, up to a bound', () => {
  expect(pauses(1_000, 5)).toEqual([0, 100, 200, 400, 800])
  expect(pauses(1_000, 20).at(-1)).toBe(15_000)
})

test('one place does not pay for another', () => {
  const replacement = createReplacement()
  for (let count = 0; count < 5; count++) replacement.afterDeath(0, { servedForMs: 1 }, true)
  expect(replacement.afterDeath(1, { servedForMs: 1 }, true)).toEqual({ kind: 'start', afterMs: 0 })
})

test('one that was steady in between begins anew', () => {
  const replacement = createReplacement()
  for (let count = 0; count < 5; count++) replacement.afterDeath(0, { servedForMs: 1 }, true)
  replacement.afterDeath(0, { servedForMs: 60_000 }, true)
  expect(replacement.afterDeath(0, { servedForMs: 1 }, true)).toEqual({ kind: 'start', afterMs: 0 })
})

test('all ends when none gets up, and not while another one serves', () => {
  expect(pauses(undefined, 6, false)).toEqual([0, 100, 200, 400, 'give-up', 'give-up'])
  expect(pauses(undefined, 6, true)).toEqual([0, 100, 200, 400, 800, 1_600])
})

test('one that serves again is a new beginning', () => {
  const replacement = createReplacement()
  for (let count = 0; count < 4; count++) replacement.afterDeath(0, { servedForMs: undefined }, false)
  replacement.served()
  expect(replacement.afterDeath(0, { servedForMs: undefined }, false).kind).toBe('start')
})
