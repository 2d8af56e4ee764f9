import { existsSync } from 'node:fs'
import { createVirtualClock } from '@hotpatch/client/memory'
import { describe, expect, test } from 'vitest'
import { LOCK_FOLDER } from '../ground/kit-layout.ts'
import { createLossyDisk } from '../testing/lossy-disk.ts'
import type { KnownProcess, ProcessFacts } from '../ground/process-facts.ts'
import { findLockHolder, takeLock } from './lock.ts'
import { nodeProcess, timeAtStart } from './node-process.ts'

const clock = createVirtualClock({ whenIdle: setImmediate })
const ended = new Set<number>()

function processNamed(pid: number, { boot = 'boot', started = 'then', space = 'here' } = {}): ProcessFacts {
  return {
    own: { pid, boot, started, space },
    isSameBoot: (other) => other === boot,
    isRunning: (other) => !ended.has(other),
    startedAt: () => started,
  }
}

const busy = { code: 'already-running' }

describe('one coordinator at a time', () => {
  test('nobody else gets it until it is released', async () => {
    const disk = createLossyDisk()
    const lock = await takeLock(disk, processNamed(1), clock)
    await expect(takeLock(disk, processNamed(2), clock)).rejects.toMatchObject(busy)
    expect(await findLockHolder(disk, processNamed(2), clock)).toMatchObject({ pid: 1 })
    await lock.release()
    expect(await findLockHolder(disk, processNamed(2), clock)).toBeUndefined()
    const next = await takeLock(disk, processNamed(2), clock)
    await expect(takeLock(disk, processNamed(2), clock)).rejects.toMatchObject(busy)
    await next.release()
    expect(await disk.list(LOCK_FOLDER)).toHaveLength(1)
  })

  test.each<[string, Partial<KnownProcess>]>([
    ['of a boot before', { boot: 'another boot' }],
    ['whose id another process has now', { started: 'earlier' }],
  ])('one %s is stale', async (_, other) => {
    const disk = createLossyDisk()
    await takeLock(disk, processNamed(1, other), clock)
    await (await takeLock(disk, processNamed(2), clock)).release()
  })

  test('one of a process that has ended is stale', async () => {
    const disk = createLossyDisk()
    await takeLock(disk, processNamed(77), clock)
    ended.add(77)
    await (await takeLock(disk, processNamed(2), clock)).release()
  })

  test('of one in another space of processes nobody can tell, so it holds', async () => {
    const disk = createLossyDisk()
    await takeLock(disk, processNamed(1, { space: 'a container' }), clock)
    await expect(takeLock(disk, processNamed(2), clock)).rejects.toThrow(/remove \.kit\/lock/)
  })

  test('one that says nothing was left behind', async () => {
    const disk = createLossyDisk()
    await disk.makeDirectory(LOCK_FOLDER)
    await disk.write(`${LOCK_FOLDER}/7`, new Uint8Array())
    await disk.write(`${LOCK_FOLDER}/other`, new Uint8Array())
    await takeLock(disk, processNamed(2), clock)
    expect(await disk.list(LOCK_FOLDER)).toEqual(['8', 'other'])
  })

  test('of those that start at once, one wins, whatever was there', async () => {
    for (const isStaleThere of [false, true]) {
      const disk = createLossyDisk()
      if (isStaleThere) await takeLock(disk, processNamed(9, { boot: 'another boot' }), clock)
      const tries = await Promise.allSettled([1, 2, 3, 4, 5].map((pid) => takeLock(disk, processNamed(pid), clock)))
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    }
  })
})

test('this process runs, began some time, and knows its boot', () => {
  const facts = nodeProcess()
  expect(facts.isRunning(process.pid)).toBe(true)
  expect(facts.startedAt(process.pid)).toBe(facts.own.started)
  expect(facts.isSameBoot(facts.own.boot)).toBe(true)
  expect(facts.isSameBoot('another')).toBe(false)
  expect(facts.isRunning(2 ** 30)).toBe(false)
})

test.skipIf(!existsSync('/bin/ps'))(
  'where there is no /proc, ps says when a process began, always in the same words',
  () => {
    expect(timeAtStart(process.pid)).toMatch(/\d{4}$/)
    expect(timeAtStart(process.pid)).toBe(timeAtStart(process.pid))
    expect(timeAtStart(2 ** 30)).toBeUndefined()
  },
)
