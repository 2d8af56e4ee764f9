import { sql } from 'kysely'
import type { ChangeFeed, ChangeTopic, Hear } from './change-topics.ts'
import type { Database } from './schema.ts'
import { BoundedClient } from './postgres/bounded-client.ts'
import type { ServerChoice } from './postgres/server-choice.ts'

const CHANNEL = 'hotpatch_changes'
const CONNECT_MS = 10_000
const RECONNECT_MS = 2_000
/** Nobody says by himself that he is gone: one that did not answer when the next question is due has nothing to say. */
const ASK_MS = 10_000

/** Tells other servers of the database, and hears from them; on whichever of its servers is in use. */
export function listenOnPostgres(servers: ServerChoice, db: Database, onError: (error: unknown) => void): ChangeFeed {
  const listeners: { topic: ChangeTopic; hear: Hear }[] = []
  let client: BoundedClient | undefined
  let timer: NodeJS.Timeout | undefined
  let asking: NodeJS.Timeout | undefined
  let isClosed = false

  async function connect(): Promise<void> {
    let next: BoundedClient | undefined
    try {
      const server = await servers.find()
      if (isClosed) return
      next = new BoundedClient({
        connectionString: server.url,
        connectionTimeoutMillis: CONNECT_MS,
        application_name: 'hotpatch-hears',
        silenceMs: 0,
      })
      await listen(next)
    } catch (error) {
      if (next && client === next) lose(next, error)
      else if (!isClosed) tryAgain(error)
    }
  }

  async function listen(next: BoundedClient): Promise<void> {
    client = next
    next.on('notification', ({ payload = '' }) => hear(payload))
    next.on('error', (error) => lose(next, error))
    next.on('end', () => lose(next, undefined))
    await next.connect()
    await next.query(`listen ${CHANNEL}`)
    keepAsking(next)
    // What was sent while nobody listened.
    for (const listener of listeners) void listener.hear('')
  }

  function keepAsking(asked: BoundedClient): void {
    clearInterval(asking)
    let hasAnswered = true
    asking = setInterval(() => {
      if (!hasAnswered) return asked.cut(`PostgreSQL said nothing for ${ASK_MS / 1000} seconds.`)
      hasAnswered = false
      asked.query('select 1').then(
        () => (hasAnswered = true),
        () => undefined, // its end is heard of
      )
    }, ASK_MS).unref()
  }

  /** A payload is the topic, a space, and the detail. */
  function hear(payload: string): void {
    const end = payload.indexOf(' ')
    for (const listener of listeners)
      if (listener.topic === payload.slice(0, end)) void listener.hear(payload.slice(end + 1))
  }

  function lose(lost: BoundedClient, error: unknown): void {
    if (client !== lost) return
    client = undefined
    clearInterval(asking)
    lost.end().catch(() => undefined) // it is lost already
    if (!isClosed) tryAgain(error)
  }

  function tryAgain(error: unknown): void {
    if (error !== undefined) onError(error)
    timer = setTimeout(() => void connect(), RECONNECT_MS)
  }

  const stopFollowing = servers.onChange(() => client?.cut('Another server of the database is used now.'))

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
      clearInterval(asking)
      stopFollowing()
      await client?.end().catch(() => undefined) // closing is all that is wanted
    },
  }
}
