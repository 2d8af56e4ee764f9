import { sql } from 'kysely'
import pg from 'pg'
import type { DatabaseConfig } from './open-database.ts'
import type { Database } from './schema.ts'

/** Tells other servers on the same database that something changed, and hears it from them. */
export interface ChangeFeed {
  /** `topic` says what changed; an empty one that many things may have. */
  announce(topic: string): Promise<void>
  close(): Promise<void>
}

export interface ChangeFeedListener {
  onChange(topic: string): void
  onError(error: unknown): void
}

const CHANNEL = 'hotpatch_changes'
const RECONNECT_MS = 2_000

/** SQLite has one server. PostgreSQL tells the others; who cannot hear refreshes by time. */
export function openChangeFeed(config: DatabaseConfig, db: Database, listener: ChangeFeedListener): ChangeFeed {
  return config.kind === 'postgres' ? listenOnPostgres(config.url, db, listener) : silentFeed
}

const silentFeed: ChangeFeed = { announce: () => Promise.resolve(), close: () => Promise.resolve() }

function listenOnPostgres(url: string, db: Database, listener: ChangeFeedListener): ChangeFeed {
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  async function connect() {
    const next = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, keepAlive: true })
    next.on('notification', ({ payload }) => listener.onChange(payload ?? ''))
    next.on('error', (error) => lose(next, error))
    next.on('end', () => lose(next, undefined))
    client = next
    try {
      await next.connect()
      await next.query(`listen ${CHANNEL}`)
      // What was announced while nobody listened.
      listener.onChange('')
    } catch (error) {
      lose(next, error)
    }
  }

  function lose(lost: pg.Client, error: unknown) {
    if (client !== lost) return
    client = undefined
    lost.end().catch(() => undefined) // it is lost already
    if (isClosed) return
    if (error !== undefined) listener.onError(error)
    timer = setTimeout(() => void connect(), RECONNECT_MS)
  }

  void connect()
  return {
    async announce(topic) {
      // A server that misses it finds the raised generation at its next refresh.
      await sql`select pg_notify(${CHANNEL}, ${topic})`.execute(db).catch(listener.onError)
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      await client?.end().catch(() => undefined) // closing is all that is wanted
    },
  }
}
