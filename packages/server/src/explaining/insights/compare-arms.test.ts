import { expect, test } from 'vitest'
import { NOBODY_LEFT_OUT } from '../../fleet/progress/bounded-sample.ts'
import { compareArms } from './compare-arms.ts'

const arm = (name: string, bad: number, attempted: number) => ({
  arm: name,
  believed: { attempted, bad, withoutNetwork: 0, leftOut: NOBODY_LEFT_OUT },
})

test('an arm that goes badly far oftener is worse, and surely so', () => {
  const [comparison] = compareArms([arm('A', 10, 1000), arm('B', 60, 1000)])
  expect(comparison).toMatchObject({ arm: 'B', comparedWith: 'A', conclusion: 'worse', confidencePercent: 95 })
  expect(comparison?.difference).toBeCloseTo(0.05)
  // Newcombe's method 11 for 60/1000 and 10/1000.
  expect(comparison?.low).toBeCloseTo(0.0341, 3)
  expect(comparison?.high).toBeCloseTo(0.0677, 3)
})

test('the same the other way round is better', () => {
  expect(compareArms([arm('A', 60, 1000), arm('B', 10, 1000)])[0]?.conclusion).toBe('better')
})

test('a difference that chance explains is none', () => {
  expect(compareArms([arm('A', 10, 300), arm('B', 14, 300)])[0]?.conclusion).toBe('undecided')
})

test('a handful of devices concludes nothing, however they fare', () => {
  const [comparison] = compareArms([arm('A', 0, 500), arm('B', 49, 49)])
  expect(comparison).toMatchObject({ conclusion: 'too-few', difference: null })
})

test('what two arms alone would show, one of many has to show more surely', () => {
  const [first, second] = [arm('A', 20, 1000), arm('B', 37, 1000)]
  expect(compareArms([first, second])[0]?.conclusion).toBe('worse')
  const many = ['C', 'D', 'E', 'F', 'G'].map((name) => arm(name, 20, 1000))
  expect(compareArms([first, second, ...many])[0]?.conclusion).toBe('undecided')
})

test('one arm alone is compared with nothing', () => {
  expect(compareArms([arm('A', 1, 100)])).toEqual([])
})
