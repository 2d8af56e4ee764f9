import {
  DEFAULT_CHANNEL,
  REASON_SENTENCES,
  type DeviceTrust as ShownTrust,
  type DeviceWithEvents,
  type ExplainQuery,
  type Explanation,
} from '@hotpatch/api'
import {
  isRefusalReason,
  problem,
  type Decision,
  type DecisionReason,
  type Device,
  type DeviceTrust,
  type PassedOverReason,
  type Platform,
  type Rule,
} from '@hotpatch/protocol'
import type { Clock } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { findExpiredCertificate } from './expired-certificate.ts'
import { findOfferedPatch } from './offered-patch.ts'
import { noticesOffEdge } from './off-the-edge.ts'
import { findOlderThanEmbedded } from './older-than-embedded.ts'
import type { DeviceService } from '../../fleet/devices/device-service.ts'
import type { DirectoryEntry, OfferedRelease } from '../../updates/catalog-queries.ts'
import type { Catalogs, LiveCatalog } from '../../updates/catalogs.ts'
import type { FindNextSequence } from '../previews/preview-service.ts'
import { PATCH_FORMATS } from '../../shipping/patches/patch-kinds.ts'
import { describeRefusal, keptFromEmbedded, waysOut, type RefusalPlace } from './refusals.ts'
import type { EdgeService } from '../../updates/edge/edge-service.ts'
import type { UpdateCheck, UpdateService } from '../../updates/update-service.ts'
import { whatWouldChange, type WhatWouldChange } from './what-would-change.ts'

const SHOWN_EVENTS = 5
const ANY_FORMAT = Object.values(PATCH_FORMATS).flat()

/** What it means that a rule passed. */
const PASSED: Record<Rule, string> = {
  D2: 'The rollout is in force for this device.',
  D10: 'It is not below a floor that the publisher signed.',
  D4: 'The release has not failed on this device.',
  D11: 'The device would take it.',
  D5: 'The device is in the audience.',
  D3: 'The device meets what the release requires of it.',
}

export type ExplainService = ReturnType<typeof createExplainService>

export function createExplainService({
  db,
  catalogs,
  updates,
  devices,
  findNextSequence,
  edge,
  clock,
}: {
  db: Database
  catalogs: Catalogs
  updates: UpdateService
  devices: DeviceService
  findNextSequence: FindNextSequence
  edge: Pick<EdgeService, 'listOffEdge'>
  clock: Clock
}) {
  /** What a device would get now, and why. Of one that never checked, the query tells what it would say. */
  async function explain(appId: string, givenId: string, query: ExplainQuery): Promise<Explanation> {
    const entry = catalogs.findApp(appId)
    if (!entry) throw problem('app-not-found', `No app has the id ${appId}.`)
    const deviceId = devices.storedId(entry, givenId)
    const known = await devices.find(entry, deviceId)
    const platform: Platform | undefined = query.platform ?? known?.platform ?? onlyOne(entry.platforms)
    if (!platform) {
      throw problem('device-not-found', `No device "${deviceId}" has checked yet; name the platform it would have.`)
    }
    const channel = query.channel ?? (known?.channel || DEFAULT_CHANNEL)
    const catalog = catalogs.get(entry, platform, channel)
    const wanted = query.release === undefined ? undefined : findWanted(entry, catalog, query.release)
    const check: UpdateCheck = {
      deviceId,
      dialect: known?.dialect ?? undefined,
      nativeVersion: query.nativeVersion ?? known?.nativeVersion ?? undefined,
      runtimeVersion: query.runtimeVersion ?? known?.runtimeVersion ?? undefined,
      current: known?.currentReleaseId ? { kind: 'release', id: known.currentReleaseId } : { kind: 'embedded' },
      failedReleaseIds: known?.failedReleaseIds ?? [],
      cohorts: known?.cohorts ?? [],
      attributes: known?.attributes ?? {},
      trust: known?.trust ? readTrust(known.trust) : undefined,
      patches: ANY_FORMAT,
    }
    const nextSequence = await findNextSequence(appId, platform)
    const place = { app: entry.slug, platform, channel, nextSequence }
    const answer = updates.answer(catalog, check, { trace: true })
    const { decision, device, currentVersion, ignoredCohorts } = answer
    const older = await findOlderThanEmbedded(db, answer, { appId, platform, told: check.attributes })
    const expired = await findExpiredCertificate(db, appId, device.takes?.answersSignedBy, clock.now())
    const rollouts = renderTrace(decision, catalog, device)
    const offEdge = noticesOffEdge(await edge.listOffEdge({ appId, platform, channel }), rollouts)
    return {
      device: {
        id: deviceId,
        isKnown: known !== undefined,
        platform,
        channel,
        nativeVersion: device.nativeVersion ?? null,
        runtimeVersion: device.runtimeVersion ?? null,
        currentReleaseId: device.currentReleaseId,
        currentVersion,
        failedReleaseIds: [...new Set(device.failedReleaseIds)],
        cohorts: [...device.cohorts],
        attributes: known?.attributes ?? {},
        lastSeenAt: known?.lastSeenAt ?? null,
        trust: known?.trust ?? null,
      },
      lastSaid: known ? renderLastSaid(known) : null,
      generation: catalog.generation,
      decision: { ...renderDecision(decision), ...explainReason(decision, catalog, device, place) },
      rollouts,
      notices: [
        ...ignoredCohorts.map(renderIgnoredCohort),
        ...findOfferedPatch(answer),
        ...older,
        ...expired,
        ...offEdge,
      ],
      towards: wanted ? renderTowards(whatWouldChange(catalog, device, decision, wanted, place)) : null,
    }
  }

  /** By id, wherever it was placed, or by the version that means it on this channel. */
  function findWanted(app: DirectoryEntry, catalog: LiveCatalog, idOrVersion: string): OfferedRelease {
    const release = catalogs.findRelease(app, idOrVersion) ?? catalog.byVersion.get(idOrVersion)
    if (release) return release
    throw problem(
      'release-not-found',
      `No release "${idOrVersion}" was ever placed on the channel "${catalog.channel}".`,
    )
  }

  return { explain }
}

