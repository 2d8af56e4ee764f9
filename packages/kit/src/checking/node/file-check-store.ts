import { randomUUID } from 'node:crypto'
import { open, mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { inTheWay } from '../../ground/durable-files.ts'
import { KitError } from '../../ground/kit-error.ts'
import { MAX_CHECKS_TEXT, readCheckRecord, writeCheckRecord, type CheckRecord } from '../check-record.ts'
import type { CheckStore } from '../check-store.ts'

/** Several applications of a kit write the same file: each holds the lock for a few milliseconds. */
const LOCK_TRIES = 100
const LOCK_WAIT_MS = 20
/** Of a process that was ended while it held it. */
const LOCK_STALE_MS = 10_000

/** Kits §6: `.kit/checks.json`, exchanged at once, so that nobody ever reads half of it. */
export function createFileCheckStore(path: string): CheckStore {
  let queue: Promise<unknown> = Promise.resolve()

  async function change(application: string, changeRecord: (record: CheckRecord) => CheckRecord): Promise<CheckRecord> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const release = await lock(`${path}.lock`)
    try {
      const text = await readText(path)
      const record = changeRecord(readCheckRecord(text, application))
      await replace(path, writeCheckRecord(text, application, record))
      return record
    } finally {
      await release()
    }
  }

  return {
    read: async (application) => readCheckRecord(await readText(path), application),
    update(application, changeRecord) {
      const mine = queue.then(() => change(application, changeRecord))
      queue = mine.catch(() => undefined)
      return mine
    },
  }
}

/** Of what is longer than any that was written: nothing, as of what is damaged. */
async function readText(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path)
    if (!found.isFile()) throw inTheWay('a file, or nothing,', path, found.isDirectory() ? 'directory' : 'other')
    const { size } = found
    return size > MAX_CHECKS_TEXT ? undefined : await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function replace(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(beside, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}

/** Resolves to how it is let go. @throws when somebody else holds it for longer than anybody has to */
async function lock(path: string): Promise<() => Promise<void>> {
  for (let time = 0; time < LOCK_TRIES; time += 1) {
    try {
      await (await open(path, 'wx', 0o600)).close()
      return () => rm(path, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    await removeStale(path)
    await wait(LOCK_WAIT_MS)
  }
  throw new KitError(
    'storage-failed',
    `Expected ${path} to be let go after some milliseconds, found that it is held: remove it if no other process writes there.`,
  )
}

async function removeStale(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  // By its distance: the clock may have been set in between.
  if (found && Math.abs(Date.now() - found.mtimeMs) > LOCK_STALE_MS) await rm(path, { force: true })
}
