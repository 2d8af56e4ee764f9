import {
  exchangeSmall,
  isAllowedAddress,
  joinAddress,
  retryAfter,
  type AllowInsecure,
  type ClockPort,
  type CryptoPort,
  type FilesPort,
  type HttpPort,
  type SmallAnswer,
} from '@hotpatch/device-ground'
import { textFromUtf8 } from '@hotpatch/protocol'
import { OUTBOX_FILE, readKitFile, writeKitFile } from '../ground/kit-files.ts'
import type { InstallationSource } from '../installation/installation.ts'
import { eventIdOf, readReports, reportedCode, shortDetail, type KitReport, type NewKitReport } from './kit-report.ts'

export interface OutboxPorts {
  disk: FilesPort
  http: Pick<HttpPort, 'open'>
  clock: ClockPort
  crypto: Pick<CryptoPort, 'sha256'>
  allowInsecure: AllowInsecure
}

/** Who reports, as checks tell it, too. */
export interface Reporter {
  /** Undefined: nobody is told, and nothing is kept. */
  source: InstallationSource | undefined
  installId: string
  installerVersion: string
  platform: string
  architecture: string
  channel: string
}

/** Kits §9: bounds. */
export const OUTBOX_LIMITS = {
  reports: 500,
  atOnce: 100,
  requestTimeoutMs: 15_000,
  /** Of all requests of one flush: whoever applies waits for it at the end. */
  flushMs: 60_000,
  answerBytes: 64 * 1024,
  patienceMs: 86_400_000,
}

/** What became of it: for logs. */
export interface Flushed {
  sent: number
  /** That the server will never take, with its reasons. */
  dropped: readonly string[]
  waiting: number
}

/**
 * Kits §9: reports wait in a file until the server has taken them, from the oldest on. Nothing fails because of one that
 * cannot be kept, or sent.
 */
export function createOutbox({ disk, http, clock, crypto, allowInsecure }: OutboxPorts, reporter: Reporter) {
  let notBefore = -Infinity

  async function load(): Promise<KitReport[]> {
    // Reports are worth less than an update: a damaged outbox begins anew.
    return (await readKitFile(disk, OUTBOX_FILE, readReports).catch(() => undefined)) ?? []
  }

  async function save(reports: readonly KitReport[]): Promise<void> {
    await writeKitFile(disk, OUTBOX_FILE, reports.slice(-OUTBOX_LIMITS.reports))
  }

  /** Durable when it resolves, if the disk takes it. Each once, however often it is added while it waits. */
  async function add(...reports: readonly NewKitReport[]): Promise<void> {
    if (reporter.source === undefined) return
    try {
      const waiting = await load()
      const occurredAt = new Date(clock.now()).toISOString()
      const added = await Promise.all(reports.map((report) => completed(report, occurredAt)))
      const known = new Set(waiting.map(({ id }) => id))
      const fresh = added.filter(({ id }) => !known.has(id))
      if (fresh.length > 0) await save([...waiting, ...fresh])
    } catch {
      // A full disk, above all: an apply must be able to go on, or back.
    }
  }

  async function completed(
    { transaction, code, detail, ...report }: NewKitReport,
    occurredAt: string,
  ): Promise<KitReport> {
    return {
      id: await eventIdOf(crypto, { transaction, ...report }),
      ...report,
      ...(code !== undefined && { code: reportedCode(code) }),
      ...(detail !== undefined && { detail: shortDetail(detail) }),
      occurredAt,
    }
  }

  /** Sends what it can; what it cannot waits. Never rejects. */
  async function flush(): Promise<Flushed> {
    const dropped: string[] = []
    let sent = 0
    try {
      let atOnce = OUTBOX_LIMITS.atOnce
      const deadline = clock.elapsed() + OUTBOX_LIMITS.flushMs
      while (clock.elapsed() < deadline) {
        const batch = (await load()).slice(0, atOnce)
        if (batch.length === 0) break
        const answer = await send(batch)
        if (answer === undefined) break
        if (answer.kind === 'refused' && batch.length > 1) {
          // One that is never taken must not stand in the way of the others: it is looked for by halves.
          atOnce = batch.length >> 1
          continue
        }
        dropped.push(...(answer.kind === 'refused' ? [answer.reason] : answer.rejected))
        sent += answer.kind === 'taken' ? batch.length - answer.rejected.length : 0
        const gone = new Set(batch.map(({ id }) => id))
        await save((await load()).filter(({ id }) => !gone.has(id)))
      }
    } catch {
      // No network, or a disk that takes no more: the ids make it harmless to send them again.
    }
    return { sent, dropped, waiting: (await load()).length }
  }

  /** Undefined: they wait. */
  async function send(batch: readonly KitReport[]): Promise<Sent | undefined> {
    const { source } = reporter
    const url = source && joinAddress(source.url, '/events')
    if (source === undefined || url === undefined || !isAllowedAddress(url, allowInsecure)) return undefined
    if (clock.elapsed() < notBefore) return undefined
    const headers = {
      ...(source.appKey !== undefined && { 'x-app-key': source.appKey }),
      'content-type': 'application/json',
      accept: 'application/json',
    }
    const body = JSON.stringify(bodyOf(batch, source))
    const bounds = { maxBytes: OUTBOX_LIMITS.answerBytes, timeoutMs: OUTBOX_LIMITS.requestTimeoutMs }
    const answer = await exchangeSmall({ http, clock }, { method: 'POST', url, headers, body }, bounds)
    const { status } = answer
    if (status >= 200 && status < 300) return { kind: 'taken', rejected: rejectedOf(answer) }
    if (status === 429 || status === 503) {
      notBefore = clock.elapsed() + (retryAfter(answer.headers, clock.now(), OUTBOX_LIMITS.patienceMs) ?? 0)
    }
    // A key, or an address, may be mended.
    const isForLater = status < 400 || status >= 500 || [401, 403, 404, 408, 429].includes(status)
    return isForLater ? undefined : { kind: 'refused', reason: `the server answered ${status}` }
  }

  function bodyOf(batch: readonly KitReport[], { appId }: InstallationSource) {
    const { installId, installerVersion, platform, architecture, channel } = reporter
    return {
      appId,
      deviceId: installId,
      platform,
      channel,
      architecture,
      nativeVersion: installerVersion,
      sentAt: new Date(clock.now()).toISOString(),
      events: batch.map(({ releaseId, ...event }) => ({ ...event, version: releaseId })),
    }
  }

  return { add, flush }
}

export type Outbox = ReturnType<typeof createOutbox>

type Sent = { kind: 'taken'; rejected: readonly string[] } | { kind: 'refused'; reason: string }

function rejectedOf({ body }: SmallAnswer): string[] {
  try {
    const { rejected } = JSON.parse(textFromUtf8(body) ?? '') as { rejected?: unknown }
    return Array.isArray(rejected) ? rejected.map((each) => shortDetail(JSON.stringify(each))) : []
  } catch {
    // It was taken: what it says of it is for logs alone.
    return []
  }
}
