import { DEFAULT_CHANNEL, type ExplainQuery, type Explanation } from '@hotpatch/api'
import { problem, type Decision, type DecisionReason, type Platform, type Rule } from '@hotpatch/protocol'
import type { FleetService } from '../fleet/fleet-service.ts'
import type { OfferedRelease } from './catalog-queries.ts'
import type { Catalogs } from './catalogs.ts'
import type { UpdateCheck, UpdateService } from './update-service.ts'

/** Every reason in a sentence about the device. */
const SENTENCES: Record<DecisionReason, string> = {
  'not-started': 'The rollout has not started yet.',
  paused: 'The rollout is paused: those who have it keep it, and nobody else gets it.',
  halted: 'The rollout was halted.',
  withdrawn: 'The rollout was withdrawn.',
  'below-floor': 'The publisher signed a floor, and this is below it.',
  'requirement-unreadable': "The release's requirement cannot be read, so no device meets it.",
  'runtime-mismatch': 'The release is for another runtime version than the device has.',
  'native-version-unknown': 'The release requires a native version, and the device did not tell its own.',
  'native-out-of-range': "The device's native version is outside the range that the release runs on.",
  'native-too-old': 'The release needs a newer native version than the device has.',
  'failed-on-this-device': 'The release failed on this device before, and is not tried again.',
  'outside-audience': "The device is outside the rollout's audience.",
  'forced-device': 'The rollout names this device.',
  cohort: 'The device is in a cohort that the rollout is for.',
  percentage: "The device is within the rollout's percentage.",
  'runs-the-target': 'The device runs what it should.',
  'ahead-of-rollout': 'The device runs a newer release, whose audience has shrunk since; it keeps it.',
  'nothing-published': 'Nothing is placed on this channel.',
  'release-taken-back': 'What the device runs was halted or withdrawn, and nothing else fits.',
}

/** What it means that a rule passed. */
const PASSED: Record<Rule, string> = {
  D2: 'The rollout is in force for this device.',
  D10: 'It is not below a floor that the publisher signed.',
  D4: 'The release has not failed on this device.',
  D5: 'The device is in the audience.',
  D3: 'The device meets what the release requires of it.',
}

export type ExplainService = ReturnType<typeof createExplainService>

export function createExplainService({
  catalogs,
  updates,
  fleet,
}: {
  catalogs: Catalogs
  updates: UpdateService
  fleet: FleetService
}) {
  /** What a device would get now, and why. Of one that never checked, the query tells what it would say. */
  async function explain(appId: string, deviceId: string, query: ExplainQuery): Promise<Explanation> {
    const known = await fleet.findDevice(appId, deviceId)
    const entry = catalogs.findApp(appId)
    if (!entry) throw problem('app-not-found', `No app has the id ${appId}.`)
    const platform: Platform | undefined = query.platform ?? known?.platform ?? onlyOne(entry.platforms)
    if (!platform) {
      throw problem('device-not-found', `No device "${deviceId}" has checked yet; name the platform it would have.`)
    }
    const channel = query.channel ?? (known?.channel || DEFAULT_CHANNEL)
    const catalog = catalogs.get(entry, platform, channel)
    const check: UpdateCheck = {
      deviceId,
      nativeVersion: query.nativeVersion ?? known?.nativeVersion ?? undefined,
      runtimeVersion: query.runtimeVersion ?? known?.runtimeVersion ?? undefined,
      current: known?.currentReleaseId ? { kind: 'release', id: known.currentReleaseId } : { kind: 'embedded' },
      failedReleaseIds: known?.failedReleaseIds ?? [],
      cohorts: known?.cohorts ?? [],
    }
    const { decision, device, currentVersion } = updates.answer(catalog, check, { trace: true })
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
        lastSeenAt: known?.lastSeenAt ?? null,
      },
      generation: catalog.generation,
      decision: renderDecision(decision),
      rollouts: renderTrace(decision),
    }
  }

  return { explain }
}

function onlyOne(platforms: readonly Platform[]): Platform | undefined {
  return platforms.length === 1 ? platforms[0] : undefined
}

function renderDecision(decision: Decision<OfferedRelease>): Explanation['decision'] {
  const release = decision.kind === 'update' ? decision.release : undefined
  const isOffer = decision.kind === 'update' || decision.kind === 'embedded'
  return {
    kind: decision.kind,
    reason: decision.reason,
    explanation: SENTENCES[decision.reason],
    releaseId: release?.id ?? null,
    version: release?.version ?? null,
    mandatory: isOffer && decision.mandatory,
    direction: isOffer ? decision.direction : null,
    minNativeVersion: decision.nativeUpdate?.minNativeVersion ?? null,
  }
}

function renderTrace({ trace }: Decision<OfferedRelease>): Explanation['rollouts'] {
  return (trace?.rollouts ?? []).map(({ verdicts, ...rollout }) => ({
    ...rollout,
    verdicts: verdicts.map(({ rule, reason }) => ({
      rule,
      passed: reason === null,
      reason,
      explanation: reason === null ? PASSED[rule] : SENTENCES[reason],
    })),
  }))
}
