import { sql } from 'kysely'
import pg from 'pg'
import { ALONE, type Crew } from '../workers/crew.ts'
import type { DatabaseConfig } from './open-database.ts'
import type { Database } from './schema.ts'

/** What servers on one database tell each other about. */
export type ChangeTopic = 'catalogs' | 'announcements'

/** Tells other servers on the same database that something changed, and hears it from them. */
export interface ChangeFeed {
  /** `detail` says what changed; it is empty when many things may have, as after a time in which nothing was heard. */
  on(topic: ChangeTopic, listener: Hear): void
  /** Begins to hear; resolves when nothing of what other processes of this machine changed before is missing. */
  start(): Promise<void>
  /** Resolves when the other processes of this machine have taken it in, or seem to hang. */
  send(topic: ChangeTopic, detail: string): Promise<void>
  close(): Promise<void>
}

/** Resolves when what changed was taken in. */
type Hear = (detail: string) => void | Promise<void>

const CHANNEL = 'hotpatch_changes'
const RECONNECT_MS = 2_000

/**
 * The processes of one machine tell each other, and PostgreSQL tells other machines. Who cannot hear refreshes by time.
 * @param crew those of this machine
 */
export function createChangeFeed(
  config: DatabaseConfig,
  db: Database,
  onError: (error: unknown) => void,
  crew: Crew = ALONE,
): ChangeFeed {
  const feeds = [
    ...(crew.size > 1 ? [listenToCrew(crew, onError)] : []),
    ...(config.kind === 'postgres' ? [listenOnPostgres(config.url, db, onError)] : []),
  ]
  const all = async (run: (feed: ChangeFeed) => Promise<void>) => void (await Promise.all(feeds.map(run)))
  return {
    on: (topic, hear) => {
      for (const feed of feeds) feed.on(topic, hear)
    },
    start: () => all((feed) => feed.start()),
    send: (topic, detail) => all((feed) => feed.send(topic, detail)),
    close: () => all((feed) => feed.close()),
  }
}

function listenToCrew(crew: Crew, onError: (error: unknown) => void): ChangeFeed {
  const listeners: { topic: ChangeTopic; hear: Hear }[] = []
  const topicOf = (topic: ChangeTopic) => `changed ${topic}`

  async function hear(topic: ChangeTopic, detail: string): Promise<void> {
    for (const listener of listeners) if (listener.topic === topic) await listener.hear(detail)
  }

  return {
    on(topic, listener) {
      listeners.push({ topic, hear: listener })
      crew.on(topicOf(topic), (detail) => hear(topic, String(detail)))
    },
    async start() {
      await crew.join()
      // What was said while nobody listened.
      for (const listener of listeners) await listener.hear('')
    },
    async send(topic, detail) {
      await crew.ask(topicOf(topic), detail).catch(onError)
    },
    close: () => Promise.resolve(),
  }
}

function listenOnPostgres(url: string, db: Database, onError: (error: unknown) => void): ChangeFeed {
  const listeners: { topic: ChangeTopic; hear: Hear }[] = []
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
      for (const listener of listeners) void listener.hear('')
    } catch (error) {
      lose(next, error)
    }
  }

  /** A payload is the topic, a space, and the detail. */
  function hear(payload: string) {
    const end = payload.indexOf(' ')
    for (const listener of listeners)
      if (listener.topic === payload.slice(0, end)) void listener.hear(payload.slice(end + 1))
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
    // Whoever cannot be reached now is tried again; nobody waits for it.
    start: () => Promise.resolve(void connect()),
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
