import { readDeviceIdSecret } from '../people/access/secret-files.ts'
import { createCohortMembers } from '../rolling-out/cohorts/cohort-members.ts'
import { createChangeFeed } from '../ground/database/change-feed.ts'
import { createDeviceCredentials } from '../fleet/devices/device-proof.ts'
import { createDeviceIdentity, requireSameDeviceSecret } from '../fleet/devices/device-identity.ts'
import { createFleetService } from '../fleet/recording/fleet-service.ts'
import { createFleetWriter, createFleetWriterThread } from '../fleet/recording/writing/fleet-writer.ts'
import { createRetention, sweepHere, sweepInThread } from '../fleet/retention/retention.ts'
import { createCatalogSync } from '../updates/catalog-sync.ts'
import { createCatalogs } from '../updates/catalogs.ts'
import { createUpdateService } from '../updates/update-service.ts'
import { DIALECTS } from '../dialects/dialects.ts'
import type { Core } from './core.ts'
import { joinFleets } from './join-fleets.ts'

const BY_NAME = new Map(DIALECTS.map((dialect) => [dialect.name, dialect]))

export type CheckPath = Awaited<ReturnType<typeof createCheckPath>>

/** What answers devices, from memory: the catalogs and cohorts, kept up to date, and the fleet behind them. */
export async function createCheckPath({
  config,
  clock,
  timers,
  newId,
  db,
  reads,
  fleetDb,
  box,
  databaseFile,
  servers,
  traces,
  log,
  crew,
  otherServers,
  createLimiter,
}: Core) {
  const secret = config.deviceIdSecret ?? (await readDeviceIdSecret(config.dataDirectory))
  const identity = createDeviceIdentity({ secret })
  const proofs = createDeviceCredentials({ secret })
  await requireSameDeviceSecret(db, identity)
  const catalogs = createCatalogs({ db, identity, box })
  const cohortMembers = createCohortMembers({ db })
  const onFeedError = (error: unknown) =>
    log.warn({ err: error }, 'changes by other servers are not heard; refreshing by time')
  const feed = createChangeFeed(servers, db, onFeedError, crew, otherServers)
  const sync = createCatalogSync({ catalogs, cohorts: cohortMembers, feed, intervalMs: config.refreshIntervalMs, log })

  const writer =
    databaseFile === undefined
      ? createFleetWriter({ db: fleetDb })
      : createFleetWriterThread({ path: databaseFile, clock, log })
  // One process on SQLite has seen every failure itself.
  const isAlone = config.database.kind === 'sqlite' && crew.size === 1
  const refreshFailuresMs = isAlone ? 0 : config.refreshIntervalMs
  const ownFleet = createFleetService({
    db,
    reads,
    writer,
    clock,
    timers,
    log,
    newId,
    createLimiter,
    limits: { ...config.events, refreshFailuresMs },
  })
  const fleet = joinFleets(ownFleet, crew, log)
  const runSweep = databaseFile === undefined ? sweepHere(db, timers) : sweepInThread(databaseFile)
  const retention = createRetention({ runSweep, clock, timers, traces, log, raise: sync.raise })
  const updates = createUpdateService({
    clock,
    failedReleaseIds: fleet.failedReleaseIds,
    cohortsOf: cohortMembers.cohortsOf,
    allowsDeviceCohorts: (appId) => catalogs.findApp(appId)?.allowsDeviceCohorts ?? false,
    takesOf: (dialect, told) => BY_NAME.get(dialect)?.takes(told),
  })

  async function start(): Promise<void> {
    await catalogs.refresh()
    await cohortMembers.refresh()
    await fleet.start()
    sync.start()
  }

  /** Writes what is buffered. */
  async function stop(): Promise<void> {
    await fleet.stop()
    await writer.close()
    await feed.close()
    await sync.close()
  }

  return { identity, proofs, catalogs, cohortMembers, feed, sync, fleet, retention, updates, start, stop }
}
