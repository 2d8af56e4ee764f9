import { readArray } from '@hotpatch/protocol'
import { readJson, writeJson } from './json-file.ts'
import type { FilesPort } from './ports.ts'
import { readReport, type Report } from './report.ts'
import type { ServerApi } from './server-api.ts'
import type { Limits } from './settings.ts'
import type { StateStore } from './state-store.ts'
import { OUTBOX } from './storage-layout.ts'

const MANY = 10_000

/**
 * Engine §7: reports wait in ota/outbox.json until the server accepts them. A crash between sending and forgetting
 * sends one twice, under the same event id.
 */
export function createOutbox({
  files,
  store,
  server,
  limits,
}: {
  files: FilesPort
  store: StateStore
  server: Pick<ServerApi, 'report'>
  limits: Pick<Limits, 'reports'>
}) {
  let waiting: Report[] | undefined
  let flushing: Promise<void> | undefined

  async function load(): Promise<Report[]> {
    waiting ??= (await readJson(files, OUTBOX, (value) => readArray(value, '', MANY).map(readReport))) ?? []
    return waiting
  }

  async function save(reports: Report[]): Promise<void> {
    waiting = reports.slice(-limits.reports)
    await ifPossible(writeJson(files, OUTBOX, waiting))
  }

  /** For a disk that takes no more: told if the process lives long enough, and if the disk can at least be read. */
  function keepInMemory(report: Report): Promise<void> {
    const keep = async () => {
      waiting = [...(await load()), report].slice(-limits.reports)
    }
    return ifPossible(keep())
  }

  async function takeOver(): Promise<void> {
    const fresh = store.current().unreported
    if (fresh.length === 0) return
    const known = new Set((await load()).map((report) => report.eventId))
    await save([...(await load()), ...fresh.filter((report) => !known.has(report.eventId))])
    const taken = new Set(fresh.map((report) => report.eventId))
    await ifPossible(
      store.commit((state) => ({
        ...state,
        unreported: state.unreported.filter((report) => !taken.has(report.eventId)),
      })),
    )
  }

  async function deliver(): Promise<void> {
    await takeOver()
    for (const report of await load()) {
      if ((await server.report(report)) === 'later') return
      await save((await load()).filter(({ eventId }) => eventId !== report.eventId))
    }
  }

  /** Sends what it can; what it cannot waits. Never rejects. */
  function flush(): Promise<void> {
    flushing ??= ifPossible(deliver()).finally(() => {
      flushing = undefined
    })
    return flushing
  }

  return { flush, keepInMemory }
}

/** What is not written down now is written down, and sent, again later: the event id makes that harmless. */
async function ifPossible(work: Promise<void>): Promise<void> {
  await work.catch(() => undefined)
}
