import {
  decide,
  EMPTY_TREE,
  expoTimeOf,
  pickAnswer,
  type ClientTakes,
  type Decision,
  type Device,
  type DeviceAttributes,
  type DeviceTrust,
} from '@hotpatch/protocol'
import type { Clock } from '../ground/clock.ts'
import type { OfferedAnswer } from '../shipping/signed-answers/signed-answer-queries.ts'
import type { OfferedPatch } from '../shipping/patches/patch-queries.ts'
import type { OfferedRelease, Restatement } from './catalog-queries.ts'
import type { LiveCatalog } from './catalogs.ts'
import { countedLabelOf, findAlike, findByName, type ReleaseName } from './release-names.ts'
import { rolloutOfCheck } from './counted-rollout.ts'

/** What a dialect's `read` makes of a request. */
export interface UpdateCheck {
  /** Null when the client tells none. */
  deviceId: string | null
  /** Whose client it is: what it takes follows from that. The desk says it; undefined when it is not known. */
  dialect?: string | undefined
  nativeVersion: string | undefined
  runtimeVersion: string | undefined
  current: RunningCode
  failedReleaseIds: readonly string[]
  /** The same, of clients that have other names for releases. */
  failed?: readonly ReleaseName[] | undefined
  /** People at the device want what failed on it to be tried again: what is remembered of it does not count (D4). */
  triesAgain?: boolean | undefined
  cohorts: readonly string[]
  /** What else it told of itself, for attribute rules. */
  attributes?: DeviceAttributes | undefined
  /** The latest time of what it has, of clients that take only what is later. */
  heldAt?: number | undefined
  /** Formats of patches that it can apply; undefined: none. */
  patches?: readonly string[] | undefined
  /** What it refuses; undefined when the client does not tell, and so checks neither. */
  trust?: DeviceTrust | undefined
}

/** What the client says that it runs. */
export type RunningCode =
  | { kind: 'embedded' }
  | { kind: 'release'; id: string }
  /** The version of a release, or of the shell: then the device runs what the shell shipped with. */
  | { kind: 'version'; version: string }
  /** Under a name that is not known here it runs something else; or, with `orEmbedded`, what its shell shipped with. */
  | { kind: 'named'; name: ReleaseName; orEmbedded?: boolean }

/** A decision with what its rendering needs. */
export interface UpdateAnswer {
  decision: Decision<OfferedRelease>
  /** That was asked about, or that of the key. */
  channel: string
  device: Device
  currentVersion: string | null
  /** What the device runs, where the catalog knows it. */
  running: OfferedRelease | null
  /** What makes what is offered of what it runs, if only what its binary shipped with, where its client takes such patches. */
  patch: OfferedPatch | null
  /** What only a newer shell could run (D9). */
  awaitsNative: OfferedRelease | null
  /** What its publisher has signed for this very answer, where the rollout that it is of states its release again. */
  restatement: Restatement | undefined
  /**
   * The rollout that the check counts for: the one that is offered, or else the one that brought what the device runs.
   */
  rolloutId: string | null
  /** Of what is offered, such as v12, where that has one (`countedLabelOf`). */
  countedLabel: string | null
  isOffer: boolean
  /** When that rollout began. */
  rolloutStartedAt: number | null
  /** Expo §6: the time of what is offered, for clients that take only what is later than what they have. */
  offeredAt: number | null
  /** What its publisher has signed of the answer, for a client that takes no other. */
  signedAnswer: OfferedAnswer | undefined
  /** The cohorts that the device says it is in, whether it may or not. */
  claimedCohorts: readonly string[]
  /** Those of them that the app does not let it claim, and that nobody put it into. */
  ignoredCohorts: readonly string[]
}

/** Reports of this device that it may not repeat itself; from memory. */
export type FailureMemory = (appId: string, deviceId: string) => readonly string[]

/** The named cohorts that a device was put into; from memory. */
export type CohortMemory = (appId: string, deviceId: string) => readonly string[]

export type UpdateService = ReturnType<typeof createUpdateService>

