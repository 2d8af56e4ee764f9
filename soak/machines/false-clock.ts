import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where Debian's package faketime puts it. */
const LIBRARIES = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
]

export const FAKETIME_MISSING = 'libfaketime is not installed (Debian: apt-get install faketime)'

export function findFaketime(): string | undefined {
  return LIBRARIES.find((path) => existsSync(path))
}

/** The clock that a process is shown instead of the system's. How long something takes is measured by another one. */
export function createFalseClock(library: string, folder: string, name: string) {
  const file = join(folder, `clock-of-${name}`)

  /** By a rename: it is read every second, and must never be empty. */
  function setTo(seconds: number): void {
    writeFileSync(`${file}.new`, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}`)
    renameSync(`${file}.new`, file)
  }

  setTo(0)
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      // A look at the file for each look at the clock would cost more than what is measured.
      FAKETIME_CACHE_DURATION: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
    /** So many seconds off. */
    setTo,
  }
}

export type FalseClock = ReturnType<typeof createFalseClock>
