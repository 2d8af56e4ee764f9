import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalQuantile, wilsonBounds } from './confidence.ts'

describe('the normal quantile', () => {
  // National Institute of Standards and Technology, Engineering Statistics Handbook 1.3.6.7.1, with more digits.
  test.each([
    [0.5, 0],
    [0.9, 1.2815515655],
    [0.95, 1.644853627],
    [0.975, 1.9599639845],
    [0.99, 2.326347874],
    [0.999, 3.0902323062],
    [0.9999, 3.7190164855],
    [0.999999, 4.753424309],
    [0.02, -2.053748911],
  ])('of %d is %d', (probability, value) => expect(normalQuantile(probability)).toBeCloseTo(value, 7))

  test('is symmetric and rises', () => {
    const probability = fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true })
    fc.assert(
      fc.property(probability, probability, (one, other) => {
        expect(normalQuantile(1 - one)).toBeCloseTo(-normalQuantile(one), 6)
        if (one < other) expect(normalQuantile(one)).toBeLessThanOrEqual(normalQuantile(other))
      }),
    )
  })

  test('has an answer for what is no probability', () => {
    expect([-1, 0, 1, 2, Number.NaN].map(normalQuantile)).toEqual([-Infinity, -Infinity, Infinity, Infinity, 0])
  })
})

describe('the bounds', () => {
  // Newcombe 1998, table I, method 4: 95 % two-sided, which is 2.5 % on each side.
  test.each([
    [81, 263, 0.2535, 0.3682],
    [15, 148, 0.0598, 0.1644],
    [0, 20, 0, 0.2005],
    [1, 29, 0.0018, 0.1963],
  ])('of %d in %d', (events, sample, lower, upper) => {
    const bounds = wilsonBounds(events, sample, 0.025)
    expect(bounds.lower).toBeCloseTo(lower, 4)
    expect(bounds.upper).toBeCloseTo(upper, 4)
  })

  test('are around what was seen, between nothing and all, and narrower for those who risk more', () => {
    const alpha = fc.double({ min: 1e-9, max: 0.4, noNaN: true })
    fc.assert(
      fc.property(fc.nat(100_000), fc.integer({ min: 1, max: 100_000 }), alpha, (events, more, alpha) => {
        const [sample, share] = [events + more, events / (events + more)]
        const bounds = wilsonBounds(events, sample, alpha)
        const tighter = wilsonBounds(events, sample, alpha * 1.2)
        const order = [0, bounds.lower, tighter.lower, share, tighter.upper, bounds.upper, 1]
        expect(order.toSorted((one, other) => one - other)).toEqual(order)
      }),
    )
  })

  test('say nothing of nobody', () => expect(wilsonBounds(3, 0, 0.05)).toEqual({ lower: 0, upper: 1 }))
})
