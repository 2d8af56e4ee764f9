import { Worker } from 'node:worker_threads'
import { describeFault } from './judge.ts'
import type { Finding, RunFigures, RunOrder, RunResult } from './run.ts'
import type { WorkerOrder, WorkerWord } from './worker.ts'

/** Nothing that an input makes of itself may take longer: on a busy machine, too. */
const HANG_MS = 30_000
const LOOK_EVERY_MS = 1_000
const MAX_HEAP_MB = 768

/** Runs a fuzzer in a thread of its own, which can be ended when an input does not return or fills the memory. */
export async function watchRun(
  order: RunOrder,
  maxBytes: number,
  onFigures: (figures: RunFigures) => void,
): Promise<RunResult> {
  const current = new SharedArrayBuffer(8 + maxBytes)
  const numbers = new Int32Array(current, 0, 2)
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { order, current } satisfies WorkerOrder,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  })
  let figures: RunFigures = { inputs: 0, seconds: 0, kept: 0, reached: 0, inEntered: 0 }
  const { promise, resolve } = Promise.withResolvers<RunResult>()

  function endWith(fault: Pick<Finding, 'signature' | 'detail'>): void {
    const input = new Uint8Array(current.slice(8, 8 + (numbers[1] ?? 0)))
    resolve({ figures: { ...figures, inputs: numbers[0] ?? 0 }, findings: [{ ...fault, input, times: 1 }], corpus: [] })
  }

  worker.on('message', (word: WorkerWord) => {
    if (word.kind === 'done') return resolve(word.result)
    figures = word.figures
    onFigures(figures)
  })
  worker.on('error', (error) => endWith(describeFault(error)))
  let last = 0
  let since = Date.now()
  const timer = setInterval(() => {
    const began = Atomics.load(numbers, 0)
    if (began === last) {
      if (Date.now() - since > HANG_MS) endWith({ signature: 'hang', detail: `no answer within ${HANG_MS} ms` })
    } else since = Date.now()
    last = began
  }, LOOK_EVERY_MS)
  try {
    return await promise
  } finally {
    clearInterval(timer)
    await worker.terminate()
  }
}
