import type { Timers } from '../clock.ts'
import { migrate } from './migrate.ts'
import { openDatabase, type DatabaseConfig } from './open-database.ts'

/** PostgreSQL: lock_not_available, which is what waiting for longer than lock_timeout ends in. */
const LOCK_TIMEOUT = '55P03'
/** With what each try waits, some ten minutes. */
const MAX_TRIES = 150
const PAUSE_MS = 1_000

/**
 * Migrates over a connection of its own, on which a statement may take as long as it takes. What others hold is waited
 * for a short time, again and again: whoever comes after a migration that waits for a table waits, too.
 */
export async function migratePatiently(config: DatabaseConfig, timers: Timers): Promise<void> {
  const db = openDatabase(config, 'migrations')
  try {
    for (let tries = 1; ; tries++) {
      try {
        return await migrate(db)
      } catch (error) {
        if (tries === MAX_TRIES || !waitedForLock(error)) throw error
      }
      await new Promise<void>((resolve) => timers.after(PAUSE_MS, resolve))
    }
  } finally {
    await db.destroy()
  }
}

function waitedForLock(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (error as Error & { code?: unknown }).code === LOCK_TIMEOUT || waitedForLock(error.cause)
}
