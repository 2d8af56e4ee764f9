import { elapsedOn, MINUTE_MS, SECOND_MS, type CancelTimer, type Clock, type Timers } from '../clock.ts'
import type { Log } from '../log.ts'
import { createFloodGuard } from './flood-guard.ts'
import type { MakeRedisClient, RedisClient } from './redis-client.ts'

/** How long it may take to connect, sign in and subscribe, and to answer a ping. */
const ANSWER_MS = 5 * SECOND_MS
const PING_EVERY_MS = 2 * SECOND_MS
const FIRST_RETRY_MS = SECOND_MS
const LAST_RETRY_MS = 30 * SECOND_MS
/** A connection that lasted as long was a good one. */
const LASTING_MS = MINUTE_MS
/** Messages that wait to be taken by Redis; more are not sent. */
const MAX_IN_FLIGHT = 256

const NO_ANSWER = `It did not answer within ${ANSWER_MS / SECOND_MS} s.`
const FLOOD = 'More came on the channel than this server takes in.'
const WITHOUT =
  'Redis cannot be used: limits are those of this machine, and changes are heard of in other ways or by time'

/** A connection to Redis, for telling and hearing. It is there or not; nothing waits for it. */
export interface RedisLine {
  /** Connects, and again whenever it is lost. */
  start(): void
  isUp(): boolean
  /** False: it was not sent. True: it may arrive. */
  publish(bytes: Buffer): boolean
  close(): void
}

/** One client, from its first attempt to its end. */
interface Connection {
  client: RedisClient
  inFlight: number
  upSince: number | undefined
}

/**
 * Each connection is a client of its own, which does not reconnect: the client's own reconnecting has ended silently
 * under load (node-redis #2632, #3346), and knows nothing of a server that is connected and answers no more.
 */
export function createRedisLine({
  makeClient,
  channel,
  channels,
  onMessage,
  onUp,
  onDown,
  clock,
  timers,
  log,
}: {
  makeClient: MakeRedisClient
  /** On which it tells. */
  channel: string
  /** On which it hears. */
  channels: readonly string[]
  /** False when the message is refused. */
  onMessage: (channel: string, bytes: Buffer) => boolean
  onUp: () => void
  onDown: () => void
  clock: Clock
  timers: Timers
  log: Log
}): RedisLine {
  let current: Connection | undefined
  let isStarted = false
  let attempt = 0
  let retryMs = FIRST_RETRY_MS
  let isSaid = false
  let cancelTimer: CancelTimer = () => undefined

  async function connect(): Promise<void> {
    const connection: Connection = { client: makeClient(attempt++), inFlight: 0, upSince: undefined }
    const { client } = connection
    current = connection
    client.on('error', (error: unknown) => lose(connection, reasonOf(error)))
    cancelTimer = timers.after(ANSWER_MS, () => lose(connection, NO_ANSWER))
    const flood = createFloodGuard(clock)
    const hear = (bytes: Buffer, from: Buffer) => {
      // What one packet had in it comes even after the end.
      if (current !== connection) return
      const isTaken = onMessage(from.toString(), bytes)
      if (!flood.admits(bytes.length, isTaken)) lose(connection, FLOOD, LAST_RETRY_MS)
    }
    try {
      await client.connect()
      await client.subscribe([...channels], hear, true)
      if (current === connection) begin(connection)
    } catch (error) {
      lose(connection, reasonOf(error))
    }
  }

  function begin(connection: Connection): void {
    cancelTimer()
    connection.upSince = elapsedOn(clock)
    if (isSaid) log.info('Redis can be used again')
    isSaid = false
    watch(connection)
    onUp()
  }

  /** A line on which nothing comes back is lost, whatever its socket says. */
  function watch(connection: Connection): void {
    cancelTimer = timers.after(PING_EVERY_MS, () => {
      cancelTimer = timers.after(ANSWER_MS, () => lose(connection, NO_ANSWER))
      connection.client.ping().then(
        () => {
          if (current !== connection) return
          cancelTimer()
          watch(connection)
        },
        (error: unknown) => lose(connection, reasonOf(error)),
      )
    })
  }

  function publish(bytes: Buffer): boolean {
    const connection = current
    if (connection?.upSince === undefined || connection.inFlight >= MAX_IN_FLIGHT) return false
    connection.inFlight++
    connection.client.publish(channel, bytes).then(
      () => void connection.inFlight--,
      (error: unknown) => lose(connection, reasonOf(error)),
    )
    return true
  }

  /** Only once of each: its calls fail one after the other. */
  function lose(connection: Connection, reason: string, atLeastMs = FIRST_RETRY_MS): void {
    if (current !== connection) return
    const { upSince } = connection
    leave()
    if (upSince !== undefined && elapsedOn(clock) - upSince >= LASTING_MS) retryMs = FIRST_RETRY_MS
    retryMs = Math.max(retryMs, atLeastMs)
    // All servers lose it at once, and need not come back at once.
    const waitMs = retryMs * (1 - Math.random() / 2)
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
    if (!isSaid) log.warn({ reason }, WITHOUT)
    isSaid = true
    if (upSince !== undefined) onDown()
    cancelTimer = timers.after(waitMs, () => void connect())
  }

  function leave(): void {
    cancelTimer()
    const left = current
    current = undefined
    left?.client.destroy()
  }

  return {
    start() {
      if (isStarted) return
      isStarted = true
      void connect()
    },
    isUp: () => current?.upSince !== undefined,
    publish,
    close: leave,
  }
}

const MAX_REASON = 200

/** What others have written into an error is shown as far as it is short: of ours there is no secret in any. */
function reasonOf(error: unknown): string {
  const { message = '', code = '' } = error as { message?: string; code?: string }
  return (message || code || 'It failed.').slice(0, MAX_REASON)
}
