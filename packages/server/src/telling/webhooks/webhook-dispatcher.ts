import type { FastifyBaseLogger } from 'fastify'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { type CancelTimer, type Clock, elapsedOn, MINUTE_MS, type Timers } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { SecretBox } from '../../ground/secrets/secret-box.ts'
import { bringPlansBack, claimDelivery, findNextDue, listDue, type DeliveryRow } from './delivery-store.ts'
import { createDeliveryAttempt, type ClaimedDelivery } from './delivery-attempt.ts'
import type { AddressRules } from '../../ground/outgoing/address-rules.ts'
import type { Traces } from '../../ground/traces/traces.ts'

/**
 * Longer than an attempt can take: whoever holds a claim for longer has died. Servers whose clocks are further apart
 * than this would take each other's claims for lapsed, so what is further ahead was planned before a clock was set back.
 */
const CLAIM_MS = MINUTE_MS
/** So far the two clocks of a machine may run apart between two looks. */
const JITTER_MS = 1_000
const MAX_PARALLEL = 20
/** One slow receiver takes so many places at most: the others are for the others. */
const MAX_PARALLEL_PER_WEBHOOK = 4
/** What is under way when the server stops may come to its end for so long; then it is cut off, and sent again. */
const STOP_MS = 5_000

export type WebhookDispatcher = ReturnType<typeof createWebhookDispatcher>

/**
 * Sends what is due. The rows are the queue: nothing is lost when a server stops, and of several servers one has each
 * attempt. A receiver may get a message twice (an answer that was lost), never with another id.
 */
export function createWebhookDispatcher({
  db,
  audit,
  box,
  addresses,
  clock,
  timers,
  newId,
  random,
  intervalMs,
  traces,
  log,
}: {
  db: Database
  audit: AuditService
  box: SecretBox
  addresses: AddressRules
  clock: Clock
  timers: Timers
  newId: () => string
  /** From 0 to 1. */
  random: () => number
  /** How often to look for what nobody told of. */
  intervalMs: number
  traces: Pick<Traces, 'run'>
  log: Pick<FastifyBaseLogger, 'error' | 'warn'>
}) {
  const stopping = new AbortController()
  const time = { clock, timers }
  const performAttempt = createDeliveryAttempt({ db, audit, box, addresses, ...time, random, stopping, traces, log })
  const inFlight = new Map<Promise<void>, Pick<DeliveryRow, 'id' | 'webhook_id'>>()
  /** By hand, and besides what is due. */
  const tests = new Set<Promise<void>>()
  let running: Promise<void> | undefined
  let isAskedAgain = false
  let isStopped = false
  let cancelTimer: CancelTimer | undefined
  /** Both clocks as they were at the last look: one of them nobody sets. */
  let lastLook = { at: clock.now(), elapsed: elapsedOn(clock) }
  /** On the clock that nobody sets: when plans were looked at last. */
  let broughtBackAt = -Infinity

  /** To be called when something may be due. */
  function wake(): void {
    if (isStopped) return
    isAskedAgain = running !== undefined
    running ??= startDue()
      .catch((error: unknown) => {
        log.error({ err: error }, 'the webhooks that are due could not be read; they are tried again')
        wakeAfter(intervalMs)
      })
      .finally(() => {
        running = undefined
        if (isAskedAgain) wake()
      })
  }

  async function startDue(): Promise<void> {
    cancelTimer?.()
    // One time for all: what falls due meanwhile is the next round's, not nobody's.
    const now = await lookAtClocks()
    for (;;) {
      const room = MAX_PARALLEL - inFlight.size
      // The end of an attempt wakes this again.
      if (room <= 0) return
      // A clock that is set forward ends claims early. What this server is sending is not sent a second time for that.
      const sending = [...inFlight.values()].map(({ id }) => id)
      const due = await listDue(db, now, { busyWebhookIds: busyWebhookIds(), sending }, room)
      if (due.length === 0 || isStopped) break
      for (const delivery of due) await startOne(delivery)
    }
    const next = await findNextDue(db, now)
    wakeAfter(next === undefined ? intervalMs : Math.min(next - clock.now(), intervalMs))
  }

  /** What it is now. Nothing waits longer for a clock that was set back. */
  async function lookAtClocks(): Promise<number> {
    const [now, elapsed] = [clock.now(), elapsedOn(clock)]
    const expected = Math.max(now, Math.round(lastLook.at + (elapsed - lastLook.elapsed)))
    // Besides, for what others planned, before this server started too.
    if (expected - now > JITTER_MS || elapsed - broughtBackAt >= intervalMs) {
      const moved = await bringPlansBack(db, { now, expected, toleranceMs: CLAIM_MS })
      if (moved > 0) log.warn({ deliveries: moved }, 'the clock was set back; webhooks wait no longer for that')
      broughtBackAt = elapsed
    }
    // Not before it is written: else a database that fails would make it forget how long was waited.
    lastLook = { at: now, elapsed }
    return now
  }

  async function startOne(delivery: DeliveryRow): Promise<void> {
    // Those before it on this list may be for the same webhook.
    if (isStopped || busyWebhookIds().includes(delivery.webhook_id)) return
    const claimed = claimedBySelf(delivery)
    const times = { now: claimed.planned_at, lapsesAt: claimed.next_attempt_at }
    if (!(await claimDelivery(db, delivery, claimed.claim, times))) return
    void attempt(claimed)
  }

  /** The row as it is once the attempt is this server's. */
  function claimedBySelf(delivery: DeliveryRow) {
    const now = clock.now()
    return {
      ...delivery,
      claim: newId(),
      next_attempt_at: now + CLAIM_MS,
      planned_at: now,
      attempts: delivery.attempts + 1,
    }
  }

  /** Sends what is claimed, and writes what came of it. Never rejects. */
  async function attempt(claimed: ClaimedDelivery): Promise<void> {
    const work = perform(claimed)
    inFlight.set(work, claimed)
    await work
    inFlight.delete(work)
    wake()
  }

  /** As `attempt`, of what was not due: it takes no place of what is. */
  async function attemptTest(claimed: ClaimedDelivery): Promise<void> {
    const work = perform(claimed)
    tests.add(work)
    await work
    tests.delete(work)
  }

  function perform(claimed: ClaimedDelivery): Promise<void> {
    return performAttempt(claimed).catch((error: unknown) => {
      log.error({ err: error, deliveryId: claimed.id }, 'what came of a webhook could not be written; it is sent again')
    })
  }

  function busyWebhookIds(): string[] {
    const counts = new Map<string, number>()
    for (const { webhook_id: id } of inFlight.values()) counts.set(id, (counts.get(id) ?? 0) + 1)
    return [...counts].filter(([, count]) => count >= MAX_PARALLEL_PER_WEBHOOK).map(([id]) => id)
  }

  function wakeAfter(delayMs: number): void {
    cancelTimer?.()
    if (!isStopped) cancelTimer = timers.after(Math.max(delayMs, 0), wake)
  }

  async function stop(): Promise<void> {
    isStopped = true
    cancelTimer?.()
    await running
    const cancel = timers.after(STOP_MS, () => stopping.abort())
    await Promise.all([...inFlight.keys(), ...tests])
    cancel()
  }

  return { wake, claimedBySelf, attemptTest, stop, inFlight: () => inFlight.size + tests.size }
}
