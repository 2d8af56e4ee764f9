import { mkdir } from 'node:fs/promises'
import { uuidv7 } from 'uuidv7'
import { readSecretsKey } from '../people/access/secret-files.ts'
import { type Clock, systemClock, systemTimers, type Timers } from '../ground/clock.ts'
import type { Config } from '../configuration/config.ts'
import { migrate } from '../ground/database/migrate.ts'
import { openDatabase, openReadThread } from '../ground/database/open-database.ts'
import type { Database } from '../ground/database/schema.ts'
import { createHttp, type LogStream } from '../ground/http/create-http.ts'
import { createMetrics } from '../ground/http/metrics.ts'
import { createPublicUrl } from '../ground/http/public-url.ts'
import { openStorage } from '../ground/storage/open-storage.ts'
import { sealDatabase } from '../ground/secrets/seal-database.ts'
import { createSecretBox } from '../ground/secrets/secret-box.ts'

export interface AppOptions {
  config: Config
  clock?: Clock
  timers?: Timers
  newId?: () => string
  /** A database that is open already, for tests: it is migrated, and closed with the app. */
  database?: Database
  /** Instead of stdout, for tests. */
  logTo?: LogStream
}

export type Core = Awaited<ReturnType<typeof openCore>>

/** What everything else is built on: the database, the HTTP server, time. */
export async function openCore(options: AppOptions) {
  const { config, clock = systemClock, timers = systemTimers, newId = uuidv7 } = options
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 })
  const { storage, notice: storageNotice } = await openStorage(config.storage, clock)
  const db = options.database ?? openDatabase(config.database)
  await migrate(db)
  const secretsKeys = config.secretsKeys ?? [await readSecretsKey(config.dataDirectory)]
  const box = createSecretBox(secretsKeys)
  await sealDatabase(db, box)
  const databaseFile = options.database ? undefined : fileOf(config)
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
    reads: databaseFile === undefined ? db : openReadThread(databaseFile),
    /** The framework, which serves people. */
    http,
    serving,
    log: http.log,
    metrics: createMetrics(),
    publicUrl: createPublicUrl(config.http.publicUrl),
  }
}

function fileOf({ database }: Config): string | undefined {
  return database.kind === 'sqlite' && database.path !== ':memory:' ? database.path : undefined
}
