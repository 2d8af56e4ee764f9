import { ApiProblem, ServerUnreachable } from '@hotpatch/api'
import { describeError } from '../errors/describe-error.ts'
import type { Session } from '../session/session.ts'

/** Half a minute of trying, and more only when the server asks for it. */
const WAITS_MS = [1000, 2000, 4000, 8000, 16_000]
const MAX_WAIT_MS = 60_000

/**
 * Asks again when a gateway or the network lost the question or the answer. Only for what may be asked twice: the server
 * gives the same request the same answer.
 */
export async function persistently<T>({ context, output }: Session, ask: () => Promise<T>): Promise<T> {
  let [isUncertain, answer] = [false, undefined as T | undefined]
  for (let attempt = 0; ; attempt += 1) {
    try {
      answer = await ask()
      break
    } catch (error) {
      const backoff = WAITS_MS[attempt]
      if (context.signal.aborted || !isTransient(error) || backoff === undefined) throw error
      const wait = Math.min(Math.max(askedWait(error), backoff), MAX_WAIT_MS)
      const { message } = describeError(error, context.programName)
      output.notice(
        `${message.replace(/\.?$/, '.')} Whether it was done is not known: asking again in ${Math.ceil(wait / 1000)} s.`,
      )
      isUncertain = true
      await context.pause(wait)
    }
  }
  if (isUncertain) output.notice('The server has it now, once.')
  return answer
}

function isTransient(error: unknown): error is Error {
  if (error instanceof ServerUnreachable) return true
  return error instanceof ApiProblem && [502, 503, 504].includes(error.status)
}

function askedWait(error: unknown): number {
  return error instanceof ApiProblem ? (error.retryAfterSeconds ?? 0) * 1000 : 0
}
