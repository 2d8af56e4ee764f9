import type { WebhookAttempt } from '@hotpatch/api'
import { Problem } from '@hotpatch/protocol'
import type { FastifyBaseLogger } from 'fastify'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { SERVER } from '../../people/authors/author.ts'
import { type Clock, DAY_MS, elapsedOn, HOUR_MS, type Timers, timestamp } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { SecretBox } from '../../ground/secrets/secret-box.ts'
import { finishAttempt, type DeliveryRow } from './delivery-store.ts'
import { readLog, TEST_TYPE } from './delivery.ts'
import type { AddressRules } from '../../ground/outgoing/address-rules.ts'
import type { RunningSpan, Traces } from '../../ground/traces/traces.ts'
import { delayAfter, readRetryAfter } from './sending/retry-schedule.ts'
import { sendRequest } from './sending/send-request.ts'
import { openSecrets, signedHeaders } from './sending/signature.ts'
import { findWebhook, lockWebhook, updateWebhook, type WebhookRow } from './webhook-store.ts'
import { renderWebhook } from './webhook.ts'

const TIMEOUT_MS = 15_000
const DISABLED_AFTER_MS = 5 * DAY_MS
/** Failures further apart are not one: longer than the longest wait between two attempts. */
const FAILING_GAP_MS = 36 * HOUR_MS
const MAX_LOGGED_ATTEMPTS = 20
const MAX_QUOTED_LENGTH = 200
const GONE = 410

export type ClaimedDelivery = DeliveryRow & { claim: string }

/** What came of an attempt. */
interface Outcome {
  kind: 'delivered' | 'failed' | 'gone' | 'interrupted'
  status: number | null
  error: string | null
  retryAfterMs?: number | undefined
}

/** One attempt to deliver: sign, send, write what came of it. */
export function createDeliveryAttempt({
  db,
  audit,
  box,
  addresses,
  clock,
  timers,
  random,
  stopping,
  traces,
  log,
}: {
  db: Database
  audit: AuditService
  box: SecretBox
  addresses: AddressRules
  clock: Clock
  timers: Timers
  random: () => number
  /** Aborted when there is no time left to wait for answers. */
  stopping: AbortController
  traces: Pick<Traces, 'run'>
  log: Pick<FastifyBaseLogger, 'warn'>
}) {
  /** @throws when it could not be written: the claim lapses, and somebody sends it again */
  return function performAttempt(delivery: ClaimedDelivery): Promise<void> {
    const attributes = {
      'hotpatch.webhook.id': delivery.webhook_id,
      'hotpatch.webhook.type': delivery.type,
      'hotpatch.webhook.attempt': delivery.attempts,
    }
    return traces.run({ name: 'webhook delivery', attributes }, (span) => perform(delivery, span))
  }

  async function perform(delivery: ClaimedDelivery, span: RunningSpan): Promise<void> {
    const webhook = await findWebhook(db, delivery.webhook_id)
    // It was deleted, and this with it.
    if (!webhook) return
    const isTest = delivery.type === TEST_TYPE
    const [at, startedAt] = [clock.now(), elapsedOn(clock)]
    const isOff = webhook.is_enabled === 0 && !isTest
    const outcome = isOff ? DISABLED : await send(webhook, delivery, span)
    sayOutcome(span, outcome)
    const attempt = {
      at: timestamp(at),
      status: outcome.status,
      error: outcome.error,
      durationMs: Math.round(elapsedOn(clock) - startedAt),
    }
    const plannedAt = clock.now()
    const delayMs = isTest || isOff ? null : delayOf(delivery, outcome)
    const isMine = await finishAttempt(
      db,
      delivery.id,
      delivery.claim,
      changesOf(delivery, outcome, attempt, { plannedAt, delayMs }),
    )
    if (isMine && !isTest && !isOff) await noteHealth(webhook.id, outcome)
  }

  async function send(webhook: WebhookRow, delivery: ClaimedDelivery, span: RunningSpan): Promise<Outcome> {
    const timeout = new AbortController()
    const cancel = timers.after(TIMEOUT_MS, () => timeout.abort())
    const signal = AbortSignal.any([timeout.signal, stopping.signal])
    try {
      const address = await abortable(addresses.check(webhook.url), signal)
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'HotPatch',
        ...(span.traceparent !== undefined && { traceparent: span.traceparent }),
        ...signedHeaders(await openSecrets(box, webhook), {
          messageId: delivery.announcement_id,
          body: delivery.payload,
          now: clock.now(),
        }),
      }
      const answer = await sendRequest(address, { headers, body: delivery.payload, signal })
      return outcomeOf(answer.status, answer.text, readRetryAfter(answer.retryAfter, clock.now()))
    } catch (error) {
      if (stopping.signal.aborted) return { kind: 'interrupted', status: null, error: 'The server stopped.' }
      if (timeout.signal.aborted) return noAnswer(`No answer within ${TIMEOUT_MS / 1000} s.`)
      return noAnswer(describeFailure(error))
    } finally {
      cancel()
    }
  }

  /** Null when there is no next attempt. */
  function delayOf(delivery: ClaimedDelivery, { kind, retryAfterMs }: Outcome): number | null {
    if (kind === 'interrupted') return 0
    return kind === 'failed' ? (delayAfter(delivery.attempts, random(), retryAfterMs) ?? null) : null
  }

  function changesOf(
    delivery: ClaimedDelivery,
    { kind, status, error }: Outcome,
    attempt: WebhookAttempt,
    { plannedAt, delayMs }: { plannedAt: number; delayMs: number | null },
  ): Partial<DeliveryRow> {
    const isOver = delayMs === null
    return {
      state: kind === 'delivered' ? 'delivered' : isOver ? 'failed' : 'pending',
      next_attempt_at: isOver ? null : plannedAt + delayMs,
      planned_at: plannedAt,
      // What this server cut off is not the receiver's fault.
      attempts: kind === 'interrupted' ? delivery.attempts - 1 : delivery.attempts,
      last_status: status,
      last_error: error,
      duration_ms: attempt.durationMs,
      log: JSON.stringify([...readLog(delivery), attempt].slice(-MAX_LOGGED_ATTEMPTS)),
      finished_at: isOver ? plannedAt : null,
    }
  }

  /** Remembers since when nothing arrives, and disables who is gone, or has failed for too long. */
  async function noteHealth(id: string, { kind }: Outcome): Promise<void> {
    if (kind === 'interrupted') return
    const now = clock.now()
    await db.transaction().execute(async (tx) => {
      await lockWebhook(tx, id)
      const before = await findWebhook(tx, id)
      if (!before || before.is_enabled === 0) return
      if (kind === 'delivered') {
        if (before.failing_since !== null) await updateWebhook(tx, id, { failing_since: null, last_failed_at: null })
        return
      }
      const failingSince = isOneFailure(before, now) ? (before.failing_since ?? now) : now
      const reason = whyDisabled(kind, failingSince, now)
      const changes = {
        failing_since: failingSince,
        last_failed_at: now,
        ...(reason !== null && { is_enabled: 0, disabled_reason: reason, updated_at: now }),
      }
      await updateWebhook(tx, id, changes)
      if (reason === null) return
      await audit.record(tx, SERVER, {
        action: 'webhook.disabled',
        subject: ['webhook', id],
        appId: before.app_id,
        before: renderWebhook(before),
        after: renderWebhook({ ...before, ...changes }),
      })
      log.warn({ webhookId: id, reason }, 'a webhook was disabled')
    })
  }
}

