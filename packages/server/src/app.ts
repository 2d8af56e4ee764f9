import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { uuidv7 } from 'uuidv7'
import { accessRoutes } from './access/access-routes.ts'
import { createAccessService } from './access/access-service.ts'
import { keepOwnerToken, readJwtSecret } from './access/secret-files.ts'
import { appRoutes } from './apps/app-routes.ts'
import { createAppService } from './apps/app-service.ts'
import { MAX_PATH_BYTES } from './artifacts/archive-paths.ts'
import { createArtifactService } from './artifacts/artifact-service.ts'
import { artifactRoutes } from './artifacts/artifact-routes.ts'
import { createUploadSpool } from './artifacts/upload-spool.ts'
import { auditRoutes } from './audit/audit-routes.ts'
import { createAuditService } from './audit/audit-service.ts'
import { channelRoutes } from './channels/channel-routes.ts'
import { createChannelService } from './channels/channel-service.ts'
import { systemClock, type Clock } from './clock.ts'
import type { Config } from './config.ts'
import { migrate } from './database/migrate.ts'
import { openDatabase, pingDatabase } from './database/open-database.ts'
import type { Database } from './database/schema.ts'
import { reactNative } from './dialects/react-native/react-native.ts'
import { fleetRoutes } from './fleet/fleet-routes.ts'
import { createFleetService } from './fleet/fleet-service.ts'
import { createFleetWriter, createFleetWriterThread } from './fleet/fleet-writer.ts'
import { createHttp } from './http/create-http.ts'
import { managementApi, MANAGEMENT_PREFIX } from './http/management-api.ts'
import { createMetrics } from './http/metrics.ts'
import { operationsRoutes } from './http/operations-routes.ts'
import { createPublicUrl } from './http/public-url.ts'
import { createRateLimiter } from './http/rate-limit.ts'
import { logRequests } from './http/request-log.ts'
import { guardRoutes } from './access/route-access.ts'
import { releaseRoutes } from './releases/release-routes.ts'
import { createReleaseService } from './releases/release-service.ts'
import { createPublishing } from './rollouts/publishing.ts'
import { publishingRoutes } from './rollouts/publishing-routes.ts'
import { rolloutRoutes } from './rollouts/rollout-routes.ts'
import { createRolloutService } from './rollouts/rollout-service.ts'
import { createDiskStorage } from './storage/disk-storage.ts'
import { createCatalogSync } from './updates/catalog-sync.ts'
import { createCatalogs } from './updates/catalogs.ts'
import { explainRoutes } from './updates/explain-routes.ts'
import { createExplainService } from './updates/explain-service.ts'
import { createUpdateService } from './updates/update-service.ts'
import { VERSION } from './version.ts'

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS
const UPLOAD_IDLE_TIMEOUT_MS = 30_000
/** The small parts of a publish and the form around them. */
const FORM_OVERHEAD_BYTES = 1024 * 1024

export interface AppOptions {
  config: Config
  clock?: Clock
  newId?: () => string
  /** A database that is open already, for tests: it is migrated, and closed with the app. */
  database?: Database
}

export interface App {
  /** Answers requests; `http.inject` does so without a socket. */
  http: FastifyInstance
  /** Only at the very first start. It is also in the data folder. */
  ownerToken: string | undefined
  /** Finishes the requests in flight and writes what is buffered. */
  close(): Promise<void>
}

