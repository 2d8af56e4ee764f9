import { mkdir } from 'node:fs/promises'
import { uuidv7 } from 'uuidv7'
import { readSecretsKey } from '../people/access/secret-files.ts'
import { type Clock, systemClock, systemTimers, type Timers } from '../ground/clock.ts'
import type { Config } from '../configuration/config.ts'
import type { Database } from '../ground/database/schema.ts'
import { createHttp } from '../ground/http/create-http.ts'
import type { LogStream } from '../ground/log.ts'
import { createLimiters } from '../ground/http/share-limits.ts'
import { createMetrics } from '../ground/http/metrics.ts'
import { createPublicUrl } from '../ground/http/public-url.ts'
import { joinOtherServers } from '../ground/redis/other-servers.ts'
import { openStorage } from '../ground/storage/open-storage.ts'
import { openTraces } from '../ground/traces/open-traces.ts'
import { sealDatabase } from '../ground/secrets/seal-database.ts'
import { createSecretBox } from '../ground/secrets/secret-box.ts'
import { ALONE, type Crew } from '../ground/workers/crew.ts'
import { openDatabases } from './open-databases.ts'

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
  const { storage: artifacts, publicFiles, notice: storageNotice } = await openStorage(config.storage, clock)
  const serving = createHttp(config, newId, timers, options.logTo)
  const { app: http } = serving
  const traces = await openTraces(config.traces, { clock, timers, newId, random: Math.random, log: http.log })
  const storage = traces.ofStorage(artifacts, config.storage.kind)
  const databases = await openDatabases({ config, timers, traces, log: http.log }, options.database)
  const secretsKeys = config.secretsKeys ?? [await readSecretsKey(config.dataDirectory)]
  const box = createSecretBox(secretsKeys)
  await sealDatabase(databases.db, box)
  if (storageNotice !== undefined) http.log.warn(storageNotice)
  const { redis } = config
  const heard = { clock, timers, log: http.log }
  const otherServers = redis && (await joinOtherServers({ config: redis, keys: secretsKeys, ...heard }))
  return {
    config,
    clock,
    timers,
    newId,
    ...databases,
    closeDatabases: databases.close,
    /** Of artifacts. */
    storage,
    /** Beside them, for whoever serves them without this server. */
    publicFiles,
    /** For secrets that stand in the database. */
    box,
    /** What it is made of: what else has to be known again derives keys of its own from them. */
    secretsKeys,
    /** The framework, which serves people. */
    http,
    serving,
    log: http.log,
    /** For whoever wants to see what takes how long. */
    traces,
    /** The processes that serve beside this one. */
    crew,
    /** The processes of all machines, over Redis. Null: there is none. */
    otherServers,
    createLimiter: createLimiters({ crew, servers: otherServers, clock, timers }),
    metrics: createMetrics(crew),
    publicUrl: createPublicUrl(config.http.publicUrl),
  }
}
