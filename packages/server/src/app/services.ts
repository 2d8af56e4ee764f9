import { join } from 'node:path'
import { MAX_FILE_PATH_BYTES, problem } from '@hotpatch/protocol'
import { createAccessService, type AccessService } from '../people/access/access-service.ts'
import { createDerivedTokens } from '../people/access/derived-tokens.ts'
import { createAskIssuer } from '../people/issuers/ask-issuer.ts'
import { createIssuers } from '../people/issuers/issuers.ts'
import { createOpenIdConnect } from '../people/single-sign-on/open-id-connect.ts'
import { createSettingsService, isSingleSignOnOnly } from '../people/single-sign-on/settings-service.ts'
import { createSignInStates } from '../people/single-sign-on/sign-in-states.ts'
import { createSignOnService } from '../people/single-sign-on/sign-on-service.ts'
import { createTokenExchangeService } from '../people/trust/token-exchange.ts'
import { createTrustRuleService } from '../people/trust/trust-rule-service.ts'
import { createAddressRules } from '../ground/outgoing/address-rules.ts'
import { createAccounts, type Accounts } from '../people/accounts/accounts.ts'
import { readJwtSecret } from '../people/access/secret-files.ts'
import { createAnnouncementService } from '../telling/announcements/announcement-service.ts'
import { createAppcastService } from '../shipping/appcasts/appcast-service.ts'
import { writeAppcastOf } from '../dialects/appcast/appcast.ts'
import { createAppService, type AppService } from '../shipping/apps/app-service.ts'
import { createArtifactService } from '../shipping/artifacts/artifact-service.ts'
import { createServedTypes } from '../shipping/artifacts/served-types.ts'
import { createUploadSpool } from '../shipping/artifacts/upload-spool.ts'
import { createBlockMaps } from '../shipping/block-maps/block-maps.ts'
import { createCompression } from '../shipping/compression/compression.ts'
import { createPatchService } from '../shipping/patches/patch-service.ts'
import { createPatches } from '../shipping/patches/patches.ts'
import { createSentPatches } from '../shipping/patches/sent-patches.ts'
import { createPackageDiffs } from '../shipping/package-diffs/package-diffs.ts'
import { createContentService } from '../shipping/content/content-service.ts'
import { createFileUploads } from '../shipping/content/files/file-uploads.ts'
import { createResumableUploads } from '../shipping/content/resumable/resumable-uploads.ts'
import { fileExtensionOf } from '../shipping/content/kinds.ts'
import { createAuditExports } from '../people/audit/audit-export.ts'
import { createAuditSealer } from '../people/audit/audit-sealer.ts'
import { createAuditService, type AuditService } from '../people/audit/audit-service.ts'
import { createChannelKeyService } from '../shipping/channels/channel-key-service.ts'
import { createChannelService } from '../shipping/channels/channel-service.ts'
import { createEdgePublisher } from '../updates/edge/edge-publisher.ts'
import { createEdgeReader } from '../updates/edge/edge-reader.ts'
import { createEdgeService } from '../updates/edge/edge-service.ts'
import type { DeviceIdentity } from '../fleet/devices/device-identity.ts'
import { createCohortService } from '../rolling-out/cohorts/cohort-service.ts'
import { createExperimentService, renderExperiment } from '../rolling-out/experiments/experiment-service.ts'
import { createDeviceService } from '../fleet/devices/device-service.ts'
import { createGuardCompanion } from '../rolling-out/guards/guard-companion.ts'
import { createGuardService } from '../rolling-out/guards/guard-service.ts'
import { createPlacePrevious } from '../rolling-out/guards/place-previous.ts'
import { createGuardWatch } from '../rolling-out/guards/guard-watch.ts'
import { createInsightService } from '../explaining/insights/insight-service.ts'
import { createAutomation } from '../rolling-out/plans/automation.ts'
import { createPlanCompanion } from '../rolling-out/plans/plan-companion.ts'
import { createSampling } from '../fleet/progress/sampling.ts'
import { createPlanService } from '../rolling-out/plans/plan-service.ts'
import { createSequenceService } from '../shipping/sequences/sequence-service.ts'
import { createKeyService, type KeyService } from '../shipping/signing/key-service.ts'
import { createReleaseSigning } from '../shipping/signing/release-signing.ts'
import { createEmbeddedUpdateService } from '../shipping/embedded-updates/embedded-update-service.ts'
import { createSignedAnswerService } from '../shipping/signed-answers/signed-answer-service.ts'
import { createVariantService } from '../shipping/variants/variant-service.ts'
import { createStatementService } from '../shipping/signing/statement-service.ts'
import { createEntryService } from '../shipping/entries/entry-service.ts'
import { createArchivedBytes } from '../shipping/retention/archived-bytes.ts'
import { createReleaseService } from '../shipping/releases/release-service.ts'
import { createPreflightService } from '../rolling-out/publishing/preflight-service.ts'
import { createSignatureService } from '../rolling-out/publishing/signature-service.ts'
import { createPublishing } from '../rolling-out/publishing/publishing-service.ts'
import { createProtectionService, type ProtectionService } from '../rolling-out/protections/protection-service.ts'
import { createProposalGate } from '../rolling-out/proposals/proposal-gate.ts'
import { createProposalService } from '../rolling-out/proposals/proposal-service.ts'
import { createRolloutService } from '../rolling-out/rollouts/rollout-service.ts'
import { createChanges, type Changes } from '../ground/database/changes.ts'
import { createInstallPageService } from '../pages/install/install-page-service.ts'
import { createInstallables } from '../pages/install/installables.ts'
import { createAttentionService } from '../explaining/attention/attention-service.ts'
import { createExplainService } from '../explaining/explain/explain-service.ts'
import { createComponentFigures } from '../explaining/components/component-figures.ts'
import { createImpactService } from '../explaining/impact/impact-service.ts'
import { raisePlatform, raiseReleases } from '../rolling-out/rollouts/raise-releases.ts'
import { createKnownDevices } from '../explaining/known-devices/known-devices.ts'
import { createRolloutTakers } from '../explaining/known-devices/rollout-takers.ts'
import { createPreviewService, type FindNextSequence } from '../explaining/previews/preview-service.ts'
import type { CheckPath } from './check-path.ts'
import type { Core } from './core.ts'
import { mayBeOld } from './may-be-old.ts'

