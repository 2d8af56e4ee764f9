import { setTimeout as wait } from 'node:timers/promises'
import { sql } from 'kysely'
import { openDatabase } from '../../packages/server/src/testing.ts'
import { findPostgres, startPostgres } from '../../scripts/lib/postgres.mjs'
import { childrenOf, kill } from './processes.ts'

export const POSTGRES_MISSING = 'PostgreSQL is not installed (Debian: apt-get install postgresql)'

export interface SoakDatabase {
  url: string
  /** All of its processes, as when the machine loses its power but for what the disk has. */
  killAll(): Promise<void>
  /** One of those that answer somebody: it restarts by itself, and ends all others. */
  killBackend(fraction: number): boolean
  startAgain(): Promise<void>
  /** Connections that are open; undefined when it does not answer. */
  countConnections(): Promise<number | undefined>
  stop(): Promise<void>
}

const STARTS = 10

/** A PostgreSQL of the campaign's own, which waits for the disk like every other one. */
export async function startSoakDatabase(): Promise<SoakDatabase> {
  const programs = findPostgres()
  if (programs === undefined) throw new Error(POSTGRES_MISSING)
  const postgres = await startPostgres(programs, { durable: true })

  async function killAll(): Promise<void> {
    const pid = postgres.pid() ?? 0
    const children = childrenOf(pid)
    for (const each of [pid, ...children]) kill(each)
    await wait(50)
  }

  function killBackend(fraction: number): boolean {
    // The first few are its own: writers, and what cleans up.
    const backends = childrenOf(postgres.pid() ?? 0).slice(6)
    const backend = backends[Math.floor(fraction * backends.length)]
    if (backend !== undefined) kill(backend)
    return backend !== undefined
  }

  /** What was killed holds its shared memory for a moment longer. */
  async function startAgain(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await postgres.startAgain()
      } catch (error) {
        if (tries === STARTS) throw error
        await wait(300)
      }
    }
  }

  async function countConnections(): Promise<number | undefined> {
    const db = openDatabase({ kind: 'postgres', url: postgres.url, maxConnections: 1 })
    try {
      const { rows } = await sql<{ count: string }>`select count(*) from pg_stat_activity
        where application_name like 'hotpatch%'`.execute(db)
      return Number(rows[0]?.count)
    } catch {
      return undefined // it is being killed
    } finally {
      await db.destroy()
    }
  }

  return { url: postgres.url, killAll, killBackend, startAgain, countConnections, stop: postgres.stop }
}
