import type { Timers } from '../clock.ts'
import { migrate } from './migrate.ts'
import type { Database } from './schema.ts'

/** PostgreSQL: lock_not_available, which is what waiting for longer than lock_timeout ends in. */
const LOCK_TIMEOUT = '55P03'
/** With what each try waits, some ten minutes. */
const MAX_TRIES = 150
const PAUSE_MS = 1_000

export type MigrationLog = Record<'warn' | 'info', (fields: object, text: string) => void>

/**
 * Migrates over a connection of its own, on which a statement may take as long as it takes. What others hold is waited
 * for a short time, again and again: whoever comes after a migration that waits for a table waits, too.
 */
export async function migratePatiently(
  db: Database,
  {
    timers,
    log,
    maxTries = MAX_TRIES,
    run = migrate,
  }: { timers: Timers; log: MigrationLog; maxTries?: number; run?: (db: Database) => Promise<void> },
): Promise<void> {
  try {
    for (let tries = 1; ; tries++) {
      try {
        await run(db)
        if (tries > 1) log.info({ tries }, 'the database is migrated')
        return
      } catch (error) {
        if (!waitedForLock(error)) throw error
        if (tries >= maxTries) throw error
        if (tries === 1)
          log.warn({ err: error, maxTries }, 'the migration waits for what others hold; it is tried again')
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