const UPLOAD_IDLE_TIMEOUT_MS = 30_000

export type Services = Awaited<ReturnType<typeof createServices>>

/** What people change and ask. */
export async function createServices(core: Core, checkPath: CheckPath) {
  const { config, clock, timers, newId, db, reads, box, traces, log, crew } = core
  const old = mayBeOld(core)
  const { identity, catalogs, cohortMembers, sync, fleet, updates } = checkPath
  const settleFleet = fleet.settle

  const audit = createAuditService({ db, reads, clock, newId })
  const auditSealer = createAuditSealer({ db, clock, timers, intervalMs: config.refreshIntervalMs, log })
  audit.onRecorded(auditSealer.wake)
  const auditExports = createAuditExports({ reads, mayBeOld: old.auditExports, timers })
  const announcements = createAnnouncementService({ db, clock, newId })
  const changes = createChanges({ db, raise: sync.raise, announce: announcements.wake })
  const jwtSecret = config.jwtSecret ?? (await readJwtSecret(config.dataDirectory))
  const access = createAccessService({ db, audit, clock, newId, jwtSecret })
  const { secretsKeys, publicUrl } = core
  const forAccounts = { db, access, audit, secretsKeys, publicUrl, clock, newId, log }
  const accounts = createAccounts({ ...forAccounts, isSingleSignOnOnly: () => isSingleSignOnOnly(db) })

  const { storage, spool, artifacts, contents, files, uploads, servedAs } = createContent(core)
  const channels = createChannelService({ db, changes, audit, clock, newId })
  const channelKeys = createChannelKeyService({ db, changes, channels, audit, box, clock, newId })
  const createDefaultChannels = channels.createDefaults
  const forApps = { identity, createDefaultChannels, settleFleet }
  const apps = createAppService({ db, changes, audit, clock, newId, box, ...forApps })
  const signing = createSigning(core, { changes, apps, audit })
  const { sequences, keys, statements } = signing
  const releases = createReleaseService({ db, sequences, statements })
  const entries = createEntryService({ reads, storage, releases })

  const changing = { db, changes, audit, clock, newId }
  const protections = createProtectionService({ db, channels, audit, clock })
  const { requireMayChangeRule: requireMayChange } = protections
  const trusting = createTrusting(core, { audit, access, accounts, requireMayChange })
  const gate = createProposalGate({ protections, audit, announcements, clock, newId })
  const { countOthers: countOtherMembers } = cohortMembers
  const cohorts = createCohortService({ ...changing, identity, reads, countOtherMembers, gate })
  const companions = [createPlanCompanion({ clock }), createGuardCompanion({ apps, releases, statements, clock }), gate]
  const rollouts = createRolloutService({
    ...changing,
    announcements,
    companions,
    gate,
    apps,
    channels,
    releases,
    statements,
  })
  const proposals = createProposalService({ db, changes, gate, rollouts, clock })
  const forReleases = { apps, channels, contents, sequences, releases }
  const forMaking = { db, storage, spool, artifacts, changes, raiseReleases, clock, timers, log }
  // By one process, whichever has something for it.
  const atElected = <Maker extends { wake: () => void }>(name: string, maker: Maker) => ({
    ...maker,
    wake: crew.atElected(name, maker.wake),
  })
  const packageDiffs = atElected('package diffs', createPackageDiffs(forMaking))
  // A promotion or a roll-back, too, makes another content the newest.
  announcements.onRecorded(packageDiffs.wake)
  const made = createPatches({ ...forMaking, reads, newId, bases: config.patchBases })
  const patchMaking = { ...atElected('patches', made), lookAgain: crew.atElected('patches anew', made.lookAgain) }
  announcements.onRecorded(patchMaking.wake)
  const madeLater = [
    atElected('compression', createCompression(forMaking)),
    atElected('block maps', createBlockMaps(forMaking)),
    packageDiffs,
    patchMaking,
  ]
  const onPublished = () => {
    for (const { wake } of madeLater) wake()
  }
  const forPublishing = { announcements, onPublished, signing: signing.ofReleases, statements, rollouts }
  const publishing = createPublishing({ ...changing, ...forReleases, ...forPublishing })
  const forPreflight = { ...forReleases, rollouts, gate, keys, limits: contents.limits }
  const forSignatures = { db, changes, storage, apps, releases, keys, audit, raiseReleases }
  const signatures = createSignatureService(forSignatures)
  const preflight = createPreflightService({ db, reads, ...forPreflight, clock, settleFleet })
  const patches = createPatchService({ ...changing, raiseReleases, wake: patchMaking.wake })
  const { receiveBytes } = contents
  const sentPatches = createSentPatches({ ...changing, patches, artifacts, receiveBytes, raiseReleases })
  const variants = createVariantService({ ...changing, artifacts, raiseReleases })
  const signedAnswers = createSignedAnswerService({ ...changing, artifacts, raisePlatform })
  const embeddedUpdates = createEmbeddedUpdateService({ ...changing, artifacts, onAdded: patchMaking.lookAgain })
  const experiments = createExperimentService({ ...changing, apps, releases, rollouts })

  const sampling = createSampling()
  const placePrevious = createPlacePrevious({ apps, releases, rollouts, clock })
  const forGuards = { db, reads, rollouts, placePrevious, audit, sampling, clock }
  const guards = createGuardService({ ...forGuards, releases })
  const guardWatch = createGuardWatch({ ...forGuards, announcements, log })
  const knownDevices = createKnownDevices({ db: reads, settleFleet })
  const { count: countTakers } = createRolloutTakers({ catalogs, updates, knownDevices, clock })
  const plans = createPlanService({ db, reads, rollouts, guards, sampling, countTakers, clock, log })
  const edges = createEdges(core, { identity, changes, keys, audit })
  const automation = createAutomation({
    courses: [
      [
        { name: 'guards', run: guardWatch.watch },
        { name: 'plans', run: plans.advanceDue },
      ],
      // Last: what the others changed is said at once.
      [{ name: 'edges', run: edges.publisher.publishDue }],
    ],
    intervalMs: config.automationIntervalMs,
    timers,
    traces,
    log,
  })

  const appcasts = createAppcastService({
    ...changing,
    apps,
    channels,
    keys,
    writeAppcast: (app, asked, publicUrl) => {
      const known = catalogs.findApp(app.id)
      // Made a moment ago on another server: nothing can be in force of it.
      if (!known) throw problem('app-not-found', `No app has the id or slug "${app.slug}".`)
      return writeAppcastOf(catalogs, known, asked, { now: clock.now(), publicUrl })
    },
  })
  const installPages = createInstallPageService({ db, channels, audit, box, clock, newId })
  const findInstallables = createInstallables({ db, catalogs, clock })

  const devices = createDeviceService({ db, changes, reads, lists: old.deviceLists, fleet, identity, audit })
  const dropped = () => fleet.counters().droppedNotes + fleet.counters().droppedCounts
  const insights = createInsightService({ db: old.insights, clock, sampling, countTakers, dropped })
  const components = createComponentFigures({ db: old.components, settleFleet, clock })
  const attention = createAttentionService({
    db: reads,
    plans,
    appcasts,
    getRollout: (id) => rollouts.get(id, null),
    getApp: (id) => apps.get(id),
    clock,
  })
  const findNextSequence: FindNextSequence = async (appId, platform) =>
    (await sequences.getNext(await apps.get(appId), platform)).nextSequence
  const forExplaining = { devices, findNextSequence, edge: edges.edge }
  const explanations = createExplainService({ db: reads, catalogs, updates, ...forExplaining, clock })
  const asking = { db: reads, catalogs, updates, identity, knownDevices, newId }
  const previews = createPreviewService({ ...asking, findNextSequence })
  const impacts = createImpactService({
    ...asking,
    clock,
    facts: {
      findNextSequence,
      listWorkingKeys: async (appId) => {
        const { items } = await keys.list(await apps.get(appId))
        return items.filter(({ revokedAt }) => revokedAt === null)
      },
      placeOfRollout: async (appId, rolloutId) => {
        const rollout = await rollouts.get(rolloutId, null)
        if (rollout.app_id === appId) return rollout
        throw problem('rollout-not-found', `The app has no rollout with the id ${rolloutId}.`)
      },
      findStepBack: async (rolloutId) => {
        const rollout = await rollouts.get(rolloutId, null)
        const way = await guards.findWayFrom(rollout)
        if (!way) return undefined
        const statement = way.step?.statement
        const restated = statement && { sequence: statement.sequence, floor: statement.floor }
        const { items } = await keys.list(await apps.get(rollout.app_id))
        const publicKey = items.find(({ id }) => id === statement?.key_id)?.publicKey ?? null
        return { releaseId: way.releaseId, restated: restated ? { ...restated, publicKey } : null }
      },
      findExperiment: async (appId, experimentId) => {
        const experiment = await experiments.get(experimentId, null)
        if (experiment.app_id === appId) return renderExperiment(experiment)
        throw problem('experiment-not-found', `The app has no experiment with the id ${experimentId}.`)
      },
    },
  })

  return {
    audit,
    auditSealer,
    auditExports,
    announcements,
    access,
    ...trusting,
    accounts,
    storage,
    spool,
    artifacts,
    archivedBytes: createArchivedBytes({ db, clock }),
    contents,
    files,
    uploads,
    servedAs,
    madeLater,
    channels,
    channelKeys,
    apps,
    cohorts,
    sequences,
    keys,
    releases,
    entries,
    rollouts,
    protections,
    proposals,
    publishing,
    variants,
    patches,
    sentPatches,
    signedAnswers,
    embeddedUpdates,
    signatures,
    preflight,
    experiments,
    guards,
    plans,
    automation,
    appcasts,
    installPages,
    findInstallables,
    devices,
    insights,
    components,
    attention,
    edge: edges.edge,
    edgeReader: edges.reader,
    explanations,
    previews,
    impacts,
  }
}

