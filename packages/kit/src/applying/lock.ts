import { sleep, type ClockPort } from '@hotpatch/device-ground'
import { textFromUtf8, utf8FromText } from '@hotpatch/protocol'
import { makeDurableDirectory } from '../ground/durable-files.ts'
import type { KitDisk } from '../ground/kit-disk.ts'
import { KitError } from '../ground/kit-error.ts'
import { LOCK_FOLDER } from '../ground/kit-layout.ts'
import { readKnownProcess, type KnownProcess, type ProcessFacts } from '../ground/process-facts.ts'

export interface HeldLock {
  release(): Promise<void>
}

const RELEASED = '{"released":true}'
/** Whoever creates a lock writes into it at once: one that says nothing after that was left behind. */
const LOOKS_AT_NEW = 10
const PAUSE_MS = 50
const MAX_LOCK_BYTES = 4096
const NUMBER = /^[1-9]\d{0,14}$/

/**
 * Kits §8.2: one coordinator at a time. Locks are numbered files, and whoever creates the next number has it, if of those
 * there already none belongs to somebody who runs. The highest is never removed, so a number is never given twice, and
 * whoever was slow finds a higher one.
 * @throws KitError already-running
 */
export async function takeLock(disk: KitDisk, facts: ProcessFacts, clock: ClockPort): Promise<HeldLock> {
  await makeDurableDirectory(disk, LOCK_FOLDER)
  const before = await numbersOf(disk)
  await expectNobody(before)
  const mine = Math.max(0, ...before) + 1
  const path = pathOf(mine)
  if (!(await disk.create(path, utf8FromText(JSON.stringify(facts.own))))) throw taken(undefined)
  try {
    const others = (await numbersOf(disk)).filter((number) => number !== mine)
    if (others.some((number) => number > mine)) throw taken(undefined)
    await expectNobody(others)
    for (const number of others) await disk.remove(pathOf(number))
  } catch (error) {
    await release()
    throw error
  }

  async function expectNobody(numbers: readonly number[]): Promise<void> {
    for (const number of numbers) {
      const holder = await readHolder(disk, number, clock)
      if (holder && isAlive(holder, facts)) throw taken(holder)
    }
  }

  async function release(): Promise<void> {
    await disk.write(path, utf8FromText(RELEASED))
  }

  return { release }
}

/** Who has it, for people; undefined when nobody who runs does. */
export async function findLockHolder(
  disk: KitDisk,
  facts: ProcessFacts,
  clock: ClockPort,
): Promise<KnownProcess | undefined> {
  for (const number of await numbersOf(disk)) {
    const holder = await readHolder(disk, number, clock)
    if (holder && isAlive(holder, facts)) return holder
  }
  return undefined
}

/** For people who look: who has it, and who had it when he was ended. */
export async function findLocks(
  disk: KitDisk,
  facts: ProcessFacts,
  clock: ClockPort,
): Promise<{ held: KnownProcess | undefined; stale: readonly KnownProcess[] }> {
  const holders: KnownProcess[] = []
  for (const number of await numbersOf(disk)) {
    const holder = await readHolder(disk, number, clock)
    if (holder) holders.push(holder)
  }
  return {
    held: holders.find((holder) => isAlive(holder, facts)),
    stale: holders.filter((holder) => !isAlive(holder, facts)),
  }
}

/** Somebody of another space of process ids is held for running: from here nobody can tell. */
export function isAlive(holder: KnownProcess, facts: ProcessFacts): boolean {
  if (!facts.isSameBoot(holder.boot)) return false
  if (holder.space !== facts.own.space) return true
  if (!facts.isRunning(holder.pid)) return false
  const started = facts.startedAt(holder.pid)
  return holder.started === undefined || started === undefined || started === holder.started
}

const pathOf = (number: number) => `${LOCK_FOLDER}/${number}`

async function numbersOf(disk: KitDisk): Promise<number[]> {
  return ((await disk.list(LOCK_FOLDER)) ?? []).filter((name) => NUMBER.test(name)).map(Number)
}

/** Undefined of one that was released, has gone, or says nothing. */
async function readHolder(disk: KitDisk, number: number, clock: ClockPort): Promise<KnownProcess | undefined> {
  for (let look = 1; look <= LOOKS_AT_NEW; look += 1) {
    const stat = await disk.stat(pathOf(number))
    if (stat?.kind !== 'file' || stat.sizeBytes > MAX_LOCK_BYTES) return undefined
    const text = textFromUtf8((await disk.read(pathOf(number))) ?? new Uint8Array()) ?? ''
    if (text === RELEASED) return undefined
    const holder = readKnownProcess(text)
    if (holder) return holder
    await sleep(clock, PAUSE_MS)
  }
  return undefined
}

function taken(holder: KnownProcess | undefined): KitError {
  const who = holder ? `the process ${holder.pid}` : 'another process'
  const elsewhere = holder?.space === undefined ? '' : ` (in ${holder.space})`
  return new KitError(
    'already-running',
    `Expected nobody else who works on this kit, found ${who}${elsewhere}. Wait until it has ended. If it has for certain, ` +
      `as in a container that is no more, remove ${LOCK_FOLDER}.`,
  )
}
