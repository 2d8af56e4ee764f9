import { setTimeout } from 'node:timers/promises'
import { workerData } from 'node:worker_threads'
import { openDatabase } from '../../ground/database/open-database.ts'
import { answerQuestions } from '../../ground/threads/answer-questions.ts'
import { giveWay } from '../../ground/threads/give-way.ts'
import { sweep, type SweepRequest } from './retention-sweep.ts'

giveWay()

const { path } = workerData as { path: string }
const db = openDatabase({ kind: 'sqlite', path })
const pause = (delayMs: number) => setTimeout(delayMs)

answerQuestions(
  (request: SweepRequest, signal) => sweep(db, request, { pause, isStopped: () => signal.aborted }),
  () => db.destroy(),
)
