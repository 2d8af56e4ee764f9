import type { SdkCode } from '@hotpatch/protocol'
import { type AllowInsecure, retryAfter, within } from '@hotpatch/device-ground'
import { joinAddress, isAllowedAddress } from '../decision/addresses.ts'
import type { Host, HttpAnswer } from '../ground/ports.ts'
import type { HotPatchConnection, Limits } from '../ground/settings.ts'
import type { Memory, WaitingEvent } from '../memory/memory.ts'

export interface NewEvent {
  kind: WaitingEvent['kind']
  version: string
  code?: SdkCode
  detail?: string
}

const ANSWER_BYTES = 64 * 1024
const MAX_DETAIL = 200

/**
 * Tells the HotPatch server how updates went (Events §2), when the app is connected to one. What it does not take waits
 * for the next check, under the same id, so that nothing counts twice.
 */
export function createReporter(
  { http, clock, newId }: Pick<Host, 'http' | 'clock' | 'newId'>,
  memory: Memory,
  { hotPatch, limits, allowInsecure, deviceId }: ReporterSettings,
) {
  let flushing: Promise<void> | undefined
  let notBefore = -Infinity

  /** For directory mode: nothing is even written down. */
  function note({ detail, ...event }: NewEvent): void {
    if (!hotPatch) return
    const short = detail === undefined ? {} : { detail: detail.slice(0, MAX_DETAIL) }
    const waiting = { id: newId(), ...event, ...short, occurredAt: clock.now() }
    void memory.change({ events: [...memory.current().events, waiting].slice(-limits.events) })
  }

  /** Sends what it can. Never rejects. */
  function flush(serverUrl: string, nativeVersion: string): Promise<void> {
    flushing ??= deliver(serverUrl, nativeVersion)
      .catch(() => undefined) // no network: they wait
      .finally(() => {
        flushing = undefined
      })
    return flushing
  }

  async function deliver(serverUrl: string, nativeVersion: string): Promise<void> {
    const url = joinAddress(serverUrl, '/events')
    if (!hotPatch || url === undefined || !isAllowedAddress(url, serverUrl, allowInsecure)) return
    let atOnce = limits.eventsAtOnce
    // Each turn takes events away, or halves: it ends.
    while (memory.current().events.length > 0 && clock.elapsed() >= notBefore) {
      const batch = memory.current().events.slice(0, atOnce)
      const answer = await post(url, hotPatch, { nativeVersion, batch })
      if (isToWait(answer)) return
      const isTaken = answer.status >= 200 && answer.status < 300
      // One event that the server will never take must not stand in the way of the others.
      if (!isTaken && batch.length > 1) atOnce = batch.length >> 1
      else await forget(batch)
    }
  }

  async function post(
    url: string,
    { appKey, platform, channel }: HotPatchConnection,
    { nativeVersion, batch }: { nativeVersion: string; batch: readonly WaitingEvent[] },
  ): Promise<HttpAnswer> {
    const body = JSON.stringify({
      // Events without one are refused: then they wait.
      deviceId: await deviceId(),
      platform,
      ...(channel !== undefined && { channel }),
      nativeVersion,
      sentAt: clock.now(),
      events: batch,
    })
    const headers = { 'content-type': 'application/json', ...(appKey !== undefined && { 'x-app-key': appKey }) }
    const abort = new AbortController()
    return within(
      clock,
      { ms: limits.manifestTimeoutMs, what: 'the answer of the server', abort: () => abort.abort() },
      http.send({ method: 'POST', url, headers, body, maxBytes: ANSWER_BYTES, signal: abort.signal }),
    )
  }

  function isToWait(answer: HttpAnswer): boolean {
    if (answer.status === 429 || answer.status === 503) {
      notBefore = clock.elapsed() + (retryAfter(answer.headers, clock.now(), limits.retryAfterMaxMs) ?? 0)
    }
    // The key may be mended on the server; a redirect is somebody in between.
    const isRefusal = answer.status >= 400 && answer.status < 500 && ![401, 403, 404, 408, 429].includes(answer.status)
    return !isRefusal && !(answer.status >= 200 && answer.status < 300)
  }

  function forget(batch: readonly WaitingEvent[]): Promise<void> {
    const ids = new Set(batch.map(({ id }) => id))
    return memory.change({ events: memory.current().events.filter(({ id }) => !ids.has(id)) })
  }

  return { note, flush }
}

interface ReporterSettings {
  deviceId: () => Promise<string>
  hotPatch: HotPatchConnection | undefined
  limits: Limits
  allowInsecure: AllowInsecure
}
