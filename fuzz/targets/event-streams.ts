import { readEventStream, type StreamEvent } from '../../packages/api/src/event-stream.ts'
import { Broken, type Target } from '../engine/target.ts'

type Read = { kind: 'read'; events: readonly StreamEvent[] } | { kind: 'broken'; events: readonly StreamEvent[] }

/** Whole, and in pieces that end anywhere: within a line, within a letter. */
async function readIn(bytes: Uint8Array, pieceBytes: number): Promise<Read> {
  const pieces = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        controller.enqueue(new Uint8Array(bytes.subarray(at, at + pieceBytes)))
      }
      controller.close()
    },
  })
  const events: StreamEvent[] = []
  try {
    for await (const event of readEventStream(pieces)) events.push(event)
    return { kind: 'read', events }
  } catch (error) {
    if (error instanceof SyntaxError) return { kind: 'broken', events }
    throw error
  }
}

export const target: Target = {
  reads: 'server-sent events of the live stream, in pieces of any length',
  maxBytes: 600,
  words: ['event: reset\n', 'event: announcement\n', 'data: ', 'id: ', ': heartbeat\n\n', '\r\n', '\n\n'],
  async read(input) {
    const [first = 0] = input
    const bytes = input.subarray(1)
    const whole = await readIn(bytes, Math.max(1, bytes.length))
    const inPieces = await readIn(bytes, 1 + (first % 16))
    if (JSON.stringify(whole) !== JSON.stringify(inPieces)) throw new Broken('other events in other pieces')
  },
  refuses: () => false,
}

export function seeds() {
  return [
    ': hello\n\nid: 019b\nevent: announcement\ndata: {"id":"019b","kind":"release.published","at":"2027-01-01T00:00:00Z"}\n\n',
    'event: reset\ndata: {}\n\n: heartbeat\n\n',
    'data: {"id":"é","text":"😀"}\n\ndata: {"id":2}\n\n',
    'data: {"broken"\n\n',
  ].map((text) => Buffer.concat([Buffer.of(3), Buffer.from(text)]))
}