/** Whom the server believes because an issuer of OpenID Connect vouches for them. */
function createTrusting(
  { config, db, box, clock, newId, log }: Core,
  {
    accounts,
    ...given
  }: {
    audit: AuditService
    access: AccessService
    accounts: Accounts
    requireMayChange: ProtectionService['requireMayChangeRule']
  },
) {
  const addresses = createAddressRules({ allowed: config.issuers.allowedNetworks, refusal: 'issuer-address-refused' })
  const askIssuer = createAskIssuer({ addresses })
  const issuers = createIssuers({ ask: askIssuer, clock })
  const derivedTokens = createDerivedTokens({ db, clock, newId })
  const shared = { db, ...given, derivedTokens, issuers, clock }
  const { arrivals, signIns } = accounts
  const singleSignOn = createSettingsService({ db, box, audit: given.audit, issuers, arrivals, clock })
  const openIdConnect = createOpenIdConnect({ issuers, ask: askIssuer })
  const states = createSignInStates({ box, clock })
  return {
    trustRules: createTrustRuleService({ ...shared, newId }),
    tokenExchange: createTokenExchangeService({ ...shared, log }),
    singleSignOn,
    signOn: createSignOnService({ settings: singleSignOn, openIdConnect, states, arrivals, signIns, log }),
  }
}

