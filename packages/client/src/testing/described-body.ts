import type { ClockPort } from '@hotpatch/device-ground'

/** In portions of `each`, before each of which nothing comes for `afterMs`. */
export interface BytesPiece {
  bytes: Uint8Array
  each?: number
  afterMs?: number
}

export type BodyPiece = BytesPiece | { end: 'reset' | 'silence' | 'endless' }

/** A body that comes as its pieces say, and that can be written down. */
export interface DescribedBody extends AsyncIterable<Uint8Array> {
  pieces: readonly BodyPiece[]
}

/** @param clock for pauses; without one there must be none */
export function described(pieces: readonly BodyPiece[], clock?: Pick<ClockPort, 'after'>): DescribedBody {
  return { pieces, [Symbol.asyncIterator]: () => bodyOf(pieces, clock) }
}

async function* bodyOf(
  pieces: readonly BodyPiece[],
  clock: Pick<ClockPort, 'after'> | undefined,
): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if ('bytes' in piece) yield* portionsOf(piece, clock)
    else if (piece.end === 'reset') throw new Error('ECONNRESET')
    else if (piece.end === 'silence') await new Promise(() => undefined)
    else for (;;) yield new Uint8Array(1000)
  }
}

async function* portionsOf(
  { bytes, each = bytes.length, afterMs }: BytesPiece,
  clock: Pick<ClockPort, 'after'> | undefined,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += each) {
    if (afterMs !== undefined) {
      if (!clock) throw new Error('a body with pauses needs a clock')
      await new Promise<void>((resolve) => void clock.after(afterMs, resolve))
    }
    yield bytes.subarray(at, at + each)
  }
}
