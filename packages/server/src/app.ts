import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Role } from '@hotpatch/api'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { uuidv7 } from 'uuidv7'
import { accessRoutes } from './access/access-routes.ts'
import { createAccessService } from './access/access-service.ts'
import { keepOwnerToken, readDeviceIdSecret, readJwtSecret } from './access/secret-files.ts'
import { createAnnouncementRelay } from './announcements/announcement-relay.ts'
import { announcementRoutes } from './announcements/announcement-routes.ts'
import { createAnnouncementService } from './announcements/announcement-service.ts'
import { createAnnouncementStreams } from './announcements/announcement-streams.ts'
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
import { createCohortMembers } from './cohorts/cohort-members.ts'
import { cohortRoutes } from './cohorts/cohort-routes.ts'
import { createCohortService } from './cohorts/cohort-service.ts'
import type { Config } from './config.ts'
import { createChangeFeed } from './database/change-feed.ts'
import { migrate } from './database/migrate.ts'
import { openDatabase, openReadThread, pingDatabase } from './database/open-database.ts'
import type { Database } from './database/schema.ts'
import { hotPatchEventRoutes } from './dialects/hotpatch/event-routes.ts'
import { reactNative } from './dialects/react-native/react-native.ts'
import { experimentRoutes } from './experiments/experiment-routes.ts'
import { createExperimentService } from './experiments/experiment-service.ts'
import { createDeviceIdentity, requireSameDeviceSecret } from './fleet/device-identity.ts'
import { deviceRoutes } from './fleet/device-routes.ts'
import { createDeviceService } from './fleet/device-service.ts'
import { createRetention, sweepHere, sweepInThread } from './fleet/retention.ts'
import { createFleetService } from './fleet/fleet-service.ts'
import { createFleetWriter, createFleetWriterThread } from './fleet/fleet-writer.ts'
import { createGuardCompanion } from './guards/guard-companion.ts'
import { rolloutGuardRoutes } from './guards/guard-routes.ts'
import { createGuardService } from './guards/guard-service.ts'
import { createGuardWatch } from './guards/guard-watch.ts'
import { createHttp, type LogStream } from './http/create-http.ts'
import { managementApi, MANAGEMENT_PREFIX } from './http/management-api.ts'
import { createMetrics } from './http/metrics.ts'
import { operationsRoutes } from './http/operations-routes.ts'
import { createPublicUrl } from './http/public-url.ts'
import { createRateLimiter } from './http/rate-limit.ts'
import { logRequests } from './http/request-log.ts'
import { guardRoutes } from './access/route-access.ts'
import { insightRoutes } from './insights/insight-routes.ts'
import { createInsightService } from './insights/insight-service.ts'
import { releaseRoutes } from './releases/release-routes.ts'
import { createReleaseService } from './releases/release-service.ts'
import { createAutomation } from './plans/automation.ts'
import { createPlanCompanion } from './plans/plan-companion.ts'
import { planRoutes } from './plans/plan-routes.ts'
import { createPlanService } from './plans/plan-service.ts'
import { createPublishing } from './rollouts/publishing.ts'
import { publishingRoutes } from './rollouts/publishing-routes.ts'
import { rolloutRoutes } from './rollouts/rollout-routes.ts'
import { createRolloutService } from './rollouts/rollout-service.ts'
import { createDiskStorage } from './storage/disk-storage.ts'
import { createCatalogSync } from './updates/catalog-sync.ts'
import { createCatalogs } from './updates/catalogs.ts'
import { explainRoutes } from './updates/explain-routes.ts'
import { createExplainService } from './updates/explain-service.ts'
import { previewRoutes } from './updates/preview-routes.ts'
import { createPreviewService } from './updates/preview-service.ts'
import { createUpdateService } from './updates/update-service.ts'
import { systemTimers, type Timers } from './timers.ts'
import { VERSION } from './version.ts'
import { createDeliveryService } from './webhooks/delivery-service.ts'
import { createAddressRules } from './webhooks/sending/address-rules.ts'
import { createWebhookDispatcher } from './webhooks/webhook-dispatcher.ts'
import { webhookRoutes } from './webhooks/webhook-routes.ts'
import { createWebhookService } from './webhooks/webhook-service.ts'

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS
const UPLOAD_IDLE_TIMEOUT_MS = 30_000
/** The small parts of a publish and the form around them. */
const FORM_OVERHEAD_BYTES = 1024 * 1024

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

export interface App {
  /** Answers requests; `http.inject` does so without a socket. */
  http: FastifyInstance
  /** Only at the very first start. It is also in the data folder. */
  ownerToken: string | undefined
  /** What the server else does by itself every few seconds: guards look, plans go on. Never two rounds at once. */
  tick(): Promise<void>
  /** Finishes the requests in flight and writes what is buffered. */
  close(): Promise<void>
}

