import type { Config } from './config.ts'

/** For a transaction, and what is read beside it. */
const LEAST_CONNECTIONS = 2

/** What is one worker's of what the server may have in all. */
export function shareOfWorker(config: Config): Config {
  const { workers, connections, database } = config
  const part = (of: number) => Math.ceil(of / workers)
  return {
    ...config,
    connections: {
      maxConnections: part(connections.maxConnections),
      // Those of one address need not be spread as evenly as all of them.
      maxPerAddress: Math.min(2 * part(connections.maxPerAddress), connections.maxPerAddress),
    },
    database:
      database.kind === 'postgres'
        ? { ...database, maxConnections: Math.max(LEAST_CONNECTIONS, Math.floor(database.maxConnections / workers)) }
        : database,
  }
}
