import type { Config } from '../configuration/config.ts'
import type { Timers } from '../ground/clock.ts'
import { migratePatiently } from '../ground/database/migrate-patiently.ts'
import { migrate, type SchemaChange } from '../ground/database/migrate.ts'
import {
  chooseAmong,
  openDatabase,
  openOverPool,
  openPool,
  openReadThread,
  type Around,
  type DatabaseConfig,
} from '../ground/database/open-database.ts'
import { createFallingBackPool } from '../ground/database/postgres/falling-back-pool.ts'
import type { ServerChoice } from '../ground/database/postgres/server-choice.ts'
import type { Database } from '../ground/database/schema.ts'
import { watchReplica, type ReplicaWatch } from '../ground/database/watch-replica.ts'
import type { Log } from '../ground/log.ts'
import type { Traces } from '../ground/traces/traces.ts'

/** The ways to the database, migrated. Each is for something else, so that none waits for another's. */
export interface Databases {
  /** For what people do, and whatever must be right. */
  db: Database
  /** For what takes long: on SQLite another thread. It sees what is committed, and cannot write. */
  reads: Database
  /** For what may be a moment old, which `mayBeOld` lists: of PostgreSQL the replica, if there is one. */
  figures: Database
  /** In which the fleet is written: on SQLite the file itself is, by another thread. */
  fleetDb: Database
  /** Of SQLite on a disk, which other threads can open, too: another connection would open another one in memory. */
  databaseFile: string | undefined
  /** Which of several servers of PostgreSQL is used; undefined on SQLite. */
  servers: ServerChoice | undefined
  replica: ReplicaWatch | undefined
  close(): Promise<void>
}

interface OpenOptions {
  config: Config
  timers: Timers
  traces: Traces
  log: Log
}

/** @param given a database that is open already: everything is in it */
export async function openDatabases(options: OpenOptions, given?: Database): Promise<Databases> {
  const { config, traces, log } = options
  const { database } = config
  if (!given && database.kind === 'postgres') return openPostgres(database, options)
  const around: Around = (dialect) => traces.ofDatabase(dialect, 'sqlite')
  const db = given ?? openDatabase(database, 'people', undefined, around)
  sayUpgrade(await migrate(db), log)
  const databaseFile = given ? undefined : fileOf(database)
  const reads = databaseFile === undefined ? db : openReadThread(databaseFile, around)
  const close = () => destroyAll([reads, db])
  return { db, reads, figures: reads, fleetDb: db, databaseFile, servers: undefined, replica: undefined, close }
}

async function openPostgres(
  database: Extract<DatabaseConfig, { kind: 'postgres' }>,
  options: OpenOptions,
): Promise<Databases> {
  const { config, timers, log } = options
  const around = aroundPostgres(options)
  const { devices, figures: figureConnections } = config.pools
  const servers = chooseAmong(database.url)
  sayChanges(servers, log)
  const migrating = openDatabase({ ...database, maxConnections: 1 }, 'migrations', servers)
  sayUpgrade(await migratePatiently(migrating, { timers, log }), log)
  const db = openDatabase(database, 'people', servers, around)
  const fleetDb = openDatabase({ ...database, maxConnections: devices }, 'devices', servers)
  const readsPool = openPool({ ...database, maxConnections: figureConnections }, 'figures', servers)
  const reads = openOverPool(readsPool, around)
  const replica = openReplica({ ...options, reads, readsPool })
  async function close(): Promise<void> {
    await replica?.close()
    servers.close()
    await destroyAll([fleetDb, reads, db])
  }
  const figures = replica?.figures ?? reads
  return { db, reads, figures, fleetDb, databaseFile: undefined, servers, replica: replica?.watch, close }
}

function aroundPostgres({ traces }: OpenOptions): Around {
  return (dialect) => traces.ofDatabase(dialect, 'postgresql')
}

function openReplica(options: OpenOptions & { reads: Database; readsPool: ReturnType<typeof openPool> }) {
  const { config, timers, log, reads, readsPool } = options
  const { replicaUrl: url, figures: maxConnections, maxReplicaLagMs: maxLagMs } = config.pools
  if (url === null) return undefined
  const servers = chooseAmong(url)
  // One for the watch, which must not wait for figures.
  const watched = openDatabase({ kind: 'postgres', url, maxConnections: 1 }, 'watch', servers)
  const watch = watchReplica({ primary: reads, replica: watched, maxLagMs, timers, log })
  const first = openPool({ url, maxConnections }, 'replica', servers)
  const { isUsable, fail: onFailed } = watch
  const figures = openOverPool(
    createFallingBackPool({ first, other: readsPool, isUsable, onFailed }),
    aroundPostgres(options),
  )
  watch.start()
  async function close(): Promise<void> {
    await watch.stop()
    servers.close()
    await destroyAll([watched, figures])
  }
  return { watch, figures, close }
}

/** Tables of a new database are no news. */
function sayUpgrade(change: SchemaChange | undefined, log: Log): void {
  if (change && change.from !== null) log.info({ ...change }, 'the database was brought up to date')
}

/** The first is where it was expected; after that somebody wants to know. */
function sayChanges(servers: ServerChoice, log: Log): void {
  let before: string | undefined
  servers.onChange(({ name }) => {
    if (before !== undefined) log.warn({ from: before, to: name }, 'another server of the database is used from now on')
    before = name
  })
}

async function destroyAll(databases: readonly Database[]): Promise<void> {
  for (const each of new Set(databases)) await each.destroy()
}

function fileOf(database: DatabaseConfig): string | undefined {
  return database.kind === 'sqlite' && database.path !== ':memory:' ? database.path : undefined
}
