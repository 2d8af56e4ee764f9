import { sql } from 'kysely'
import pg from 'pg'
import type { DatabaseConfig } from './open-database.ts'
import type { Database } from './schema.ts'

/** What servers on one database tell each other about. */
export type ChangeTopic = 'catalogs' | 'announcements'

/** Tells other servers on the same database that something changed, and hears it from them. */
export interface ChangeFeed {
  /** `detail` says what changed; it is empty when many things may have, as after a time in which nothing was heard. */
  on(topic: ChangeTopic, listener: (detail: string) => void): void
  /** Begins to hear. */
  start(): void
  send(topic: ChangeTopic, detail: string): Promise<void>
  close(): Promise<void>
}

const CHANNEL = 'hotpatch_changes'
const RECONNECT_MS = 2_000

/** SQLite has one server. PostgreSQL tells the others; who cannot hear refreshes by time. */
export function createChangeFeed(config: DatabaseConfig, db: Database, onError: (error: unknown) => void): ChangeFeed {
  return config.kind === 'postgres' ? listenOnPostgres(config.url, db, onError) : silentFeed
}

const silentFeed: ChangeFeed = {
  on: () => undefined,
  start: () => undefined,
  send: () => Promise.resolve(),
  close: () => Promise.resolve(),
}

function listenOnPostgres(url: string, db: Database, onError: (error: unknown) => void): ChangeFeed {
  const listeners: { topic: ChangeTopic; hear: (detail: string) => void }[] = []
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  async function connect() {
    const next = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, keepAlive: true })
    next.on('notification', ({ payload = '' }) => hear(payload))
    next.on('error', (error) => lose(next, error))
    next.on('end', () => lose(next, undefined))
    client = next
    try {
      await next.connect()
      await next.query(`listen ${CHANNEL}`)
      // What was sent while nobody listened.
      for (const listener of listeners) listener.hear('')
    } catch (error) {
      lose(next, error)
    }
  }

  /** A payload is the topic, a space, and the detail. */
  function hear(payload: string) {
    const end = payload.indexOf(' ')
    for (const listener of listeners)
      if (listener.topic === payload.slice(0, end)) listener.hear(payload.slice(end + 1))
  }

  function lose(lost: pg.Client, error: unknown) {
    if (client !== lost) return
    client = undefined
    lost.end().catch(() => undefined) // it is lost already
    if (isClosed) return
    if (error !== undefined) onError(error)
    timer = setTimeout(() => void connect(), RECONNECT_MS)
  }

  return {
    on: (topic, hear) => void listeners.push({ topic, hear }),
    start: () => void connect(),
    async send(topic, detail) {
      // A server that misses it finds the change at its next refresh.
      await sql`select pg_notify(${CHANNEL}, ${`${topic} ${detail}`})`.execute(db).catch(onError)
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      await client?.end().catch(() => undefined) // closing is all that is wanted
    },
  }
}
