import type { FilesPort } from '@hotpatch/device-ground'
import { binaryOf, isSameBinary } from '../ground/binary.ts'
import { readJson, writeJson } from '../ground/json-file.ts'
import { readReports, type Report } from '../ground/report.ts'
import type { ServerApi } from './server-api.ts'
import type { Limits } from '../ground/settings.ts'
import type { StateStore } from '../state/state-store.ts'
import { OUTBOX } from '../state/storage-layout.ts'
import type { TellTrust } from '../state/tell-trust.ts'
import type { EngineEvent } from '../ground/engine-event.ts'

/**
 * Engine §7: reports wait in ota/outbox.json until the server accepts them. A crash between sending and forgetting
 * sends one twice, under the same event id.
 */
export function createOutbox({
  files,
  store,
  server,
  tellTrust,
  limits,
  emit,
}: {
  files: FilesPort
  store: StateStore
  server: Pick<ServerApi, 'deliver'>
  tellTrust: TellTrust
  limits: Pick<Limits, 'reports' | 'reportsAtOnce'>
  emit: (event: EngineEvent) => void
}) {
  let waiting: Report[] | undefined
  let flushing: Promise<void> | undefined
  /** Still in the metadata as well, because the disk took no more. */
  let takenOver: ReadonlySet<string> = new Set()

  async function load(): Promise<Report[]> {
    waiting ??= (await readJson(files, OUTBOX, (value) => readReports(value, ''))) ?? []
    return waiting
  }

  /** False when the disk did not take it: then it is in memory only. */
  async function save(reports: Report[]): Promise<boolean> {
    waiting = reports.slice(-limits.reports)
    return ifPossible(writeJson(files, OUTBOX, waiting))
  }

  /** For a disk that takes no more: told if the process lives long enough, and if the disk can at least be read. */
  async function keepInMemory(report: Report): Promise<void> {
    const keep = async () => {
      waiting = [...(await load()), report].slice(-limits.reports)
    }
    await ifPossible(keep())
  }

  async function takeOver(): Promise<void> {
    const fresh = store.current().unreported
    if (fresh.length === 0) return
    const known = new Set([...takenOver, ...(await load()).map((report) => report.eventId)])
    const isSaved = await save([...(await load()), ...fresh.filter((report) => !known.has(report.eventId))])
    const taken = new Set(fresh.map((report) => report.eventId))
    takenOver = taken
    // Else they stay where they are, for the next process.
    if (!isSaved) return
    await ifPossible(
      store.commit((state) => ({
        ...state,
        unreported: state.unreported.filter((report) => !taken.has(report.eventId)),
      })),
    )
  }

  async function deliver(): Promise<void> {
    await takeOver()
    let atOnce = limits.reportsAtOnce
    for (;;) {
      const batch = firstBatch(await load(), atOnce)
      if (batch.length === 0) return
      const delivery = await server.deliver(batch, await tellTrust())
      if (delivery.kind === 'later') return
      if (delivery.kind === 'settled') {
        await settle(delivery.eventIds, delivery.dropped)
      } else if (batch.length > 1) {
        // One report that the server will never take must not stand in the way of the others: look for it by halves.
        atOnce = batch.length >> 1
      } else {
        const { reason } = delivery
        const eventIds = batch.map(({ eventId }) => eventId)
        await settle(
          eventIds,
          eventIds.map((eventId) => ({ eventId, reason })),
        )
      }
    }
  }

  async function settle(
    eventIds: readonly string[],
    dropped: readonly { eventId: string; reason: string }[],
  ): Promise<void> {
    const reports = await load()
    await save(reports.filter(({ eventId }) => !eventIds.includes(eventId)))
    for (const { eventId, reason } of dropped) {
      const report = reports.find((candidate) => candidate.eventId === eventId)
      if (report) emit({ type: 'report-dropped', report, reason })
    }
  }

  /** Sends what it can; what it cannot waits. Never rejects. */
  function flush(): Promise<void> {
    flushing ??= ifPossible(deliver()).then(() => {
      flushing = undefined
    })
    return flushing
  }

  return { flush, keepInMemory }
}

/** From the oldest on: as many as fit, of one app binary, which a request names once. */
function firstBatch(reports: readonly Report[], atOnce: number): Report[] {
  const [oldest] = reports
  const first = reports.slice(0, atOnce)
  const end = first.findIndex((report) => oldest && !isSameBinary(binaryOf(report), binaryOf(oldest)))
  return end === -1 ? first : first.slice(0, end)
}

/** What is not written down now is written down, and sent, again later: the event id makes that harmless. */
function ifPossible(work: Promise<void>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  )
}