/** The way every dialect takes: check → catalog in memory → decide. Synchronous. */
export function createUpdateService({
  clock,
  failedReleaseIds,
  cohortsOf,
  allowsDeviceCohorts,
  takesOf,
}: {
  clock: Clock
  failedReleaseIds: FailureMemory
  cohortsOf: CohortMemory
  /** Of an app, by its id. */
  allowsDeviceCohorts: (appId: string) => boolean
  /** Of a client, by its dialect and what it told of itself; undefined for a dialect that is not spoken. */
  takesOf: (dialect: string, told: DeviceAttributes) => ClientTakes | undefined
}) {
  function answer(catalog: LiveCatalog, check: UpdateCheck, options?: DecideOptions): UpdateAnswer {
    const now = clock.now()
    const { device, running, currentVersion, decision } = judge(catalog, check, now, options)
    const rollout = decision.kind === 'update' || decision.kind === 'embedded' ? decision.rollout : null
    const placed = decision.kind === 'up-to-date' ? decision.rollout : rollout
    const restatement = placed?.restated ? catalog.restatements.get(placed.id) : undefined
    const { rolloutId, isOffer, rolloutStartedAt } = rolloutOfCheck(catalog, decision, device.currentReleaseId, now)
    const { cohorts: claimedCohorts } = check
    return {
      decision,
      channel: catalog.channel,
      device,
      currentVersion,
      running,
      patch: patchOf(decision, { running, device }, check.patches),
      awaitsNative: awaitedOf(catalog, decision) ?? null,
      restatement,
      rolloutId,
      countedLabel: rollout === null ? null : countedLabelOf(catalog, rollout),
      isOffer,
      rolloutStartedAt,
      signedAnswer: signedAnswerOf(catalog, decision, device),
      offeredAt: device.takes?.exports === 'expo' ? expoTimeOf(catalog, rollout, now) : null,
      claimedCohorts,
      ignoredCohorts:
        claimedCohorts.length === 0 ? NONE : claimedCohorts.filter((cohort) => !device.cohorts.includes(cohort)),
    }
  }

  function judge(catalog: LiveCatalog, check: UpdateCheck, now: number, options?: DecideOptions) {
    const { device, currentVersion, running } = toDevice(catalog, check)
    const decision = decide(catalog, device, now, options)
    const meant = alikeMeant(catalog, check.current, decision)
    if (!meant) return { device, currentVersion, running, decision }
    const has = { ...device, currentReleaseId: meant.id }
    return { device: has, currentVersion: meant.version, running: meant, decision: decide(catalog, has, now, options) }
  }

  function toDevice(catalog: LiveCatalog, check: UpdateCheck) {
    const told = check.attributes ?? NONE_TOLD
    const takes = check.dialect === undefined ? undefined : takesOf(check.dialect, told)
    const running = resolveRunning(catalog, check.current, takes)
    const { deviceId, triesAgain = false } = check
    const remembered = deviceId === null || triesAgain ? NONE : failedReleaseIds(catalog.appId, deviceId)
    const failed = check.failed ? [...remembered, ...idsOf(catalog, check.failed)] : remembered
    const named = deviceId === null ? NONE : cohortsOf(catalog.appId, deviceId)
    // The app key is in every binary: whoever reads a cohort's name there could take what is for it alone.
    const claimed = check.cohorts.length > 0 && allowsDeviceCohorts(catalog.appId) ? check.cohorts : NONE
    const device: Device = {
      id: check.deviceId,
      nativeVersion: check.nativeVersion ?? running.nativeVersion,
      runtimeVersion: check.runtimeVersion,
      currentReleaseId: running.releaseId,
      failedReleaseIds: failed.length === 0 ? check.failedReleaseIds : [...check.failedReleaseIds, ...failed],
      cohorts: named.length === 0 ? claimed : [...new Set([...claimed, ...named])],
      attributes: check.attributes,
      trust: check.trust,
      ...(check.heldAt !== undefined && { heldAt: check.heldAt }),
      takes,
    }
    return { device, currentVersion: running.release?.version ?? null, running: running.release }
  }

  return { answer }
}

