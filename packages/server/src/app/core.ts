import { mkdir } from 'node:fs/promises'
import { uuidv7 } from 'uuidv7'
import { readSecretsKey } from '../people/access/secret-files.ts'
import { type Clock, systemClock, systemTimers, type Timers } from '../ground/clock.ts'
import type { Config } from '../configuration/config.ts'
import { migratePatiently } from '../ground/database/migrate-patiently.ts'
import { migrate } from '../ground/database/migrate.ts'
import { openDatabase, openReadThread } from '../ground/database/open-database.ts'
import type { Database } from '../ground/database/schema.ts'
import { createHttp } from '../ground/http/create-http.ts'
import type { LogStream } from '../ground/log.ts'
import { createLimiters } from '../ground/http/share-limits.ts'
import { createMetrics } from '../ground/http/metrics.ts'
import { createPublicUrl } from '../ground/http/public-url.ts'
import { openStorage } from '../ground/storage/open-storage.ts'
import { sealDatabase } from '../ground/secrets/seal-database.ts'
import { createSecretBox } from '../ground/secrets/secret-box.ts'
import { ALONE, type Crew } from '../ground/workers/crew.ts'

export interface AppOptions {
  config: Config
  clock?: Clock
  timers?: Timers
  newId?: () => string
  /** A database that is open already, for tests: it is migrated, and closed with the app. */
  database?: Database
  /** Instead of stdout, for tests. */
  logTo?: LogStream
  /** The processes of this machine that serve beside this one. */
  crew?: Crew
}

export type Core = Awaited<ReturnType<typeof openCore>>

/** What everything else is built on: the database, the HTTP server, time. */
export async function openCore(options: AppOptions) {
  const { config, clock = systemClock, timers = systemTimers, newId = uuidv7, crew = ALONE } = options
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 })
  const { storage, notice: storageNotice } = await openStorage(config.storage, clock)
  const db = options.database ?? openDatabase(config.database)
  if (!options.database && config.database.kind === 'postgres') await migratePatiently(config.database, timers)
  else await migrate(db)
  const secretsKeys = config.secretsKeys ?? [await readSecretsKey(config.dataDirectory)]
  const box = createSecretBox(secretsKeys)
  await sealDatabase(db, box)
  const databaseFile = options.database ? undefined : fileOf(config)
  const reads = databaseFile === undefined ? (openOf(options, 'figures') ?? db) : openReadThread(databaseFile)
  const serving = createHttp(config, newId, timers, options.logTo)
  const { app: http } = serving
  if (storageNotice !== undefined) http.log.warn(storageNotice)
  return {
    config,
    clock,
    timers,
    newId,
    db,
    /** Of artifacts. */
    storage,
    /** For secrets that stand in the database. */
    box,
    /** What it is made of: what else has to be known again derives keys of its own from them. */
    secretsKeys,
    /** Of SQLite on a disk, which other threads can open, too: another connection would open another one in memory. */
    databaseFile,
    /** For what takes long: on SQLite another thread. It sees what is committed, and cannot write. */
    reads,
    /** For figures and exports, which may be a moment old: of PostgreSQL the replica, if there is one. */
    figures: openFigures(options, reads),
    /** In which the fleet is written: on SQLite the file itself is, by another thread. */
    fleetDb: openOf(options, 'devices') ?? db,
    /** The framework, which serves people. */
    http,
    serving,
    log: http.log,
    /** The processes that serve beside this one. */
    crew,
    createLimiter: createLimiters({ crew, clock, timers }),
    metrics: createMetrics(crew),
    publicUrl: createPublicUrl(config.http.publicUrl),
  }
}

/** Connections to PostgreSQL of its own; undefined elsewhere. */
function openOf({ config, database }: AppOptions, use: 'devices' | 'figures'): Database | undefined {
  if (database || config.database.kind !== 'postgres') return undefined
  return openDatabase({ ...config.database, maxConnections: config.pools[use] }, use)
}

function openFigures({ config, database }: AppOptions, reads: Database): Database {
  const { replicaUrl, figures } = config.pools
  if (database || config.database.kind !== 'postgres' || replicaUrl === null) return reads
  return openDatabase({ kind: 'postgres', url: replicaUrl, maxConnections: figures }, 'figures')
}

function fileOf({ database }: Config): string | undefined {
  return database.kind === 'sqlite' && database.path !== ':memory:' ? database.path : undefined
}
