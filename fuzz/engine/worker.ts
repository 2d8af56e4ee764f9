import { parentPort, workerData } from 'node:worker_threads'
import { runFuzzer, type RunFigures, type RunOrder, type RunResult } from './run.ts'

export interface WorkerOrder {
  order: RunOrder
  /** The input that is tried, behind two numbers: how many began, and how long it is. */
  current: SharedArrayBuffer
}

export type WorkerWord = { kind: 'figures'; figures: RunFigures } | { kind: 'done'; result: RunResult }

const { order, current } = workerData as WorkerOrder
const numbers = new Int32Array(current, 0, 2)
const bytes = new Uint8Array(current, 8)

const say = (word: WorkerWord) => parentPort?.postMessage(word)

const result = await runFuzzer(order, {
  began(input) {
    bytes.set(input)
    numbers[1] = input.length
    Atomics.add(numbers, 0, 1)
  },
  told: (figures) => say({ kind: 'figures', figures }),
})
say({ kind: 'done', result })
