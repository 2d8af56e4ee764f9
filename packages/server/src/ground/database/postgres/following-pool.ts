import type { PostgresPool, PostgresPoolClient } from 'kysely'
import { Pool, type PoolClient, type PoolConfig } from 'pg'
import { BoundedClient, type BoundedClientOptions } from './bounded-client.ts'
import type { PostgresServer } from './server-list.ts'
import type { ServerChoice } from './server-choice.ts'

/** The driver's: all connections were busy for too long, which says nothing of the server. */
const NONE_FREE = 'timeout exceeded when trying to connect'

/** Connections to the server in use: when that is another one, those to the one before are cut. */
export function createFollowingPool(
  choice: ServerChoice,
  options: Omit<PoolConfig, 'connectionString'> & Omit<BoundedClientOptions, 'connectionString'>,
): PostgresPool {
  let current: ServerPool | undefined
  let isEnded = false
  const ends: Promise<void>[] = []

  async function connect(): Promise<PostgresPoolClient> {
    const server = await choice.find()
    try {
      return await poolOf(server).connect()
    } catch (error) {
      if (isEnded || !(error instanceof Error) || error.message === NONE_FREE) throw error
      choice.doubt(server)
      const other = await choice.find()
      if (other === server) throw error
      return poolOf(other).connect()
    }
  }

  function poolOf(server: PostgresServer): ServerPool {
    if (isEnded) throw new Error('Cannot use a pool after calling end on the pool')
    if (current?.server === server) return current
    leave()
    const onLost = () => choice.doubt(server)
    return (current = openServerPool(server, options, onLost))
  }

  function leave(): void {
    if (!current) return
    current.cut('Another server of the database is used now.')
    ends.push(current.end())
    current = undefined
  }

  const stopHearing = choice.onChange((server) => {
    if (current && current.server !== server) leave()
  })

  return {
    options: {},
    connect,
    async end() {
      isEnded = true
      stopHearing()
      if (current) ends.push(current.end())
      current = undefined
      await Promise.all(ends)
    },
  }
}

type ServerPool = ReturnType<typeof openServerPool>

function openServerPool(server: PostgresServer, options: PoolConfig, onLost: () => void) {
  const clients = new Set<BoundedClient>()
  const pool = new Pool({ ...options, connectionString: server.url, Client: BoundedClient as never })
  pool.on('connect', (client) => void clients.add(client as unknown as BoundedClient))
  pool.on('remove', (client) => void clients.delete(client as unknown as BoundedClient))
  // An idle connection that breaks is replaced at the next statement, which reports what is wrong.
  pool.on('error', onLost)
  return {
    server,
    connect: () => pool.connect() as Promise<PoolClient & PostgresPoolClient>,
    /** What is under way fails. */
    cut(why: string) {
      for (const client of clients) client.cut(why)
    },
    end: () => pool.end(),
  }
}
