import type { Timers } from '../clock.ts'
import { migrate, type SchemaChange } from './migrate.ts'
import type { Database } from './schema.ts'

/** PostgreSQL: lock_not_available, which is what waiting for longer than lock_timeout ends in, and deadlock_detected. */
const GAVE_WAY = new Set<unknown>(['55P03', '40P01'])
/** With what each try waits, some ten minutes. */
const MAX_TRIES = 300
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
  }: {
    timers: Timers
    log: MigrationLog
    maxTries?: number
    run?: (db: Database) => Promise<SchemaChange | undefined>
  },
): Promise<SchemaChange | undefined> {
  try {
    for (let tries = 1; ; tries++) {
      try {
        const change = await run(db)
        if (tries > 1) log.info({ tries }, 'the database is migrated')
        return change
      } catch (error) {
        if (tries >= maxTries || !gaveWay(error)) throw error
        if (tries === 1)
          log.warn({ err: error, maxTries }, 'the migration waits for what others hold; it is tried again')
      }
      await new Promise<void>((resolve) => timers.after(PAUSE_MS, resolve))
    }
  } finally {
    await db.destroy()
  }
}

function gaveWay(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return GAVE_WAY.has((error as Error & { code?: unknown }).code) || gaveWay(error.cause)
}
