import type { Announcement } from './announcements.ts'

/** `open`: it has begun. `reset`: more was missed than is told, and what is known has to be read anew. */
export type StreamEvent = { kind: 'open' } | { kind: 'reset' } | { kind: 'announcement'; announcement: Announcement }

/** Far more than the server sends in one event. */
const MAX_LINE_LENGTH = 4 * 1024 * 1024

/**
 * Reads server-sent events, as HotPatch's live stream writes them.
 * @param idleTimeoutMs without a byte for so long, the connection counts as lost: heartbeats come every 20 seconds
 * @throws when the connection breaks or is idle; ends when the server ends it
 */
export async function* readEventStream(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  idleTimeoutMs = 60_000,
): AsyncGenerator<StreamEvent> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  yield { kind: 'open' }
  try {
    let rest = ''
    let event = { name: '', data: '' }
    for (;;) {
      const { value, done } = await readWithin(reader, idleTimeoutMs)
      if (done) return
      const lines = (rest + value).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > MAX_LINE_LENGTH) throw new Error('The live stream has a line without an end.')
      for (const line of lines) {
        if (line.startsWith('event: ')) event.name = line.slice('event: '.length)
        if (line.startsWith('data: ')) event.data = line.slice('data: '.length)
        if (line !== '') continue
        if (event.name === 'reset') yield { kind: 'reset' }
        else if (event.data !== '') yield { kind: 'announcement', announcement: JSON.parse(event.data) as Announcement }
        event = { name: '', data: '' }
      }
    }
  } finally {
    // Whoever stops reading wants no more of it.
    await reader.cancel().catch(() => undefined)
  }
}

async function readWithin(reader: ReadableStreamDefaultReader<string>, timeoutMs: number) {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`Nothing was heard for ${timeoutMs / 1000} s.`)), timeoutMs)
  try {
    return await Promise.race([reader.read(), late.promise])
  } finally {
    clearTimeout(timer)
  }
}
