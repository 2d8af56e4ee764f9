import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createWakeQueue } from './wake-queue.ts'

test('gives tokens in the order of their times, and of those at one time in the order in which they came', () => {
  const deeds = fc.array(fc.oneof(fc.record({ at: fc.integer({ min: 0, max: 20 }) }), fc.constant('take' as const)))
  fc.assert(
    fc.property(deeds, (deeds) => {
      const queue = createWakeQueue(1)
      const model: { at: number; token: number }[] = []
      for (const [token, deed] of deeds.entries()) {
        if (deed === 'take') {
          const first = model.toSorted((a, b) => a.at - b.at || a.token - b.token)[0]
          expect(queue.peek()).toEqual(first)
          expect(queue.take()).toEqual(first)
          if (first) model.splice(model.indexOf(first), 1)
        } else {
          queue.add(deed.at, token)
          model.push({ at: deed.at, token })
        }
        expect(queue.size()).toBe(model.length)
      }
    }),
  )
})
