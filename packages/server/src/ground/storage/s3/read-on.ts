import type { Readable } from 'node:stream'
import type { ByteRange } from '../storage-driver.ts'
import { StorageError } from '../storage-error.ts'
import { streamOf } from '../stream-of.ts'

/** What a store sends, and which bytes of the object those are. */
export interface SentBytes {
  bytes: Readable
  range: ByteRange
  /** Of the whole object. */
  sizeBytes: number
}

/** How often a store may break off before it is given up, unless so much came in between that it is getting on. */
const MAX_BREAKS = 5
const GETTING_ON_BYTES = 8 * 1024 * 1024
/** A store that says nothing for so long while we wait has broken off as well. */
const SILENCE_MS = 30_000

/**
 * Reads what was asked for to its end: where the store breaks off, it is asked for the rest. Never ends early without an error. The
 * name of an object is the digest of its bytes, so the rest is of the same bytes whatever was written meanwhile: a tag would
 * change when an object is only refreshed.
 *
 * @param ask returns undefined when there is no such object
 */
export async function readOn(
  ask: (range?: ByteRange) => Promise<SentBytes | undefined>,
  range?: ByteRange,
  { silenceMs = SILENCE_MS }: { silenceMs?: number } = {},
): Promise<Readable | undefined> {
  const begun = await ask(range)
  if (!begun) return undefined
  if (range) requireSame(begun, { range, sizeBytes: begun.sizeBytes })
  let current = begun
  let isClosed = false

  async function* read(): AsyncGenerator<Buffer> {
    const { sizeBytes } = begun as SentBytes
    const { start, end } = current.range
    let position = start
    let breaks = 0
    let brokeAt = start
    for (;;) {
      for await (const chunk of untilBroken(current.bytes, silenceMs)) {
        position += chunk.length
        if (position > end + 1)
          throw new StorageError('refused', 'The artifact storage sent more than it was asked for.')
        yield chunk
      }
      if (position === end + 1 || isClosed) return
      breaks = position - brokeAt >= GETTING_ON_BYTES ? 1 : breaks + 1
      if (breaks > MAX_BREAKS)
        throw new StorageError('unreachable', `The artifact storage broke off ${breaks} times while it sent an object.`)
      brokeAt = position
      const rest = { range: { start: position, end }, sizeBytes }
      const next = await ask(rest.range)
      if (!next) throw new StorageError('refused', 'The artifact storage lost an object while it was read.')
      current = next
      if (isClosed) return void next.bytes.destroy()
      requireSame(next, rest)
    }
  }

  return streamOf(read(), () => {
    isClosed = true
    current.bytes.destroy()
  })
}

/** A store that knows no ranges sends the whole, and an object that was damaged since is of another size. */
function requireSame({ bytes, range, sizeBytes }: SentBytes, expected: Omit<SentBytes, 'bytes'>): void {
  const isSame =
    range.start === expected.range.start && range.end === expected.range.end && sizeBytes === expected.sizeBytes
  if (isSame) return
  bytes.destroy()
  const describe = (of: Omit<SentBytes, 'bytes'>) => `${of.range.start}-${of.range.end} of ${of.sizeBytes}`
  throw new StorageError(
    'refused',
    `The artifact storage was asked for the bytes ${describe(expected)}, and sent ${describe({ range, sizeBytes })}.`,
  )
}

/** Ends as well when the connection does, or when nothing comes for too long. Whoever reads slowly is waited for. */
async function* untilBroken(bytes: Readable, silenceMs: number): AsyncGenerator<Buffer> {
  const chunks = bytes[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  try {
    for (;;) {
      const timer = setTimeout(() => bytes.destroy(), silenceMs)
      // How it broke off is all the same: what came counts.
      const next = await chunks.next().catch(() => undefined)
      clearTimeout(timer)
      if (!next || next.done) return
      yield next.value
    }
  } finally {
    bytes.destroy()
  }
}