type DecideOptions = Parameters<typeof decide>[3]

const NONE: readonly string[] = []
const NONE_TOLD: DeviceAttributes = {}
/** Of what a client runs under a name that is not known here. */
const UNKNOWN_RELEASE = 'unknown'

interface Running {
  releaseId: string | null
  release: OfferedRelease | null
  nativeVersion: string | undefined
}

/** @param takes what its client takes: what it runs is of that, whatever else has the same version */
function resolveRunning(catalog: LiveCatalog, current: RunningCode, takes: ClientTakes | undefined): Running {
  const known = (release: OfferedRelease | undefined) =>
    release && (!takes || takes.kinds.includes(release.kind ?? 'archive')) ? release : undefined
  switch (current.kind) {
    case 'embedded':
      return { releaseId: null, release: null, nativeVersion: undefined }
    case 'release': {
      const release = known(findByName(catalog, current)) ?? null
      return { releaseId: current.id, release, nativeVersion: undefined }
    }
    case 'named': {
      const release = known(findByName(catalog, current.name))
      if (release) return { releaseId: release.id, release, nativeVersion: undefined }
      if (current.orEmbedded) return { releaseId: null, release: null, nativeVersion: undefined }
      // Of another channel, or gone: it runs something that this catalog never takes back.
      return { releaseId: UNKNOWN_RELEASE, release: null, nativeVersion: undefined }
    }
    case 'version': {
      const release = known(catalog.byVersion.get(current.version))
      if (release) return { releaseId: release.id, release, nativeVersion: undefined }
      return { releaseId: null, release: null, nativeVersion: current.version }
    }
  }
}

/**
 * The release that is meant for a device that has its content already: the name of what it runs is that of the content,
 * and another release has the same. It would be sent again, and with a later time taken again, for ever.
 */
function alikeMeant(
  catalog: LiveCatalog,
  current: RunningCode,
  decision: Decision<OfferedRelease>,
): OfferedRelease | undefined {
  if (decision.kind !== 'update' || current.kind !== 'named') return undefined
  return findAlike(catalog, current.name).find((release) => release === decision.release)
}

/** D11 has let it through: there is one. */
function signedAnswerOf(
  catalog: LiveCatalog,
  decision: Decision<OfferedRelease>,
  device: Device,
): OfferedAnswer | undefined {
  const keyId = device.takes?.answersSignedBy
  if (keyId === undefined) return undefined
  if (decision.kind === 'update') return pickAnswer(decision.release.answers, keyId, device)
  return decision.kind === 'embedded' ? pickAnswer(catalog.embeddedAnswers, keyId, device) : undefined
}

/** The smallest that it can apply: to what it runs, if only what its binary shipped with, by what it says of that; or to nothing at all. */
function patchOf(
  decision: Decision<OfferedRelease>,
  { running, device }: { running: OfferedRelease | null; device: Device },
  formats: readonly string[] | undefined,
): OfferedPatch | null {
  if (!formats || decision.kind !== 'update') return null
  const { patches } = decision.release
  const find = (base: string) => patches?.get(base)?.find(({ format }) => formats.includes(format)) ?? null
  const packed = find(EMPTY_TREE)
  const embedded = device.currentReleaseId === null ? device.attributes?.embeddedUpdateId : undefined
  const base = running ? (running.content.kind === 'binary' ? undefined : running.content.sha256) : embedded
  const patch = base === undefined ? null : find(base)
  return patch && packed && packed.sizeBytes < patch.sizeBytes ? packed : (patch ?? packed)
}

/** Of those that the catalog has: what it has not is offered to nobody. The same content fails again. */
function idsOf(catalog: LiveCatalog, names: readonly ReleaseName[]): string[] {
  return names.flatMap((name) => findAlike(catalog, name).map(({ id }) => id))
}

function awaitedOf(catalog: LiveCatalog, { nativeUpdate }: Decision<OfferedRelease>): OfferedRelease | undefined {
  return nativeUpdate ? findByName(catalog, { id: nativeUpdate.releaseId }) : undefined
}
