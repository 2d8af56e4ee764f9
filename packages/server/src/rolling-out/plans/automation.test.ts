import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createFakeTime } from '../../fleet/recording/testing/fake-time.ts'
import { createAutomation } from './automation.ts'
import { NO_TRACES } from '../../ground/traces/traces.ts'

/** Two tasks that write down what they do; a task waits while `gate` is closed. */
function setUp() {
  const time = createFakeTime()
  const done: string[] = []
  const errors: object[] = []
  let gate = Promise.resolve()
  let failing = ''
  const task = (name: string) => ({
    name,
    run: async () => {
      done.push(`${name} begins`)
      await gate
      if (failing === name) throw new Error(`${name} cannot`)
      done.push(`${name} ends`)
    },
  })
  const automation = createAutomation({
    courses: [[task('guards'), task('plans')], [task('edges')]],
    intervalMs: 10_000,
    timers: time.timers,
    traces: NO_TRACES,
    log: { error: (fields: object) => void errors.push(fields) },
  })
  return {
    ...time,
    automation,
    done,
    errors,
    fail: (name: string) => (failing = name),
    close() {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      return resolve
    },
  }
}

const EDGES = ['edges begins', 'edges ends']
const ROUND = ['guards begins', 'guards ends', 'plans begins', 'plans ends', ...EDGES]

test('a round comes every few seconds, guards before plans', async () => {
  const { automation, advance, done } = setUp()
  automation.start()
  await advance(9_999)
  expect(done).toEqual([])
  await advance(1)
  await setImmediate()
  expect(done).toEqual(ROUND)
  await advance(10_000)
  await setImmediate()
  expect(done).toEqual([...ROUND, ...ROUND])
})

test('a round that takes long is not joined by another: whoever asks gets the next one', async () => {
  const { automation, advance, done, close } = setUp()
  const open = close()
  automation.start()
  await advance(60_000)
  const asked = [automation.tick(), automation.tick()]
  await setImmediate()
  expect(done).toEqual(['guards begins'])
  open()
  await Promise.all(asked)
  expect(done).toEqual([...ROUND, ...ROUND, ...ROUND])
})

test('what fails is logged, and tried again in the next round; plans do not go on while guards cannot look, others do', async () => {
  const { automation, advance, done, errors, fail } = setUp()
  automation.start()
  fail('guards')
  await advance(10_000)
  await setImmediate()
  expect(done).toEqual(['guards begins', ...EDGES])
  expect(errors).toEqual([expect.objectContaining({ task: 'guards' })])
  fail('')
  await advance(10_000)
  await setImmediate()
  expect(done.slice(1 + EDGES.length)).toEqual(ROUND)
})

test('it stops after the round that is under way', async () => {
  const { automation, advance, done, close, waiting } = setUp()
  automation.start()
  const open = close()
  await advance(10_000)
  const stopped = automation.stop()
  open()
  await stopped
  expect(done).toEqual(ROUND)
  await advance(60_000)
  expect(done).toEqual(ROUND)
  expect(waiting()).toBe(0)
})
