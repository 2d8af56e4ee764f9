import type { Clock } from '../../../ground/clock.ts'
import type { Database } from '../../../ground/database/schema.ts'
import { writeFleetBatch } from './batch-store.ts'
import type { FleetBatch } from './fleet-batch.ts'
import type { Log } from '../../../ground/log.ts'
import { keepThread } from '../../../ground/threads/keep-thread.ts'
import { scriptBeside } from '../../../ground/threads/script-beside.ts'

/** Where batches go. A batch that was written, or half written, may be written again. */
export interface FleetWriter {
  write(batch: FleetBatch): Promise<void>
  close(): Promise<void>
}

/** Over a connection that does not block this thread, or in tests. Closing it leaves the connection open. */
export function createFleetWriter({ db }: { db: Database }): FleetWriter {
  return { write: (batch) => writeFleetBatch(db, batch), close: () => Promise.resolve() }
}

const RESTART_MS = { minMs: 100, maxMs: 5_000 }

/**
 * A thread with its own connection to an SQLite file, which blocks the thread that it runs in.
 * One that dies is replaced at the next write, not more often than a growing pause allows.
 */
export function createFleetWriterThread({
  path,
  clock,
  log,
  script = scriptBeside(import.meta.url, 'fleet-writer-worker'),
}: {
  path: string
  clock: Clock
  log: Log
  script?: URL
}): FleetWriter {
  const { ask, close } = keepThread<FleetBatch, void>({
    does: 'writes the fleet',
    script,
    workerData: { path },
    pause: { clock, ...RESTART_MS },
    onDeath: (error) => log.error({ err: error }, 'the thread that writes the fleet died; it is started again'),
  })
  return { write: ask, close }
}
