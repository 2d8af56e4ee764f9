import { elapsedOn, SECOND_MS, type Clock } from '../clock.ts'

/** What a second may bring, of all messages: bytes count for whoever sends few and large ones. */
const MAX_MESSAGES = 10_000
const MAX_BYTES = 32 * 1024 * 1024
/** Of these, messages that are refused: each of ours is taken, but for what comes late or after a clock was set. */
const MAX_REFUSED = 500

/** Counts what comes, second by second: a channel that others can write on must not take all of this process's time. */
export function createFloodGuard(clock: Clock) {
  let since = elapsedOn(clock)
  let messages = 0
  let bytes = 0
  let refused = 0

  /** False when it is too much. */
  function admits(sizeBytes: number, isTaken: boolean): boolean {
    const now = elapsedOn(clock)
    if (now - since >= SECOND_MS) {
      since = now
      messages = bytes = refused = 0
    }
    messages++
    bytes += sizeBytes
    if (!isTaken) refused++
    return messages <= MAX_MESSAGES && bytes <= MAX_BYTES && refused <= MAX_REFUSED
  }

  return { admits }
}
