import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { type AuditHead, FIRST_PREVIOUS_HASH, sealedText } from '@hotpatch/api'
import type { FastifyBaseLogger } from 'fastify'
import { timestamp, type CancelTimer, type Clock, type Timers } from '../../ground/clock.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import {
  countWaiting,
  deleteWaiting,
  findLastSeal,
  insertSeals,
  listUnsealed,
  listWaiting,
  lockChain,
  type SealRow,
} from './audit-seal-store.ts'
import type { AuditRow } from './audit-store.ts'
import { partsOf } from './parts-of.ts'
import { renderEntry } from './render-entry.ts'

const SEALED_AT_ONCE = 100
/** Whoever asks for the head waits for so many at most; the rest is said to be waiting. */
const SETTLED_BATCHES = 20
/** A change is committed by then, or else found when the sealer next looks. */
const SOON_MS = 200

export type AuditSealer = ReturnType<typeof createAuditSealer>

/**
 * Makes of the audit log a hash chain, behind the changes themselves: in a change's own transaction all changes would
 * wait for each other. What is committed first is sealed first; two servers take turns.
 */
export function createAuditSealer({
  db,
  clock,
  timers,
  intervalMs,
  log,
}: {
  db: Database
  clock: Clock
  timers: Timers
  intervalMs: number
  log: Pick<FastifyBaseLogger, 'error'>
}) {
  let last: Promise<unknown> = Promise.resolve()
  let isStopped = false
  let cancelTimer: CancelTimer | undefined
  let isDueSoon = false

  /** Returns how many there were: none, most of the time, and then nothing is locked. */
  function sealBatch(): Promise<number> {
    const batch = last
      .catch(() => undefined)
      .then(async () => ((await listWaiting(db, 1)).length === 0 ? 0 : db.transaction().execute(sealWaiting)))
    last = batch
    return batch
  }

  async function run(): Promise<void> {
    isDueSoon = false
    try {
      while ((await sealBatch()) > 0) {
        if (isStopped) return
        await setImmediate()
      }
    } catch (error) {
      // A stop takes the database from under it.
      if (!isStopped) log.error({ err: error }, 'audit entries could not be sealed; they are tried again')
    }
    if (!isStopped && !isDueSoon) cancelTimer = timers.after(intervalMs, () => void run())
  }

  /** There is something new, or will be when its transaction is committed. */
  function wake(): void {
    if (isDueSoon || isStopped) return
    isDueSoon = true
    cancelTimer?.()
    cancelTimer = timers.after(SOON_MS, () => void run())
  }

  /** Seals what is committed: all of it, unless much has waited. */
  async function settle(): Promise<void> {
    for (let count = 0; count < SETTLED_BATCHES && (await sealBatch()) > 0; count++) await setImmediate()
  }

  async function getHead(): Promise<AuditHead> {
    await settle()
    const seal = await findLastSeal(db)
    return {
      position: seal?.position ?? 0,
      hash: seal?.hash ?? FIRST_PREVIOUS_HASH,
      waiting: await countWaiting(db),
      at: timestamp(clock.now()),
    }
  }

  async function stop(): Promise<void> {
    isStopped = true
    cancelTimer?.()
    await last.catch(() => undefined)
  }

  return { start: () => void run(), stop, wake, settle, getHead }
}

async function sealWaiting(tx: Connection): Promise<number> {
  await lockChain(tx)
  const [part = []] = partsOf(await listWaiting(tx, SEALED_AT_ONCE))
  const ids = part.map(({ key }) => key)
  if (ids.length === 0) return 0
  const seal = await findLastSeal(tx)
  const entries = await listUnsealed(tx, ids)
  if (entries.length > 0) await insertSeals(tx, chain(seal, entries))
  await deleteWaiting(tx, ids)
  return ids.length
}

function chain(seal: SealRow | undefined, entries: readonly AuditRow[]): SealRow[] {
  let position = seal?.position ?? 0
  let hash = seal?.hash ?? FIRST_PREVIOUS_HASH
  return entries.map((row) => {
    position += 1
    const previousHash = hash
    const text = sealedText({ position, previousHash, entry: renderEntry(row) })
    hash = createHash('sha256').update(text).digest('hex')
    return { position, entry_id: row.id, previous_hash: previousHash, hash }
  })
}
