import { parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from '../../../ground/database/open-database.ts'
import { writeFleetBatch } from './batch-store.ts'
import type { WriteAnswer, WriteRequest } from './fleet-writer.ts'

const { path } = workerData as { path: string }
const db = openDatabase({ kind: 'sqlite', path })
// One after the other, in the order in which they were asked for.
let last: Promise<void> = Promise.resolve()

parentPort?.on('message', (message: WriteRequest | 'close') => {
  last = last.then(() => (message === 'close' ? close() : answer(message)))
})

async function answer({ id, batch }: WriteRequest): Promise<void> {
  try {
    await writeFleetBatch(db, batch)
    send({ id })
  } catch (error) {
    const { message, stack, code, errcode } = error as Error & { code?: unknown; errcode?: unknown }
    send({ id, error: { message, stack, code, errcode } })
  }
}

async function close(): Promise<void> {
  await db.destroy()
  parentPort?.close()
}

function send(answer: WriteAnswer): void {
  parentPort?.postMessage(answer)
}
