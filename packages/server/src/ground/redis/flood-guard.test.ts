import { fixedClock } from '@hotpatch/testkit'
import { expect, test } from 'vitest'
import { createFloodGuard } from './flood-guard.ts'

const admitted = (guard: ReturnType<typeof createFloodGuard>, sizeBytes: number, isTaken: boolean) => {
  let count = 0
  while (count < 1_000_000 && guard.admits(sizeBytes, isTaken)) count++
  return count
}

test.each([
  ['small messages of ours', 100, true, 10_000],
  ['large messages of ours', 1024 * 1024, true, 32],
  ['messages that are refused', 100, false, 500],
])('of %s so many are taken in a second', (_what, sizeBytes, isTaken, most) => {
  const clock = fixedClock()
  const guard = createFloodGuard(clock)
  expect(admitted(guard, sizeBytes, isTaken)).toBe(most)
  clock.advance(999)
  expect(guard.admits(sizeBytes, isTaken)).toBe(false)
  clock.advance(1)
  expect(admitted(guard, sizeBytes, isTaken)).toBe(most)
})
