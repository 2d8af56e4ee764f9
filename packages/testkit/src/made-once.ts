import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** What takes long to make, and several files of tests need, is made once in here: a folder of this run's. */
    runDirectory: string
  }
}

/** For what never comes: whoever makes it was ended. A build takes a minute or two, several on a busy machine. */
const GIVE_UP_MS = 20 * 60_000

/**
 * A folder that is made by the first who asks in a run of the tests, and is there for all others, who wait: for reading
 * only. One that cannot be made fails for all of them, and is tried once.
 */
export async function madeOnce(name: string, make: (directory: string) => Promise<void>): Promise<string> {
  const directory = join(inject('runDirectory'), name)
  const [making, failed] = [`${directory}-making`, `${directory}-failed`]
  if (!(await isFirst(making))) {
    await untilMade(directory, failed)
    return directory
  }
  try {
    await make(making)
    await rename(making, directory)
  } catch (error) {
    await writeFile(failed, String(error))
    throw error
  }
  return directory
}

/** Who makes it has the folder in which it does. */
async function isFirst(making: string): Promise<boolean> {
  try {
    await mkdir(`${making}-begun`)
    await mkdir(making)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

async function untilMade(directory: string, failed: string): Promise<void> {
  const deadline = Date.now() + GIVE_UP_MS
  while (!(await isThere(directory))) {
    if (await isThere(failed)) throw new Error(`${directory} could not be made: the tests that tried it say why.`)
    if (Date.now() > deadline) throw new Error(`${directory} was begun and never made.`)
    await wait(200)
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
