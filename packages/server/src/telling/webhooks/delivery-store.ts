import type { Updateable } from 'kysely'
import { sql } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { PageRequest } from '../../ground/http/paging.ts'

export type DeliveryRow = Schema['webhook_delivery']

export function insertDeliveries(db: Connection, deliveries: readonly DeliveryRow[]) {
  return db.insertInto('webhook_delivery').values(deliveries).execute()
}

export function findDelivery(db: Connection, webhookId: string, id: string) {
  return db
    .selectFrom('webhook_delivery')
    .selectAll()
    .where('webhook_id', '=', webhookId)
    .where('id', '=', id)
    .executeTakeFirst()
}

/** Newest first. */
export function listDeliveries(
  db: Connection,
  webhookId: string,
  state: DeliveryRow['state'] | undefined,
  { after, limit }: PageRequest,
) {
  return db
    .selectFrom('webhook_delivery')
    .selectAll()
    .where('webhook_id', '=', webhookId)
    .$if(state !== undefined, (deliveries) => deliveries.where('state', '=', state ?? 'pending'))
    .$if(after !== undefined, (deliveries) => deliveries.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

/** What is due, the longest waiting first; without what is being sent, and without webhooks that have enough to do. */
export function listDue(
  db: Connection,
  now: number,
  { busyWebhookIds, sending }: { busyWebhookIds: readonly string[]; sending: readonly string[] },
  limit: number,
) {
  return db
    .selectFrom('webhook_delivery')
    .selectAll()
    .where('state', '=', 'pending')
    .where('next_attempt_at', '<=', now)
    .$if(busyWebhookIds.length > 0, (deliveries) => deliveries.where('webhook_id', 'not in', busyWebhookIds))
    .$if(sending.length > 0, (deliveries) => deliveries.where('id', 'not in', sending))
    .orderBy('next_attempt_at')
    .orderBy('id')
    .limit(limit)
    .execute()
}

/** When the next one falls due. */
export async function findNextDue(db: Connection, now: number): Promise<number | undefined> {
  const row = await db
    .selectFrom('webhook_delivery')
    .select('next_attempt_at')
    .where('state', '=', 'pending')
    .where('next_attempt_at', '>', now)
    .orderBy('next_attempt_at')
    .limit(1)
    .executeTakeFirst()
  return row?.next_attempt_at ?? undefined
}

/**
 * What was planned at a time that has yet to come waits for the rest of its own length, not until the clock is there
 * again. Said twice, it moves nothing twice.
 * @param expected what the clock would show if nobody had set it: up to there it is known how long was waited
 * @param toleranceMs so far the clocks of several servers may be apart
 */
export async function bringPlansBack(
  db: Connection,
  { now, expected, toleranceMs }: { now: number; expected: number; toleranceMs: number },
): Promise<number> {
  const ahead = sql<number>`(case when planned_at > ${expected} then planned_at else ${expected} end - ${now})`
  const result = await db
    .updateTable('webhook_delivery')
    .set({
      next_attempt_at: sql<number>`next_attempt_at - ${ahead}`,
      planned_at: sql<number>`planned_at - ${ahead}`,
    })
    .where('state', '=', 'pending')
    .where('planned_at', '>', now + toleranceMs)
    .executeTakeFirst()
  return Number(result.numUpdatedRows)
}

/** Compare-and-set: of those who saw the same row, one gets the attempt, and others may when the claim has lapsed. */
export async function claimDelivery(
  db: Connection,
  seen: Pick<DeliveryRow, 'id' | 'attempts' | 'next_attempt_at' | 'claim'>,
  claim: string,
  { now, lapsesAt }: { now: number; lapsesAt: number },
): Promise<boolean> {
  const result = await db
    .updateTable('webhook_delivery')
    .set({ claim, next_attempt_at: lapsesAt, planned_at: now, attempts: seen.attempts + 1 })
    .where('id', '=', seen.id)
    .where('state', '=', 'pending')
    .where('attempts', '=', seen.attempts)
    .where('next_attempt_at', '=', seen.next_attempt_at)
    .where('claim', seen.claim === null ? 'is' : '=', seen.claim)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** False when the claim has lapsed, and somebody else has the attempt. */
export async function finishAttempt(
  db: Connection,
  id: string,
  claim: string,
  changes: Updateable<Schema['webhook_delivery']>,
): Promise<boolean> {
  const result = await db
    .updateTable('webhook_delivery')
    .set({ ...changes, claim: null })
    .where('id', '=', id)
    .where('claim', '=', claim)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** False when an attempt is under way. */
export async function requeueDelivery(db: Connection, id: string, now: number): Promise<boolean> {
  const result = await db
    .updateTable('webhook_delivery')
    .set({ state: 'pending', attempts: 0, next_attempt_at: now, planned_at: now, finished_at: null, claim: null })
    .where('id', '=', id)
    .where((where) => where.or([where('claim', 'is', null), where('next_attempt_at', '<=', now)]))
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** At most so many. Returns how many there were. */
export async function deleteDeliveriesBefore(db: Connection, finishedAt: number, limit: number): Promise<number> {
  const result = await db
    .deleteFrom('webhook_delivery')
    .where(
      'id',
      'in',
      db.selectFrom('webhook_delivery').select('id').where('finished_at', '<', finishedAt).limit(sql.lit(limit)),
    )
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}
