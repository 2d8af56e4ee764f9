import { DEFAULT_CHANNEL } from '@hotpatch/api'
import type { FastifyRequest } from 'fastify'
import { accessRoutes } from '../people/access/access-routes.ts'
import { requireAllApps } from '../people/authors/actor.ts'
import { accountsRoutes } from '../people/accounts/accounts-routes.ts'
import { createAuthorize, type Authorize } from '../people/access/authorize.ts'
import { guardRoutes } from '../people/access/route-access.ts'
import { announcementRoutes } from '../telling/announcements/announcement-routes.ts'
import { appcastRoutes } from '../shipping/appcasts/appcast-routes.ts'
import { appRoutes } from '../shipping/apps/app-routes.ts'
import { artifactRoutes } from '../shipping/artifacts/artifact-routes.ts'
import { auditRoutes } from '../people/audit/audit-routes.ts'
import { channelKeyRoutes } from '../shipping/channels/channel-key-routes.ts'
import { channelRoutes } from '../shipping/channels/channel-routes.ts'
import { cohortRoutes } from '../rolling-out/cohorts/cohort-routes.ts'
import { pingDatabase } from '../ground/database/open-database.ts'
import { assetUpdatesPeople } from '../contracts/asset-updates/asset-updates-people.ts'
import { appVersionsPeople } from '../contracts/app-versions/app-versions-people.ts'
import { codePushPeople } from '../contracts/code-push/code-push-people.ts'
import { reactNativePeople } from '../contracts/react-native/react-native-people.ts'
import { DIALECTS } from '../dialects/dialects.ts'
import { experimentRoutes } from '../rolling-out/experiments/experiment-routes.ts'
import { deviceRoutes } from '../fleet/devices/device-routes.ts'
import { rolloutGuardRoutes } from '../rolling-out/guards/guard-routes.ts'
import { frontPage } from '../ground/http/front-page.ts'
import { createDeviceLane } from '../ground/http/device-lane.ts'
import { createDeviceLimits, type DeviceLimits } from '../ground/http/device-limits.ts'
import { managementApi, MANAGEMENT_PREFIX } from '../ground/http/management-api.ts'
import { operationsRoutes } from '../ground/http/operations-routes.ts'
import { logAnswers, logRequests } from '../ground/http/request-log.ts'
import { addSecurityHeaders } from '../ground/http/security-headers.ts'
import { consoleDirectory } from '../pages/console/console-directory.ts'
import { consoleRoutes } from '../pages/console/console-routes.ts'
import { installPageRoutes } from '../pages/install/install-page-routes.ts'
import { visitorRoutes } from '../pages/install/visitor-routes.ts'
import { attentionRoutes } from '../explaining/attention/attention-routes.ts'
import { insightRoutes } from '../explaining/insights/insight-routes.ts'
import { planRoutes } from '../rolling-out/plans/plan-routes.ts'
import { embeddedUpdateRoutes } from '../shipping/embedded-updates/embedded-update-routes.ts'
import { signedAnswerRoutes } from '../shipping/signed-answers/signed-answer-routes.ts'
import { patchRoutes } from '../shipping/patches/patch-routes.ts'
import { variantRoutes } from '../shipping/variants/variant-routes.ts'
import { sequenceRoutes } from '../shipping/sequences/sequence-routes.ts'
import { keyRoutes } from '../shipping/signing/key-routes.ts'
import { entryRoutes } from '../shipping/entries/entry-routes.ts'
import { releaseRoutes } from '../shipping/releases/release-routes.ts'
import { signatureRoutes } from '../rolling-out/publishing/signature-routes.ts'
import { publishingRoutes } from '../rolling-out/publishing/publishing-routes.ts'
import { fileUploadRoutes } from '../shipping/content/files/file-upload-routes.ts'
import { resumableUploadRoutes } from '../shipping/content/resumable/resumable-upload-routes.ts'
import { switchRoutes } from '../rolling-out/rollouts/switch-routes.ts'
import { proposalRoutes } from '../rolling-out/proposals/proposal-routes.ts'
import { protectionRoutes } from '../rolling-out/protections/protection-routes.ts'
import { rolloutRoutes } from '../rolling-out/rollouts/rollout-routes.ts'
import { explainRoutes } from '../explaining/explain/explain-routes.ts'
import { componentRoutes } from '../explaining/components/component-routes.ts'
import { impactRoutes } from '../explaining/impact/impact-routes.ts'
import { previewRoutes } from '../explaining/previews/preview-routes.ts'
import { edgeRoutes, publicEdgeRoutes } from '../updates/edge/edge-routes.ts'
import { createDesk } from '../updates/desk.ts'
import { VERSION } from '../ground/version.ts'
import { singleSignOnRoutes } from '../people/single-sign-on/single-sign-on-routes.ts'
import { trustRoutes } from '../people/trust/trust-routes.ts'
import { webhookRoutes } from '../telling/webhooks/webhook-routes.ts'
import { adviseOn } from './advise-on.ts'
import type { CheckPath } from './check-path.ts'
import type { Core } from './core.ts'
import type { Services } from './services.ts'
import type { Telling } from './telling.ts'

