import { createHash } from 'node:crypto'
import { DAY_MS, MINUTE_MS, SECOND_MS, type Clock } from '../../../ground/clock.ts'
import type { Connection, Database } from '../../../ground/database/schema.ts'

/** What is counted: an account, one browser of somebody who has signed in with it before, or an address. */
export type Counted = { account: string } | { browser: string } | { address: string }

/** How often one may be wrong before the first pause. */
const FREE = { account: 5, browser: 5, address: 20 } as const
const FIRST_PAUSE_MS = 30 * SECOND_MS
export const LONGEST_PAUSE_MS = 15 * MINUTE_MS
const FORGOTTEN_AFTER_MS = DAY_MS

export type SignInAttempts = ReturnType<typeof createSignInAttempts>

/**
 * Pauses that grow after repeated failures. An attempt counts before it is looked at, and is taken back when it was
 * right: so many at once are so many attempts. Kept in the database: no restart and no other server gives new ones.
 */
export function createSignInAttempts({ db, clock }: { db: Database; clock: Clock }) {
  /** False while one of them has to pause: then nothing counts. */
  async function begin(counted: readonly Counted[]): Promise<boolean> {
    return db.transaction().execute(async (tx) => {
      const isFree = await Promise.all(counted.map((one) => isOpen(tx, one)))
      if (isFree.includes(false)) return false
      // In one order, so that two do not wait for each other.
      for (const one of [...counted].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
        if (!(await count(tx, one))) return false
      }
      return true
    })
  }

  async function isOpen(tx: Connection, one: Counted): Promise<boolean> {
    const row = await tx
      .selectFrom('sign_in_failure')
      .select('locked_until')
      .where('counted_for', '=', keyOf(one))
      .executeTakeFirst()
    return (row?.locked_until ?? 0) <= clock.now()
  }

  async function count(tx: Connection, one: Counted): Promise<boolean> {
    const now = clock.now()
    const key = keyOf(one)
    await tx
      .insertInto('sign_in_failure')
      .values({ counted_for: key, failures: 0, failed_at: now, locked_until: 0 })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    const row = await tx
      .updateTable('sign_in_failure')
      .set((set) => ({
        failures: set
          .case()
          .when('failed_at', '<', now - FORGOTTEN_AFTER_MS)
          .then(1)
          .else(set('failures', '+', 1))
          .end(),
        failed_at: now,
      }))
      .where('counted_for', '=', key)
      .where('locked_until', '<=', now)
      .returning('failures')
      .executeTakeFirst()
    if (!row) return false
    const lockedUntil = now + pauseAfter(row.failures, freeOf(one))
    await tx.updateTable('sign_in_failure').set({ locked_until: lockedUntil }).where('counted_for', '=', key).execute()
    return true
  }

  /** It was right. Of an address only this attempt is taken back: else one good account would pay for all others. */
  async function succeeded(counted: readonly Counted[]): Promise<void> {
    for (const one of counted) {
      const key = keyOf(one)
      if ('address' in one) {
        await db
          .updateTable('sign_in_failure')
          .set((set) => ({ failures: set('failures', '-', 1), locked_until: 0 }))
          .where('counted_for', '=', key)
          .where('failures', '>', 0)
          .execute()
      } else {
        await db.deleteFrom('sign_in_failure').where('counted_for', '=', key).execute()
      }
    }
  }

  /** Of an account whose password is new. */
  async function forget(tx: Connection, one: Counted): Promise<void> {
    await tx.deleteFrom('sign_in_failure').where('counted_for', '=', keyOf(one)).execute()
  }

  async function sweep(): Promise<void> {
    await db
      .deleteFrom('sign_in_failure')
      .where('failed_at', '<', clock.now() - FORGOTTEN_AFTER_MS)
      .execute()
  }

  return { begin, succeeded, forget, sweep }
}

function pauseAfter(failures: number, free: number): number {
  if (failures < free) return 0
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures - free, 20), LONGEST_PAUSE_MS)
}

function freeOf(one: Counted): number {
  if ('account' in one) return FREE.account
  return 'browser' in one ? FREE.browser : FREE.address
}

/** Also of accounts that nobody has; and the table tells nobody who was tried. */
function keyOf(one: Counted): string {
  const [[kind, value]] = Object.entries(one) as [[string, string]]
  return createHash('sha256').update(`${kind}\0${value}`).digest('base64url')
}
