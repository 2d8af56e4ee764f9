import { elapsedOn, type Clock } from '../clock.ts'
import { startThread, type Thread, type ThreadOptions } from './start-thread.ts'

export interface KeptThreadOptions extends Omit<ThreadOptions, 'onEnd'> {
  /** How long it stays away after it died, twice as long each time until it answers again. At once when absent. */
  pause?: { clock: Clock; minMs: number; maxMs: number }
  /** Called when it died by itself. */
  onDeath?: (error: Error) => void
}

export interface KeptThread<Question, Answer> extends Omit<Thread<Question, Answer>, 'ask'> {
  ask(question: Question): Promise<Answer>
  /** In the middle of what it does. */
  closeNow(): Promise<void>
}

/** A thread that starts with the first question, and is replaced with the next one when it died. */
export function keepThread<Question, Answer>({
  pause,
  onDeath,
  ...options
}: KeptThreadOptions): KeptThread<Question, Answer> {
  const { does } = options
  let thread: Thread<Question, Answer> | undefined
  let deaths = 0
  let restartAt = -Infinity
  let isClosed = false

  async function ask(question: Question): Promise<Answer> {
    if (isClosed) throw closed()
    if (!thread && pause && elapsedOn(pause.clock) < restartAt) {
      throw new Error(`The thread that ${does} died and starts again in a moment.`)
    }
    thread ??= start()
    const answer = await thread.ask(question)
    deaths = 0
    return answer
  }

  function start(): Thread<Question, Answer> {
    const started = startThread<Question, Answer>({
      ...options,
      onEnd(reason) {
        if (thread !== started) return
        thread = undefined
        if (isClosed) return
        if (pause) restartAt = elapsedOn(pause.clock) + Math.min(pause.minMs * 2 ** deaths++, pause.maxMs)
        onDeath?.(reason)
      },
    })
    return started
  }

  /** The next question gets another one. */
  async function kill(reason: Error): Promise<void> {
    const killed = thread
    thread = undefined
    await killed?.kill(reason)
  }

  async function close(): Promise<void> {
    isClosed = true
    await thread?.close()
  }

  async function closeNow(): Promise<void> {
    isClosed = true
    await kill(closed())
  }

  const closed = () => new Error(`The thread that ${does} is closed.`)
  return { ask, kill, close, closeNow, countWaiting: () => thread?.countWaiting() ?? 0 }
}
