import { problem } from '@hotpatch/protocol'

const MAX_WAITING = 64
const RETRY_AFTER_SECONDS = 5

/** Gives what lets so many pieces of work run at once, and the others wait in the order in which they came. */
export function createTurns(atOnce: number) {
  let running = 0
  const waiting: (() => void)[] = []

  /** @throws problem too-many-requests when so many wait that the last would hardly be answered */
  return async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (running >= atOnce) {
      if (waiting.length >= MAX_WAITING) {
        throw problem('too-many-requests', 'Too many people sign in at this moment. Try again in a few seconds.', {
          retryAfterSeconds: RETRY_AFTER_SECONDS,
        })
      }
      // Whoever ends hands over: the number that run stays the same.
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else {
      running += 1
    }
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}