/** The composition root: everything is built here, once, and passed in. */
export async function createApp(options: AppOptions): Promise<App> {
  const { config, clock = systemClock, newId = uuidv7 } = options
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 })
  const db = options.database ?? openDatabase(config.database)
  await migrate(db)

  const http = createHttp(config, newId)
  const { log } = http
  const metrics = createMetrics()
  const publicUrl = createPublicUrl(config.http.publicUrl)

  const storage = createDiskStorage({ directory: join(config.dataDirectory, 'artifacts'), clock })
  const { maxBytes, maxFiles, maxUnpackedBytes } = config.bundles
  const spool = createUploadSpool({
    directory: join(config.dataDirectory, 'uploads'),
    maxBytes,
    idleTimeoutMs: UPLOAD_IDLE_TIMEOUT_MS,
    clock,
  })
  const archiveLimits = { maxFiles, maxUnpackedBytes, maxPathBytes: MAX_PATH_BYTES }
  const artifacts = createArtifactService({ db, storage, spool, limits: archiveLimits, clock })

  const catalogs = createCatalogs({ db })
  const sync = createCatalogSync({ catalogs, db, database: config.database, intervalMs: config.refreshIntervalMs, log })
  const { announceApps, announceCatalogs } = sync

  const audit = createAuditService({ db, clock, newId })
  const jwtSecret = config.jwtSecret ?? (await readJwtSecret(config.dataDirectory))
  const access = createAccessService({ db, audit, clock, newId, jwtSecret })
  const channels = createChannelService({ db, audit, clock, newId, announceApps })
  const createDefaultChannels = channels.createDefaults
  const apps = createAppService({ db, audit, clock, newId, createDefaultChannels, announceApps })
  const releases = createReleaseService({ db })
  const changes = { db, audit, clock, newId, announceCatalogs }
  const rollouts = createRolloutService({ ...changes, apps, channels, releases })
  const publishing = createPublishing({ ...changes, apps, channels, artifacts, releases, rollouts })

  const { database } = config
  // Another connection would open another database in memory.
  const isFile = database.kind === 'sqlite' && database.path !== ':memory:' && !options.database
  const writer = isFile ? createFleetWriterThread({ path: database.path, clock, log }) : createFleetWriter({ db })
  const refreshFailuresMs = database.kind === 'postgres' ? config.refreshIntervalMs : 0
  const fleet = createFleetService({ db, writer, clock, log, limits: { refreshFailuresMs } })
  const updates = createUpdateService({ clock, failedReleaseIds: fleet.failedReleaseIds })

  const addressLimiter = createRateLimiter({ perMinute: config.rateLimits.addressPerMinute, clock })
  const deviceLimiter = createRateLimiter({ perMinute: config.rateLimits.devicePerMinute, clock })
  const resolveApp = (request: FastifyRequest, idOrSlug: string) => apps.resolve(request.actor, idOrSlug)
  const maxUploadBytes = maxBytes + FORM_OVERHEAD_BYTES

  guardRoutes(http, (request, role) => access.authorize(request.headers.authorization, role))
  logRequests(http, metrics)
  await http.register(
    managementApi(
      [
        accessRoutes({ access, resolveApp, clock, version: VERSION }),
        appRoutes({ apps, resolveApp }),
        channelRoutes({ channels, resolveApp }),
        releaseRoutes({ releases, resolveApp, publicUrl }),
        publishingRoutes({ publishing, artifacts, apps, releases, resolveApp, publicUrl, maxUploadBytes }),
        rolloutRoutes({ rollouts, resolveApp }),
        fleetRoutes({ fleet, resolveApp }),
        explainRoutes({ explanations: createExplainService({ catalogs, updates, fleet }), resolveApp }),
        auditRoutes({ audit, resolveApp }),
      ],
      VERSION,
    ),
    { prefix: MANAGEMENT_PREFIX },
  )
  const forPeople = { access, apps, artifacts, releases, rollouts, publishing, maxUploadBytes }
  const forDevices = { catalogs, updates, fleet, deviceLimiter, clock, onCheck: metrics.countCheck }
  const dialect = reactNative({ ...forPeople, ...forDevices, publicUrl, addressLimiter })
  await http.register(dialect)
  await http.register(dialect, { prefix: '/apps/:slug' })
  const onDownload = (_sha256: string, sizeBytes: number) => metrics.countDownload(sizeBytes)
  await http.register(artifactRoutes({ storage, onDownload }))
  await http.register(operationsRoutes({ metrics, checkReady: () => pingDatabase(db) }))

  for (const [name, help] of FLEET_GAUGES) {
    metrics.gauge(`hotpatch_fleet_${snakeCase(name)}`, help, () => fleet.counters()[name])
  }

  const ownerToken = await access.createFirstOwner((token) => keepOwnerToken(config.dataDirectory, token))
  await catalogs.refresh()
  await fleet.start()
  sync.start()
  const stopSweeping = startSweeping()

  function startSweeping(): () => void {
    const sweep = async () => {
      await spool.sweepSpool()
      await artifacts.sweepOrphans({ olderThanMs: DAY_MS })
    }
    const run = () => void sweep().catch((error: unknown) => log.warn({ err: error }, 'the sweep of uploads failed'))
    run()
    const timer = setInterval(run, HOUR_MS).unref()
    return () => clearInterval(timer)
  }

  async function close(): Promise<void> {
    stopSweeping()
    const deadline = setTimeout(() => http.server.closeAllConnections(), config.http.stopTimeoutMs).unref()
    await http.close()
    clearTimeout(deadline)
    await fleet.stop()
    await writer.close()
    await sync.close()
    await db.destroy()
  }

  return { http, ownerToken, close }
}

const FLEET_GAUGES = [
  ['bufferedNotes', 'Devices whose last check waits to be written'],
  ['bufferedEvents', 'Reports that wait to be written'],
  ['droppedNotes', 'Checks that were not noted because the buffer was full'],
  ['writtenBatches', 'Batches written'],
  ['writtenRows', 'Rows written'],
  ['failedWrites', 'Batches that could not be written, and were tried again'],
  ['refusedRows', 'Rows that the database refused for good'],
  ['rememberedFailures', 'Failed releases of devices that are known without the database'],
] as const

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
