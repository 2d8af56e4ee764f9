import { BoundedClient } from './bounded-client.ts'
import type { ServerState } from './choose-server.ts'
import type { PostgresServer } from './server-list.ts'

/** Whoever takes longer is not there for anybody who waits. */
const LOOK_MS = 3_000

const STATE = `select pg_is_in_recovery() as is_standby,
  current_setting('default_transaction_read_only') = 'off' and current_setting('transaction_read_only') = 'off' as is_writable`

/** The timeline is the first eight digits of the name of the file that is written. */
const TIMELINE = 'select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline'

/** What a server says of itself. @throws when it does not within three seconds */
export async function lookAtServer({ url }: PostgresServer): Promise<ServerState> {
  const client = new BoundedClient({
    connectionString: url,
    connectionTimeoutMillis: LOOK_MS,
    application_name: 'hotpatch-looks',
    silenceMs: LOOK_MS,
  })
  try {
    await client.connect()
    const { rows } = await client.query<{ is_standby: boolean; is_writable: boolean }>(STATE)
    const [{ is_standby: isStandby, is_writable: isWritable } = { is_standby: true, is_writable: false }] = rows
    return { isStandby, isWritable, timeline: isStandby ? null : await readTimeline(client) }
  } finally {
    // It may hang for good; nobody waits for its farewell.
    client.end().catch(() => undefined)
  }
}

async function readTimeline(client: BoundedClient): Promise<number | null> {
  try {
    const { rows } = await client.query<{ timeline: string }>(TIMELINE)
    return rows[0] ? Number.parseInt(rows[0].timeline, 16) : null
  } catch (error) {
    // A service that keeps its log elsewhere has no such functions. Whoever did not answer is not there.
    if (error instanceof Error && /^(?:0A000|42\w{3}|55000)$/.test(String((error as { code?: unknown }).code)))
      return null
    throw error
  }
}
