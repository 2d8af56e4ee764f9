import { setTimeout } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from '../../ground/database/open-database.ts'
import { sweep, type SweepRequest } from './retention-sweep.ts'

const { path, request } = workerData as { path: string; request: SweepRequest }
const state = { isStopped: false }
parentPort?.once('message', () => {
  state.isStopped = true
})

const db = openDatabase({ kind: 'sqlite', path })
try {
  const pause = (delayMs: number) => setTimeout(delayMs)
  parentPort?.postMessage(await sweep(db, request, { pause, isStopped: () => state.isStopped }))
} finally {
  await db.destroy()
  // Else waiting for the message would keep the thread.
  parentPort?.close()
}
