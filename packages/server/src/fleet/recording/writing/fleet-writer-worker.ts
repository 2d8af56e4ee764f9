import { workerData } from 'node:worker_threads'
import { openDatabase } from '../../../ground/database/open-database.ts'
import { answerQuestions } from '../../../ground/threads/answer-questions.ts'
import { giveWay } from '../../../ground/threads/give-way.ts'
import { writeFleetBatch } from './batch-store.ts'
import type { FleetBatch } from './fleet-batch.ts'

giveWay()

const { path } = workerData as { path: string }
const db = openDatabase({ kind: 'sqlite', path })

answerQuestions(
  (batch: FleetBatch) => writeFleetBatch(db, batch),
  () => db.destroy(),
)
