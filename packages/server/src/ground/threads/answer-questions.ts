import { parentPort } from 'node:worker_threads'
import { packError, type FromThread, type ToThread } from './thread-messages.ts'

type AnswerQuestion<Question, Answer> = (question: Question, signal: AbortSignal) => Answer | Promise<Answer>

/**
 * The thread's side: answers one question after the other, in the order in which they were asked, and closes when it is
 * told to. The signal is aborted when nobody waits for the answer any more.
 */
export function answerQuestions<Question, Answer>(
  answer: AnswerQuestion<Question, Answer>,
  close: () => Promise<void> = () => Promise.resolve(),
): void {
  const asked = new Map<number, AbortController>()
  let last: Promise<void> = Promise.resolve()

  parentPort?.on('message', (message: ToThread<Question>) => {
    if (message === 'close') {
      last = last.then(close).then(() => parentPort?.close())
      return
    }
    if ('isAborted' in message) {
      asked.get(message.id)?.abort()
      return
    }
    const { id, question } = message
    const aborting = new AbortController()
    asked.set(id, aborting)
    last = last.then(async () => {
      send(await answerTo(id, question, aborting.signal))
      asked.delete(id)
    })
  })

  async function answerTo(id: number, question: Question, signal: AbortSignal): Promise<FromThread<Answer>> {
    try {
      return { id, answer: await answer(question, signal) }
    } catch (error) {
      return { id, error: packError(error) }
    }
  }

  function send(message: FromThread<Answer>): void {
    parentPort?.postMessage(message)
  }
}
