import { expect, test, vi } from 'vitest'
import type { ClockPort } from './ports.ts'
import { retryAfter } from './exchange.ts'
import { createStop } from './stop.ts'
import { backOff, sleep, TookTooLongError, within } from './waiting.ts'

/** Timers go off when the test says so. */
function createClock() {
  const timers = new Set<{ ms: number; run: () => void }>()
  const clock: Pick<ClockPort, 'after' | 'random'> = {
    random: () => 0.5,
    after(ms, run) {
      const timer = { ms, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
  }
  return { clock, timers, fire: () => timers.forEach(({ run }) => run()) }
}

test('what takes too long is given up, once, and its end changes nothing', async () => {
  const { clock, fire } = createClock()
  const work = Promise.withResolvers<string>()
  const abort = vi.fn<() => void>()
  const waited = within(clock, { ms: 100, what: 'the answer', abort }, work.promise)
  fire()
  await expect(waited).rejects.toThrow(new TookTooLongError('the answer took more than 100 ms'))
  work.resolve('late')
  expect(abort).toHaveBeenCalledOnce()
})

test.each(['resolve', 'reject'] as const)('work that comes to an end (%s) leaves no timer', async (end) => {
  const { clock, timers } = createClock()
  const work = Promise.withResolvers<string>()
  const waited = within(clock, { ms: 100, what: 'the answer' }, work.promise).catch(String)
  expect(timers.size).toBe(1)
  work[end]('done')
  expect(await waited).toBe('done')
  expect(timers.size).toBe(0)
})

test('a sleep that is stopped ends well, and leaves no timer; one that ends by itself no listener', async () => {
  const { clock, timers, fire } = createClock()
  const stop = createStop()
  const slept = sleep(clock, 100, stop)
  stop.stop()
  await slept
  expect(timers.size).toBe(0)

  const forget = vi.fn<() => void>()
  const other = sleep(clock, 100, { onStop: () => forget })
  fire()
  await other
  expect(forget).toHaveBeenCalledOnce()
})

test('waits grow, randomly, up to a limit', () => {
  const { clock } = createClock()
  const waits = [0, 1, 2, 30].map((attempt) => backOff(clock, attempt, { backOffMs: 1_000, backOffMaxMs: 3_000 }))
  expect(waits).toEqual([500, 1_000, 1_500, 1_500])
})

test.each([
  [{}, undefined],
  [{ 'retry-after': '30' }, 30_000],
  [{ 'retry-after': '99999' }, 60_000],
  [{ 'retry-after': 'soon' }, undefined],
  // Of the server's time, not of the device's.
  [{ 'retry-after': 'Fri, 01 Jan 2027 00:00:20 GMT', date: 'Fri, 01 Jan 2027 00:00:10 GMT' }, 10_000],
  [{ 'retry-after': 'Fri, 01 Jan 2027 00:00:20 GMT' }, 20_000],
  [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 0],
])('Retry-After of %j', (headers, expected) => {
  expect(retryAfter(headers, Date.UTC(2027, 0, 1), 60_000)).toBe(expected)
})