/** What publishers sign, with which keys, and in which order. */
function createSigning({ db, clock, newId }: Core, given: { changes: Changes; apps: AppService; audit: AuditService }) {
  const sequences = createSequenceService({ db, clock, ...given })
  const keys = createKeyService({ db, clock, newId, ...given })
  const statements = createStatementService({ keys, sequences, newId })
  return { sequences, keys, statements, ofReleases: createReleaseSigning({ db, keys }) }
}

/** What devices decide by without the server. */
function createEdges(
  { db, box, publicFiles, clock, newId, log }: Core,
  given: { identity: DeviceIdentity; changes: Changes; keys: KeyService; audit: AuditService },
) {
  const { identity, changes, keys, audit } = given
  const publisher = createEdgePublisher({ db, identity, box, publicFiles, clock, log })
  const onSigned = async (appId: string) => {
    await publisher.writeKeys(appId)
    await publisher.publishDue()
  }
  const edge = createEdgeService({ db, changes, keys, audit, box, clock, newId, onSigned })
  const reader = createEdgeReader({ db, clock })
  return { publisher, edge, reader }
}

function createContent({ config, clock, db, newId, storage }: Core) {
  const maxBytes = Math.max(config.bundles.maxBytes, config.bundles.maxBinaryBytes)
  const directory = join(config.dataDirectory, 'uploads')
  const spool = createUploadSpool({ directory, maxBytes, idleTimeoutMs: UPLOAD_IDLE_TIMEOUT_MS, clock })
  const artifacts = createArtifactService({ db, storage, clock })
  const limits = { ...config.bundles, maxPathBytes: MAX_FILE_PATH_BYTES }
  const servedAs = createServedTypes({ db, extensionOf: fileExtensionOf })
  const contents = createContentService({ artifacts, spool, limits })
  const resumable = join(config.dataDirectory, 'resumable-uploads')
  const files = createFileUploads({ artifacts, spool, limits })
  const uploads = createResumableUploads({ directory: resumable, contents, files, ...config.uploads, clock, newId })
  return { storage, spool, artifacts, contents, files, uploads, servedAs }
}