/** Not what the receiver says, nor where it is: an address may hold a secret. */
function sayOutcome(span: RunningSpan, { kind, status }: Outcome): void {
  span.add({ 'hotpatch.webhook.outcome': kind, ...(status !== null && { 'http.response.status_code': status }) })
  if (kind !== 'delivered') span.fail(kind)
}

const DISABLED: Outcome = { kind: 'failed', status: null, error: 'The webhook is disabled.' }

function outcomeOf(status: number, text: string, retryAfterMs: number | undefined): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered', status, error: null }
  const isRedirect = status >= 300 && status < 400
  const said = isRedirect ? ' Redirects are not followed.' : quote(text)
  return { kind: status === GONE ? 'gone' : 'failed', status, error: `It answered ${status}.${said}`, retryAfterMs }
}

/**
 * The beginning of an answer, so that people see what a receiver complains about; without the secret, if it repeats it.
 */
function quote(text: string): string {
  const shown = text
    .replace(/whsec_[\w+/=-]*/g, 'whsec_…')
    // oxlint-disable-next-line eslint/no-control-regex -- these are the characters to take out
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim()
    .slice(0, MAX_QUOTED_LENGTH)
  return shown === '' ? '' : ` It said: ${shown}`
}

function noAnswer(error: string): Outcome {
  return { kind: 'failed', status: null, error }
}

function describeFailure(error: unknown): string {
  if (error instanceof Problem) return error.message
  // Of several addresses that were tried, each has its own error.
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error]
  return first instanceof Error ? `No answer: ${first.message}` : 'No answer.'
}

function isOneFailure({ last_failed_at: lastFailedAt }: WebhookRow, now: number): boolean {
  return lastFailedAt !== null && now - lastFailedAt <= FAILING_GAP_MS
}

function whyDisabled(kind: Outcome['kind'], failingSince: number, now: number): string | null {
  if (kind === 'gone') return 'The receiver answered 410: it is gone.'
  return now - failingSince >= DISABLED_AFTER_MS ? 'Nothing has arrived for five days.' : null
}

/** What cannot be aborted itself, such as asking for the addresses of a name, is not waited for any longer. */
function abortable<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const aborted = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => aborted.reject(signal.reason), { once: true })
  return Promise.race([work, aborted.promise])
}
