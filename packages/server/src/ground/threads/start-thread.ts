import { Worker } from 'node:worker_threads'
import { unpackError, type FromThread, type ToThread } from './thread-messages.ts'

export interface ThreadOptions {
  /** What it does, for errors: "reads the database". */
  does: string
  /** Calls `answerQuestions`. */
  script: URL
  workerData: unknown
  /** Whether it is no reason for the process to live on. */
  isDaemon?: boolean
  /** Called once, with what its questions were rejected with. */
  onEnd?: (reason: Error) => void
}

export interface Thread<Question, Answer> {
  /** Aborting `signal` tells the thread only: the answer is what it makes of that. */
  ask(question: Question, signal?: AbortSignal): Promise<Answer>
  /** After what it was asked. */
  close(): Promise<void>
  /** In the middle of what it does, for whose sake its questions are rejected with `reason`. */
  kill(reason: Error): Promise<void>
  countWaiting(): number
}

/** One thread, until it ends: whatever it was asked and has not answered then is rejected. */
export function startThread<Question, Answer>({
  does,
  script,
  workerData,
  isDaemon,
  onEnd,
}: ThreadOptions): Thread<Question, Answer> {
  const worker = new Worker(script, { workerData })
  if (isDaemon) worker.unref()
  const waiting = new Map<number, PromiseWithResolvers<Answer>>()
  const ended = Promise.withResolvers<void>()
  let endedFor: Error | undefined
  let lastId = 0

  worker.on('message', (message: FromThread<Answer>) => {
    const asked = waiting.get(message.id)
    waiting.delete(message.id)
    if ('error' in message) asked?.reject(unpackError(message.error))
    else asked?.resolve(message.answer)
  })
  worker.on('error', (error: Error) => {
    endedFor ??= error
  })
  worker.on('exit', (code) => {
    endedFor ??= new Error(`The thread that ${does} ended with code ${code}.`)
    rejectAll(endedFor)
    onEnd?.(endedFor)
    ended.resolve()
  })

  async function ask(question: Question, signal?: AbortSignal): Promise<Answer> {
    if (endedFor) throw endedFor
    const id = ++lastId
    const asked = Promise.withResolvers<Answer>()
    waiting.set(id, asked)
    tell({ id, question })
    const abort = () => tell({ id, isAborted: true })
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort)
    return asked.promise.finally(() => signal?.removeEventListener('abort', abort))
  }

  function tell(message: ToThread<Question>): void {
    worker.postMessage(message)
  }

  function rejectAll(reason: Error): void {
    for (const { reject } of waiting.values()) reject(reason)
    waiting.clear()
  }

  async function close(): Promise<void> {
    tell('close')
    await ended.promise
  }

  async function kill(reason: Error): Promise<void> {
    endedFor ??= reason
    rejectAll(reason)
    await worker.terminate()
  }

  return { ask, close, kill, countWaiting: () => waiting.size }
}