/** The composition root: everything is built here, once, and passed in. */
export async function createApp(options: AppOptions): Promise<App> {
  const { config, clock = systemClock, timers = systemTimers, newId = uuidv7 } = options
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 })
  const db = options.database ?? openDatabase(config.database)
  await migrate(db)

  const http = createHttp(config, newId, options.logTo)
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

  const identity = createDeviceIdentity({
    secret: config.deviceIdSecret ?? (await readDeviceIdSecret(config.dataDirectory)),
  })
  await requireSameDeviceSecret(db, identity)
  const catalogs = createCatalogs({ db, identity })
  const cohortMembers = createCohortMembers({ db })
  const feed = createChangeFeed(config.database, db, (error) =>
    log.warn({ err: error }, 'changes by other servers are not heard; refreshing by time'),
  )
  const sync = createCatalogSync({ catalogs, cohorts: cohortMembers, feed, intervalMs: config.refreshIntervalMs, log })
  const { announceApps, announceCatalogs, announceCohorts } = sync

  const audit = createAuditService({ db, clock, newId })
  const announcements = createAnnouncementService({ db, clock, newId })
  const jwtSecret = config.jwtSecret ?? (await readJwtSecret(config.dataDirectory))
  const access = createAccessService({ db, audit, clock, newId, jwtSecret })
  const channels = createChannelService({ db, audit, clock, newId, announceApps })
  const createDefaultChannels = channels.createDefaults
  const settleFleet = () => fleet.settle()
  const forApps = { identity, createDefaultChannels, announceApps, settleFleet }
  const apps = createAppService({ db, audit, clock, newId, ...forApps })
  const cohorts = createCohortService({ db, audit, identity, clock, newId, announceCohorts })
  const releases = createReleaseService({ db })
  const changes = { db, audit, announcements, clock, newId, announceCatalogs }
  const companions = [createPlanCompanion({ clock }), createGuardCompanion({ apps, releases, clock })]
  const rollouts = createRolloutService({ ...changes, companions, apps, channels, releases })
  const publishing = createPublishing({ ...changes, apps, channels, artifacts, releases, rollouts })

  const experiments = createExperimentService({ ...changes, apps, releases, rollouts })

  const guards = createGuardService({ db, releases, audit, clock })
  const guardWatch = createGuardWatch({ db, apps, releases, rollouts, audit, announcements, clock, log })
  const plans = createPlanService({ db, rollouts, guards, clock, log })
  const automation = createAutomation({
    tasks: [
      { name: 'guards', run: guardWatch.watch },
      { name: 'plans', run: plans.advanceDue },
    ],
    intervalMs: config.automationIntervalMs,
    timers,
    log,
  })

  const addresses = createAddressRules({ allowed: config.webhooks.allowedNetworks })
  const background = { clock, timers, newId, intervalMs: config.refreshIntervalMs, log }
  const webhooks = createWebhookService({ db, audit, addresses, clock, newId })
  const dispatcher = createWebhookDispatcher({ db, audit, addresses, random: Math.random, ...background })
  const deliveries = createDeliveryService({ db, audit, dispatcher, clock, newId })
  const relay = createAnnouncementRelay({ announcements, receive: webhooks.addDeliveries, feed, ...background })
  const streams = createAnnouncementStreams({ announcements, timers, log })
  relay.onPlaced(dispatcher.wake)
  relay.onPlaced(streams.look)

  const { database } = config
  // Another connection would open another database in memory.
  const isFile = database.kind === 'sqlite' && database.path !== ':memory:' && !options.database
  const writer = isFile ? createFleetWriterThread({ path: database.path, clock, log }) : createFleetWriter({ db })
  const refreshFailuresMs = database.kind === 'postgres' ? config.refreshIntervalMs : 0
  const fleet = createFleetService({ db, writer, clock, timers, log, newId, limits: { refreshFailuresMs } })
  const reads = isFile ? openReadThread(database.path) : db
  const runSweep = isFile ? sweepInThread(database.path) : sweepHere(db, timers)
  const retention = createRetention({ runSweep, clock, timers, log, announceCohorts })
  const devices = createDeviceService({ db, reads, fleet, identity, audit, announceCohorts })
  const dropped = () => fleet.counters().droppedNotes + fleet.counters().droppedCounts
  const insights = createInsightService({ db: reads, clock, dropped })
  const updates = createUpdateService({
    clock,
    failedReleaseIds: fleet.failedReleaseIds,
    cohortsOf: cohortMembers.cohortsOf,
  })

  const previews = createPreviewService({ db, catalogs, updates, identity, settleFleet, newId })

  const addressLimiter = createRateLimiter({ perMinute: config.rateLimits.addressPerMinute, clock })
  const deviceLimiter = createRateLimiter({ perMinute: config.rateLimits.devicePerMinute, clock })
  const resolveApp = (request: FastifyRequest, idOrSlug: string) => apps.resolve(request.actor, idOrSlug)
  const maxUploadBytes = maxBytes + FORM_OVERHEAD_BYTES

  const authorize = (request: FastifyRequest, role: Role) => access.authorize(request.headers.authorization, role)
  guardRoutes(http, authorize)
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
        planRoutes({ plans, rollouts }),
        rolloutGuardRoutes({ guards, rollouts, resolveApp, publicUrl }),
        deviceRoutes({ devices, resolveApp }),
        explainRoutes({ explanations: createExplainService({ catalogs, updates, devices }), resolveApp }),
        cohortRoutes({ cohorts, resolveApp }),
        experimentRoutes({ experiments, resolveApp }),
        previewRoutes({ previews, resolveApp }),
        announcementRoutes({
          announcements,
          streams,
          resolveApp,
          authorize: (request) => authorize(request, 'reader'),
        }),
        webhookRoutes({ webhooks, deliveries, resolveApp }),
        insightRoutes({ insights, resolveApp }),
        auditRoutes({ audit, resolveApp }),
      ],
      VERSION,
    ),
    { prefix: MANAGEMENT_PREFIX },
  )
  const forPeople = { access, apps, artifacts, releases, rollouts, publishing, maxUploadBytes }
  const forDevices = { catalogs, identity, updates, fleet, deviceLimiter, clock, onCheck: metrics.countCheck }
  const dialect = reactNative({ ...forPeople, ...forDevices, publicUrl, addressLimiter })
  await http.register(dialect)
  await http.register(dialect, { prefix: '/apps/:slug' })
  const events = hotPatchEventRoutes({ ...forDevices, addressLimiter })
  await http.register(events)
  await http.register(events, { prefix: '/apps/:slug' })
  const onDownload = (sha256: string, sentBytes: number) => {
    metrics.countDownload(sentBytes)
    fleet.noteDownload(sha256, sentBytes)
  }
  await http.register(artifactRoutes({ storage, onDownload }))
  await http.register(operationsRoutes({ metrics, checkReady: () => pingDatabase(db) }))

  for (const [name, help] of FLEET_GAUGES) {
    metrics.gauge(`hotpatch_fleet_${snakeCase(name)}`, help, () => fleet.counters()[name])
  }
  metrics.gauge('hotpatch_live_streams', 'Readers of the live stream', streams.count)
  metrics.gauge('hotpatch_webhooks_in_flight', 'Webhooks that are being sent', dispatcher.inFlight)

  const ownerToken = await access.createFirstOwner((token) => keepOwnerToken(config.dataDirectory, token))
  await catalogs.refresh()
  await cohortMembers.refresh()
  await fleet.start()
  retention.start()
  sync.start()
  automation.start()
  relay.start()
  feed.start()
  const stopSweeping = startSweeping()

  function startSweeping(): () => void {
    const sweep = async () => {
      await spool.sweepSpool()
      await artifacts.sweepOrphans({ olderThanMs: DAY_MS })
      await announcements.sweep()
      await deliveries.sweep()
    }
    const run = () => void sweep().catch((error: unknown) => log.warn({ err: error }, 'the sweep of uploads failed'))
    run()
    const timer = setInterval(run, HOUR_MS).unref()
    return () => clearInterval(timer)
  }

  async function close(): Promise<void> {
    stopSweeping()
    const automationStopped = automation.stop()
    // They would hold the server open for ever.
    streams.close()
    const deadline = setTimeout(() => http.server.closeAllConnections(), config.http.stopTimeoutMs).unref()
    await http.close()
    clearTimeout(deadline)
    await automationStopped
    await relay.stop()
    await dispatcher.stop()
    await retention.stop()
    await fleet.stop()
    await writer.close()
    if (reads !== db) await reads.destroy()
    await feed.close()
    await sync.close()
    await db.destroy()
  }

  return { http, ownerToken, tick: automation.tick, close }
}

const FLEET_GAUGES = [
  ['bufferedNotes', 'Devices whose last check waits to be written'],
  ['bufferedEvents', 'Reports that wait to be written'],
  ['droppedNotes', 'Checks that were not noted because the buffer was full'],
  ['droppedCounts', 'Checks and downloads that were not counted because too many kinds of them waited'],
  ['refusedReports', 'Reports that were refused with 429 because the buffer was full'],
  ['writtenBatches', 'Batches written'],
  ['writtenRows', 'Rows written'],
  ['failedWrites', 'Batches that could not be written, and were tried again'],
  ['refusedRows', 'Rows that the database refused for good'],
  ['rememberedFailures', 'Failed releases of devices that are known without the database'],
] as const

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