/** The small parts of a publish and the form around them. */
const FORM_OVERHEAD_BYTES = 1024 * 1024

interface Parts {
  core: Core
  checkPath: CheckPath
  services: Services
  telling: Telling
}

/** Every address that the server answers at. */
export async function registerRoutes(parts: Parts): Promise<void> {
  const { config, http, metrics, db, traces } = parts.core
  const { storage, servedAs } = parts.services
  const authorize = authorizeFor(parts)
  guardRoutes(http, authorize)
  traces.ofRequests(http)
  logRequests(http, metrics)
  addSecurityHeaders(http, config.http.publicUrl)
  await http.register(managementApi(managementRoutes(parts, authorize), VERSION), { prefix: MANAGEMENT_PREFIX })
  const limits = createDeviceLimits({
    settings: config.rateLimits,
    isKnown: parts.checkPath.fleet.isKnown,
    createLimiter: parts.core.createLimiter,
  })
  for (const contract of contracts(parts, limits)) {
    await http.register(contract)
    await http.register(contract, { prefix: '/apps/:slug' })
  }
  await http.register(codePushOf(parts), { prefix: '/code-push' })
  serveDevices(parts, limits)
  const { catalogs, fleet } = parts.checkPath
  const onDownload = (sha256: string, releaseId: string | undefined, sentBytes: number) => {
    metrics.countDownload(sentBytes)
    // Anybody can write anything into an address.
    const found = releaseId === undefined ? undefined : catalogs.findBytes(releaseId, sha256)
    if (found && releaseId !== undefined) fleet.noteDownload({ ...found, releaseId }, sentBytes)
    else fleet.noteDownload({ sha256, releaseId: null, isWhole: true }, sentBytes)
  }
  await http.register(artifactRoutes({ storage, clock: parts.core.clock, servedAs, onDownload }))
  await http.register(publicEdgeRoutes({ reader: parts.services.edgeReader }))
  await http.register(installPagesOf(parts, limits))
  const requireMetricsReader = ({ actor }: FastifyRequest) => actor && requireAllApps(actor)
  const forMetrics = { metrics, metricsAccess: config.metrics, requireMetricsReader }
  await http.register(consoleRoutes({ directory: consoleDirectory() }))
  await http.register(frontPage(VERSION, parts.core.config.http.publicUrl))
  await http.register(operationsRoutes({ ...forMetrics, checkReady: () => pingDatabase(db), storage }))
}

/** The one place that says who calls. */
function authorizeFor({ core, services }: Parts): Authorize {
  return createAuthorize({
    access: services.access,
    findSession: services.accounts.findSession,
    findGrants: services.accounts.findGrants,
    publicUrl: core.publicUrl,
  })
}

function managementRoutes({ core, checkPath, services, telling }: Parts, authorize: Authorize) {
  const { clock, publicUrl, createLimiter } = core
  const { access, announcements, apps, contents, files, releases, rollouts } = services
  const { webhooks, deliveries, streams } = telling
  const resolveApp = (request: FastifyRequest, idOrSlug: string) => apps.resolve(request.actor, idOrSlug)
  const authorizeReader = (request: FastifyRequest) => authorize(request, 'announcements:read')
  const maxUploadBytes = maxUploadBytesOf(core)
  const { publishing, preflight } = services
  const forPublishing = { publishing, preflight, contents, files, apps, releases, publicUrl, maxUploadBytes }
  return [
    accessRoutes({ access, resolveApp, clock, version: VERSION, advise: () => adviseOn(core, checkPath) }),
    singleSignOnRoutes({
      settings: services.singleSignOn,
      signOn: services.signOn,
      resolveApp,
      publicUrl,
      createLimiter,
    }),
    trustRoutes({ trustRules: services.trustRules, tokenExchange: services.tokenExchange, resolveApp, createLimiter }),
    ...accountsRoutes({ accounts: services.accounts, resolveApp, publicUrl, createLimiter }),
    appRoutes({ apps, resolveApp }),
    channelRoutes({ channels: services.channels, resolveApp }),
    appcastRoutes({ appcasts: services.appcasts, resolveApp, publicUrl }),
    installPageRoutes({ installPages: services.installPages, resolveApp, publicUrl }),
    channelKeyRoutes({ channelKeys: services.channelKeys, resolveApp }),
    sequenceRoutes({ sequences: services.sequences, resolveApp }),
    keyRoutes({ keys: services.keys, resolveApp }),
    edgeRoutes({ edge: services.edge, resolveApp }),
    releaseRoutes({ releases, resolveApp, publicUrl }),
    entryRoutes({ entries: services.entries, releases }),
    variantRoutes({
      variants: services.variants,
      contents,
      releases,
      resolveApp,
      maxUploadBytes: 2 * maxUploadBytesOf(core),
    }),
    patchRoutes({
      patches: services.patches,
      sentPatches: services.sentPatches,
      resolveApp,
      maxBytes: services.contents.limits.maxBytes,
    }),
    signatureRoutes({ signatures: services.signatures, resolveApp }),
    embeddedUpdateRoutes({ embeddedUpdates: services.embeddedUpdates, resolveApp }),
    signedAnswerRoutes({ signedAnswers: services.signedAnswers, resolveApp }),
    publishingRoutes({ ...forPublishing, resolveApp }),
    fileUploadRoutes({ files, resolveApp }),
    resumableUploadRoutes({ uploads: services.uploads, resolveApp, publicUrl }),
    rolloutRoutes({ rollouts, resolveApp }),
    protectionRoutes({ protections: services.protections, resolveApp }),
    proposalRoutes({ proposals: services.proposals, resolveApp }),
    switchRoutes({ rollouts, releases }),
    planRoutes({ plans: services.plans, rollouts }),
    rolloutGuardRoutes({ guards: services.guards, rollouts, releases, resolveApp, publicUrl }),
    deviceRoutes({ devices: services.devices, resolveApp }),
    explainRoutes({ explanations: services.explanations, resolveApp }),
    cohortRoutes({ cohorts: services.cohorts, resolveApp }),
    experimentRoutes({ experiments: services.experiments, resolveApp }),
    previewRoutes({ previews: services.previews, resolveApp }),
    impactRoutes({ impacts: services.impacts, resolveApp }),
    announcementRoutes({ announcements, streams, resolveApp, authorize: authorizeReader }),
    webhookRoutes({ webhooks, deliveries, resolveApp }),
    insightRoutes({ insights: services.insights, resolveApp }),
    componentRoutes({ components: services.components, rollouts }),
    attentionRoutes({ attention: services.attention, resolveApp, publicUrl }),
    auditRoutes({ audit: services.audit, sealer: services.auditSealer, exports: services.auditExports, resolveApp }),
  ]
}