function readTrust({ builtAt, ...trust }: ShownTrust): DeviceTrust {
  return { ...trust, builtAt: builtAt === null ? null : Date.parse(builtAt) }
}

function onlyOne(platforms: readonly Platform[]): Platform | undefined {
  return platforms.length === 1 ? platforms[0] : undefined
}

function renderIgnoredCohort(cohort: string): Explanation['notices'][number] {
  const explanation = `It claims the cohort ${cohort}, which this app does not let devices claim.`
  return { kind: 'cohort-claim-ignored', explanation }
}

function renderLastSaid(known: DeviceWithEvents): Explanation['lastSaid'] {
  const { lastCheckAt, lastDecision, lastReason, events } = known
  const explanation = lastReason === null ? null : (REASON_SENTENCES[lastReason as DecisionReason] ?? null)
  return { lastCheckAt, decision: lastDecision, reason: lastReason, explanation, events: events.slice(0, SHOWN_EVENTS) }
}

function renderTowards({ release, rolloutId, changes }: WhatWouldChange): Explanation['towards'] {
  return { releaseId: release.id, version: release.version, rolloutId, changes }
}

function renderDecision(decision: Decision<OfferedRelease>): Omit<Explanation['decision'], 'explanation' | 'waysOut'> {
  const release = decision.kind === 'update' ? decision.release : undefined
  const isOffer = decision.kind === 'update' || decision.kind === 'embedded'
  return {
    kind: decision.kind,
    reason: decision.reason,
    releaseId: release?.id ?? null,
    version: release?.version ?? null,
    mandatory: isOffer && decision.mandatory,
    direction: isOffer ? decision.direction : null,
    minNativeVersion: decision.nativeUpdate?.minNativeVersion ?? null,
  }
}

/** Of what the device would refuse, the sentence has the numbers. */
function explainReason(
  { reason, trace }: Decision<OfferedRelease>,
  catalog: LiveCatalog,
  device: Device,
  place: RefusalPlace,
): Pick<Explanation['decision'], 'explanation' | 'waysOut'> {
  const explanation = REASON_SENTENCES[reason]
  if (!isRefusalReason(reason)) return { explanation, waysOut: [] }
  const refused = trace?.rollouts.find(({ verdicts }) =>
    verdicts.every((verdict) => verdict.reason === (verdict.rule === 'D11' ? reason : null)),
  )
  const rollout = catalog.rollouts.find(({ id }) => id === refused?.rolloutId)
  if (rollout) {
    return { explanation: describeRefusal(reason, rollout, device), waysOut: waysOut(reason, rollout, device, place) }
  }
  // By the order of rules the topmost may be refused and have other reasons, too.
  const isKept = reason === 'below-device-floor' || reason === 'embedded-not-taken'
  return isKept ? keptFromEmbedded(device, place) : { explanation, waysOut: [] }
}

function renderTrace(
  { trace }: Decision<OfferedRelease>,
  catalog: LiveCatalog,
  device: Device,
): Explanation['rollouts'] {
  const rollouts = new Map(catalog.rollouts.map((rollout) => [rollout.id, rollout]))
  const sentenceOf = (reason: PassedOverReason, rolloutId: string) => {
    const rollout = rollouts.get(rolloutId)
    return rollout && isRefusalReason(reason) ? describeRefusal(reason, rollout, device) : REASON_SENTENCES[reason]
  }
  return (trace?.rollouts ?? []).map(({ verdicts, ...rollout }) => ({
    ...rollout,
    verdicts: verdicts.map(({ rule, reason }) => ({
      rule,
      passed: reason === null,
      reason,
      explanation: reason === null ? PASSED[rule] : sentenceOf(reason, rollout.rolloutId),
    })),
  }))
}
