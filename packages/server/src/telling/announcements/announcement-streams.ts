import type { ServerResponse } from 'node:http'
import { problem } from '@hotpatch/protocol'
import type { FastifyBaseLogger } from 'fastify'
import type { CancelTimer, Timers } from '../../ground/clock.ts'
import type { Announcement, AnnouncementService, PlacedAnnouncement } from './announcement-service.ts'

/** The most that one who comes back is told of what was missed. */
const MAX_REPLAY = 1_000
const READ_AT_ONCE = 100
const MAX_STREAMS = 200
/** So that one token does not take them from all others. */
const MAX_STREAMS_OF_READER = 50
/** Also the most that a revoked token is listened with. */
const HEARTBEAT_MS = 20_000
/** Waiting for one reader; one that still has them to read at a heartbeat is dropped, and resumes where it was. */
const MAX_BUFFERED_BYTES = 256 * 1024
const RETRY_LATER = { retryAfterSeconds: 30 }

export interface StreamRequest {
  /** Only what concerns these apps, unless it is null. */
  ofApps: readonly string[] | null
  /** The id of the last announcement that the reader has. */
  lastId: string | undefined
  /** Whose stream it is: the id of a token or a person. */
  reader: string
  /** Throws when the reader may not read any more. */
  authorize(): Promise<unknown>
}

export type AnnouncementStreams = ReturnType<typeof createAnnouncementStreams>

/** Server-sent events to those who watch: the live stream. */
export function createAnnouncementStreams({
  announcements,
  timers,
  log,
}: {
  announcements: AnnouncementService
  timers: Timers
  log: Pick<FastifyBaseLogger, 'warn'>
}) {
  const streams = new Set<{ reader: string; pump(): void; end(): void }>()
  const reads = new Map<number, Promise<PlacedAnnouncement[]>>()
  let isClosed = false

  /** @throws problem too-many-requests or unavailable, before anything is written */
  async function open(response: ServerResponse, request: StreamRequest, accept: () => void): Promise<void> {
    if (isClosed) throw problem('unavailable', 'The server is stopping.', RETRY_LATER)
    if (streams.size >= MAX_STREAMS) {
      throw problem('too-many-requests', `There are ${MAX_STREAMS} streams open already.`, RETRY_LATER)
    }
    const ofReader = [...streams].filter(({ reader }) => reader === request.reader)
    if (ofReader.length >= MAX_STREAMS_OF_READER) {
      const detail = `There are ${MAX_STREAMS_OF_READER} streams open with the same token or account already: close one first.`
      throw problem('too-many-requests', detail, RETRY_LATER)
    }
    // Takes its place before anything is awaited.
    const stream = createStream(response, request)
    streams.add(stream)
    try {
      await stream.begin(accept)
    } catch (error) {
      stream.end()
      throw error
    }
  }

  function createStream(response: ServerResponse, { ofApps, lastId, reader, authorize }: StreamRequest) {
    let position = 0
    let isPumping = true
    let isAskedAgain = false
    let isEnded = false
    let cancelHeartbeat: CancelTimer | undefined
    let onDrained = () => {}
    const stream = { reader, begin, pump, end }

    async function begin(accept: () => void): Promise<void> {
      const now = await announcements.lastPosition()
      const last = lastId === undefined ? now : await announcements.findPosition(lastId)
      const isComplete = last !== undefined && now - last <= MAX_REPLAY
      position = isComplete ? last : now
      if (isEnded) throw problem('unavailable', 'The server is stopping.', RETRY_LATER)
      accept()
      response.on('close', end)
      response.on('error', end)
      response.on('drain', () => onDrained())
      response.shouldKeepAlive = false
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // Proxies that collect answers would keep this one for ever.
        'x-accel-buffering': 'no',
      })
      write(': the live stream of HotPatch\n\n')
      if (!isComplete) write('event: reset\ndata: {}\n\n')
      beat()
      isPumping = false
      pump()
    }

    function pump(): void {
      isAskedAgain = isPumping
      if (isPumping || isEnded) return
      isPumping = true
      void tellNew()
        .catch((error: unknown) => log.warn({ err: error }, 'the live stream could not be read'))
        .finally(() => {
          isPumping = false
          if (isAskedAgain) pump()
        })
    }

    async function tellNew(): Promise<void> {
      let placed
      do {
        placed = await readAfter(position)
        for (const { announcement, position: at } of placed) {
          if (isEnded) return
          position = at
          if (ofApps === null || ofApps.includes(announcement.appId ?? '')) write(renderEvent(announcement))
          if (isBehind()) await new Promise<void>((resolve) => (onDrained = resolve))
        }
      } while (placed.length === READ_AT_ONCE)
    }

    function beat(): void {
      cancelHeartbeat = timers.after(HEARTBEAT_MS, () => {
        authorize().then(() => {
          if (isEnded) return
          if (isBehind()) return drop()
          write(':\n\n')
          beat()
        }, end)
      })
    }

    function write(text: string): void {
      if (!isEnded) response.write(text)
    }

    function isBehind(): boolean {
      return !isEnded && response.writableLength > MAX_BUFFERED_BYTES
    }

    /** Ending would wait for the very reader that does not read. */
    function drop(): void {
      response.destroy()
      end()
    }

    function end(): void {
      if (isEnded) return
      isEnded = true
      cancelHeartbeat?.()
      onDrained()
      streams.delete(stream)
      if (response.headersSent) response.end()
    }

    return stream
  }

  /** Streams that are at the same place read together. */
  function readAfter(position: number): Promise<PlacedAnnouncement[]> {
    const known = reads.get(position)
    if (known) return known
    const read = announcements.listAfter(position, READ_AT_ONCE).finally(() => {
      if (reads.get(position) === read) reads.delete(position)
    })
    reads.set(position, read)
    return read
  }

  /** To be called when there may be something new. */
  function look(): void {
    // What is being read may have begun before it was there.
    reads.clear()
    for (const stream of streams) stream.pump()
  }

  function close(): void {
    isClosed = true
    for (const stream of streams) stream.end()
  }

  return { open, look, close, count: () => streams.size }
}

/** JSON has no line breaks of its own, so that one line of data is enough. */
function renderEvent(announcement: Announcement): string {
  return `id: ${announcement.id}\nevent: ${announcement.type}\ndata: ${JSON.stringify(announcement)}\n\n`
}