/** For people, without a token. */
function installPagesOf({ core, services }: Parts, limits: DeviceLimits) {
  const { apps, installPages, findInstallables, storage } = services
  const { publicUrl, clock, createLimiter } = core
  const defaultChannel = DEFAULT_CHANNEL
  const shared = { publicUrl, clock, createLimiter, defaultChannel }
  return visitorRoutes({ apps, installPages, findInstallables, storage, limits, ...shared })
}

/** What people call by the contracts of others: at the root, where the request names the app, and under /apps/:slug. */
function contracts({ core, services }: Parts, limits: DeviceLimits) {
  const { access, apps, contents, files, insights, releases, rollouts, publishing } = services
  const { publicUrl } = core
  const shared = { apps, contents, releases, rollouts, publishing, publicUrl }
  const maxBinaryBytes = core.config.bundles.maxBinaryBytes + FORM_OVERHEAD_BYTES
  return [
    reactNativePeople({ ...shared, access, limits, maxUploadBytes: maxUploadBytesOf(core) }),
    appVersionsPeople({ ...shared, maxUploadBytes: maxBinaryBytes }),
    assetUpdatesPeople({ ...shared, files, insights, maxUploadBytes: maxUploadBytesOf(core) }),
  ]
}

/** Below an address of its own: its paths are those of the apps themselves. */
function codePushOf({ core, services }: Parts) {
  const { access, apps, channels, channelKeys, contents, rollouts, publishing } = services
  const { db, clock, publicUrl } = core
  const shared = { access, clock, apps, channels, channelKeys, contents, rollouts, publishing, publicUrl }
  return codePushPeople({ db, ...shared, maxUploadBytes: maxUploadBytesOf(core) })
}

/** In front of the framework. */
function serveDevices({ core, checkPath }: Parts, limits: DeviceLimits): void {
  const { config, clock, metrics, publicUrl, serving, traces, log, http } = core
  const { catalogs, identity, proofs, updates, fleet } = checkPath
  const { newRequestId, origins } = serving
  const { defaultApp } = config
  const hasPublicUrl = config.http.publicUrl !== null
  const onCheck = metrics.countCheck
  const answering = { limits, clock, defaultApp, hasPublicUrl, onCheck }
  const desk = createDesk({ catalogs, identity, proofs, updates, fleet, ...answering })
  const onAnswered = logAnswers(log, metrics)
  const serveFramework = http.routing
  const { onDeviceAnswered: onEveryAnswer } = traces
  const heard = { onAnswered, onEveryAnswer, log }
  const lane = createDeviceLane({ limits, origins, publicUrl, newRequestId, serveFramework, ...heard })
  for (const dialect of DIALECTS) lane.mount(desk.serve(dialect))
  serving.putInFront(lane.take)
  http.addHook('preClose', (done) => {
    lane.close()
    done()
  })
}

function maxUploadBytesOf({ config }: Core): number {
  return config.bundles.maxBytes + FORM_OVERHEAD_BYTES
}
