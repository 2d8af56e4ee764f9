import { audienceReason, isOutside, type AudienceSubject, type InsideReason, type OutsideReason } from './audience.ts'
import { placementsOf, type CatalogRelease, type CompiledCatalog, type CompiledRollout } from './catalog.ts'
import {
  isRefusalReason,
  nextTakeable,
  refusalReason,
  refusesPlainEmbedded,
  takesAll,
  type RefusalReason,
} from './refusals.ts'
import type { ClientTakes } from './client-takes.ts'
import type { Device } from './device.ts'
import { isRequirementReason, requirementReason, type RequirementReason } from './requirement.ts'
import { isNewerBinary, type BinaryVersion } from './versions/binary-order.ts'
import { compareNativeVersions, parseNativeVersion, type NativeVersion } from './versions/native-version.ts'

/** Why a rollout was passed over. */
export type PassedOverReason =
  | 'not-started'
  | 'awaits-approval'
  | 'paused'
  | 'halted'
  | 'withdrawn'
  | 'below-floor'
  | RequirementReason
  | 'failed-on-this-device'
  | RefusalReason
  | OutsideReason

/** Why a device gets what it gets: every "no update" has a reason. */
export type DecisionReason =
  | PassedOverReason
  | InsideReason
  | 'runs-the-target'
  | 'ahead-of-rollout'
  | 'nothing-published'
  | 'release-taken-back'

/** The design's rules as a trace names them. */
export type Rule = 'D2' | 'D3' | 'D4' | 'D5' | 'D10' | 'D11'

/** What every rule said of one rollout; `outcome` is what it meant for the answer. */
export interface RolloutTrace {
  rolloutId: string
  position: number
  releaseId: string | null
  version: string | null
  outcome: 'target' | 'passed-over' | 'not-reached'
  /** In the order of judgement; a reason where the rule said no. */
  verdicts: readonly { rule: Rule; reason: PassedOverReason | null }[]
}

export interface DecisionTrace {
  generation: number
  /** Highest position first. */
  rollouts: readonly RolloutTrace[]
}

/** D9: a newer release waits for a newer shell. */
export interface NativeUpdateNote {
  minNativeVersion: string
  releaseId: string
}

interface DecisionDetails {
  reason: DecisionReason
  nativeUpdate: NativeUpdateNote | null
  /** Null unless it was asked for. */
  trace: DecisionTrace | null
}

/** The answer to a check. A dialect renders it and adds nothing. */
export type Decision<Release extends CatalogRelease = CatalogRelease> = DecisionDetails &
  /** The rollout that gives the device what it runs; null when it is in no rollout that does. */
  (
    | { kind: 'up-to-date'; rollout: CompiledRollout<Release> | null }
    | { kind: 'native-update-required'; nativeUpdate: NativeUpdateNote }
    | {
        kind: 'update'
        release: Release
        rollout: CompiledRollout<Release>
        mandatory: boolean
        direction: 'forward' | 'back'
      }
    /** Back to what the binary shipped with. The rollout is null when no rollout says so, but D6. */
    | { kind: 'embedded'; rollout: CompiledRollout<Release> | null; mandatory: boolean; direction: 'back' }
  )

/** What stays the same while one check is judged. */
interface Circumstances extends AudienceSubject {
  now: number
  catalog: CompiledCatalog
  floor: number
  /** What its client takes; null when that is all that the catalog has, undefined when it is not known. */
  takes: ClientTakes | null | undefined
  /** As if it refused nothing (D11). */
  isWilling: boolean
  /** The device's native version, parsed when the first requirement asks for it. */
  native: NativeVersion | undefined | typeof NOT_PARSED
  /** The binary that the device runs, asked for when the first one is judged. */
  own: BinaryVersion | undefined | typeof NOT_PARSED
}

const NOT_PARSED = Symbol('not parsed')

interface RuleOfRollout {
  rule: Rule
  judge: (rollout: CompiledRollout, circumstances: Circumstances) => PassedOverReason | undefined
}

/**
 * The rules in the order of judgement: what holds for good before what can be changed from here. The native minimum is
 * the last thing that can fail, so that `native-too-old` means: everything else fits (D9).
 */
const RULES: readonly RuleOfRollout[] = [
  { rule: 'D2', judge: (rollout, { device, now }) => notInForce(rollout, device, now) },
  { rule: 'D10', judge: (rollout, { floor }) => (rollout.sequence >= floor ? undefined : 'below-floor') },
  { rule: 'D4', judge: (rollout, { device }) => (hasFailed(rollout, device) ? 'failed-on-this-device' : undefined) },
  { rule: 'D11', judge: refused },
  { rule: 'D5', judge: outsideReason },
  { rule: 'D3', judge: unmetRequirement },
]

/**
 * What one device gets now (rules D1–D11). Total: it has an answer for every input, does no I/O and never throws.
 *
 * @param now milliseconds since 1970
 * @param options.trace also say what every rule thought of every rollout
 * @param options.willing as if the device refused nothing (D11): what is for it, whether it takes that or not
 */
export function decide<Release extends CatalogRelease>(
  catalog: CompiledCatalog<Release>,
  device: Device,
  now: number,
  options: { trace?: boolean; willing?: boolean } = {},
): Decision<Release> {
  const floor = floorAt(catalog, now)
  const takes = takesAll(device, catalog) ? null : device.takes
  const circumstances: Circumstances = {
    device,
    now,
    catalog,
    floor,
    takes,
    isWilling: options.willing ?? false,
    native: NOT_PARSED,
    own: NOT_PARSED,
    told: undefined,
  }
  const { target, end, waiting, refusal, firstReason } = findTarget(catalog, circumstances)
  const trace = options.trace ? traceOf(catalog, circumstances, target) : null
  const details = { nativeUpdate: waiting ? nativeUpdateNote(waiting) : null, trace }

  // D7: identity is the release, not the rollout.
  if (target && target.releaseId === device.currentReleaseId) {
    return { kind: 'up-to-date', rollout: target, reason: 'runs-the-target', ...details }
  }
  const placements = device.currentReleaseId === null ? [] : placementsOf(catalog, device.currentReleaseId)
  // D7: its audience shrank, but nothing else speaks against what it runs.
  const kept = findKept(placements, end, circumstances)
  if (kept) {
    // D9: a newer shell would change nothing for what lies below the release that it keeps.
    const nativeUpdate = waiting && waiting.position > kept.position ? details.nativeUpdate : null
    return { kind: 'up-to-date', rollout: kept, reason: 'ahead-of-rollout', nativeUpdate, trace }
  }
  if (target) return offer(catalog, target, circumstances, details)

  // D6: what it runs was taken back, and nothing else fits.
  const isTakenBack = wasTakenBack(placements, now)
  const stays = isTakenBack ? staysOnTakenBack(circumstances) : undefined
  if (isTakenBack && !stays) {
    const mandatory = false
    return { kind: 'embedded', rollout: null, mandatory, direction: 'back', reason: 'release-taken-back', ...details }
  }
  const { nativeUpdate } = details
  if (nativeUpdate) return { kind: 'native-update-required', reason: 'native-too-old', nativeUpdate, trace }
  // D11: that something is for it, and it would refuse it, says more than what is wrong with the topmost.
  const reason = stays ?? refusal ?? firstReason ?? 'nothing-published'
  return { kind: 'up-to-date', rollout: null, reason, ...details }
}

/**
 * D1, D6: the first from the top that no rule passes over; with what was above it. D11: the search also ends at a way
 * back to embedded that only the client has no word for: below lies what it leads back from.
 */
function findTarget<Release extends CatalogRelease>(catalog: CompiledCatalog<Release>, circumstances: Circumstances) {
  let firstReason: PassedOverReason | undefined
  /** D9: the topmost for which only the shell is too old. */
  let waiting: CompiledRollout<Release> | undefined
  /** D11: of the topmost for which only the device speaks against it. */
  let refusal: PassedOverReason | undefined
  let index = 0
  for (let rollout = catalog.rollouts[0]; rollout; rollout = catalog.rollouts[index]) {
    const reason = passedOver(rollout, circumstances)
    if (!reason) return { target: rollout, end: rollout, waiting, refusal, firstReason }
    firstReason ??= reason
    if (reason === 'native-too-old') waiting ??= rollout
    const fits = isRefusalReason(reason) && fitsOtherwise(rollout, circumstances)
    if (fits) refusal ??= reason
    if (fits && reason === 'embedded-not-taken')
      return { target: undefined, end: rollout, waiting, refusal, firstReason }
    index = nextToTry(catalog, rollout, reason, circumstances, refusal !== undefined)
  }
  return { target: undefined, end: undefined, waiting, refusal, firstReason }
}

/** What a rule says of many alike is not asked of each of them. */
function nextToTry(
  catalog: CompiledCatalog,
  rollout: CompiledRollout,
  reason: PassedOverReason,
  circumstances: Circumstances,
  hasRefusal: boolean,
): number {
  // D3 says the same of the same requirement: an old shell need not look at every release that it cannot run.
  if (isRequirementReason(reason)) return rollout.nextRequirement
  if (!isRefusalReason(reason)) return rollout.index + 1
  const next = nextTakeable(catalog, rollout, reason, circumstances.device)
  if (hasRefusal) return next
  // Of those that it cannot run either, none is refused by the device alone.
  return unmetRequirement(rollout, circumstances) ? Math.min(next, rollout.nextRequirement) : rollout.index + 1
}

/** D11. */
function refused(rollout: CompiledRollout, circumstances: Circumstances): RefusalReason | undefined {
  const { device, takes, catalog, isWilling } = circumstances
  if (isWilling) return undefined
  const reason = refusalReason(rollout, device, catalog, takes)
  return reason ?? (isNewer(rollout, circumstances) ? undefined : 'not-newer')
}

/** Installers of whole binaries go forward only. Of a device that tells no version, nothing is known. */
function isNewer({ releaseId, binary }: CompiledRollout, circumstances: Circumstances): boolean {
  if (!binary || releaseId === circumstances.device.currentReleaseId) return true
  const own = ownBinary(circumstances)
  return !own || isNewerBinary(binary, own)
}

function ownBinary(circumstances: Circumstances): BinaryVersion | undefined {
  if (circumstances.own === NOT_PARSED) {
    circumstances.own = binaryOn(circumstances.catalog, circumstances.device, nativeOf(circumstances))
  }
  return circumstances.own
}

/** The whole binary on a device. What it tells of itself says more than what it is known to run. */
export function binaryOn(
  catalog: CompiledCatalog,
  { currentReleaseId }: Pick<Device, 'currentReleaseId'>,
  version: NativeVersion | undefined,
): BinaryVersion | undefined {
  const running = currentReleaseId === null ? undefined : placementsOf(catalog, currentReleaseId)[0]?.binary
  return version ? { version, code: version.build ?? running?.code } : running
}

/** What is judged after D11. */
function fitsOtherwise(rollout: CompiledRollout, circumstances: Circumstances): boolean {
  return !outsideReason(rollout, circumstances) && !unmetRequirement(rollout, circumstances)
}

function offer<Release extends CatalogRelease>(
  catalog: CompiledCatalog<Release>,
  target: CompiledRollout<Release>,
  circumstances: Circumstances,
  details: { nativeUpdate: NativeUpdateNote | null; trace: DecisionTrace | null },
): Decision<Release> {
  const { device } = circumstances
  const mandatory = isMandatory(target, circumstances) || hasSkippedMandatory(catalog, target, circumstances)
  const reason = audienceReason(target, circumstances)
  if (target.target === 'embedded') {
    return { kind: 'embedded', rollout: target, mandatory, direction: 'back', reason, ...details }
  }
  const current = currentRelease(catalog, device)
  const direction = current && target.target.sequence < current.sequence ? 'back' : 'forward'
  return { kind: 'update', release: target.target, rollout: target, mandatory, direction, reason, ...details }
}

function passedOver(rollout: CompiledRollout, circumstances: Circumstances): PassedOverReason | undefined {
  for (const { judge } of RULES) {
    const reason = judge(rollout, circumstances)
    if (reason) return reason
  }
  return undefined
}

/** D2. A paused rollout is in force for those who have it. */
function notInForce(rollout: CompiledRollout, device: Device, now: number): PassedOverReason | undefined {
  if (rollout.state !== 'active' && rollout.state !== 'paused') return rollout.state
  if (rollout.awaitsApproval) return 'awaits-approval'
  if (!hasStarted(rollout, now)) return 'not-started'
  if (rollout.state === 'paused' && rollout.releaseId !== device.currentReleaseId) return 'paused'
  return undefined
}

/** D2. */
export function hasStarted(rollout: CompiledRollout, now: number): boolean {
  return !rollout.awaitsApproval && (rollout.startsAt === null || rollout.startsAt <= now)
}

function isGone(rollout: CompiledRollout): boolean {
  return rollout.state === 'halted' || rollout.state === 'withdrawn'
}

/** D6. Whether nothing that is in force wants a device on this release, or on embedded, and something once did. */
export function isTakenBack(catalog: CompiledCatalog, releaseId: string | null, now: number): boolean {
  return wasTakenBack(placementsOf(catalog, releaseId), now)
}

/**
 * D6. A rollout of the same release that is only scheduled does not hold devices on it until then. A whole binary has
 * nothing in it to go back to: who has it keeps it.
 */
function wasTakenBack(placements: readonly CompiledRollout[], now: number): boolean {
  if (placements[0]?.kind === 'binary') return false
  return placements.some(isGone) && placements.every((rollout) => isGone(rollout) || !hasStarted(rollout, now))
}

/** D10, D11: embedded has sequence 0, so a floor keeps devices from it unless the publisher signs for it. */
function staysOnTakenBack({ floor, device, catalog, isWilling }: Circumstances): PassedOverReason | undefined {
  if (floor > 0) return 'below-floor'
  return isWilling ? undefined : refusesPlainEmbedded(device, catalog)
}

/** D3. */
function unmetRequirement(rollout: CompiledRollout, circumstances: Circumstances): RequirementReason | undefined {
  if (!rollout.requirement) return undefined
  const { runtimeVersion, attributes, takes } = circumstances.device
  return requirementReason(rollout.requirement, {
    native: nativeOf(circumstances),
    runtimeVersion,
    osVersion: attributes?.osVersion,
    architecture: attributes?.architecture,
    judges: takes?.judges,
  })
}

function nativeOf(circumstances: Circumstances): NativeVersion | undefined {
  if (circumstances.native === NOT_PARSED) {
    const { nativeVersion } = circumstances.device
    circumstances.native = nativeVersion === undefined ? undefined : parseNativeVersion(nativeVersion)
  }
  return circumstances.native
}

/** D4. Embedded cannot fail: there is nothing below it. */
function hasFailed(rollout: CompiledRollout, device: Device): boolean {
  return rollout.releaseId !== null && device.failedReleaseIds.includes(rollout.releaseId)
}

function outsideReason(rollout: CompiledRollout, circumstances: Circumstances): OutsideReason | undefined {
  const reason = audienceReason(rollout, circumstances)
  return isOutside(reason) ? reason : undefined
}

/** D7. The rollout above the end of the search that still places the current release: only the audience speaks against it. */
function findKept<Release extends CatalogRelease>(
  placements: readonly CompiledRollout<Release>[],
  end: CompiledRollout | undefined,
  circumstances: Circumstances,
): CompiledRollout<Release> | undefined {
  return placements.find(
    (rollout) =>
      (!end || rollout.position > end.position) &&
      isOutside(passedOver(rollout, circumstances)) &&
      !unmetRequirement(rollout, circumstances),
  )
}

/** D8. */
function isMandatory({ mandatory, mandatoryVersion }: CompiledRollout, circumstances: Circumstances): boolean {
  if (mandatory || mandatoryVersion === undefined) return mandatory
  const native = nativeOf(circumstances)
  return native !== undefined && compareNativeVersions(native, mandatoryVersion) < 0
}

/** D8. Rollouts between what the device runs and its target, that it could have had. */
function hasSkippedMandatory(catalog: CompiledCatalog, target: CompiledRollout, circumstances: Circumstances): boolean {
  const from = placeOf(circumstances.device, catalog, circumstances.now)
  for (const rollout of catalog.mandatory) {
    if (rollout.position <= from) return false
    if (rollout.position >= target.position || !isMandatory(rollout, circumstances)) continue
    if (!passedOver(rollout, circumstances)) return true
  }
  return false
}

/** D8. Where the device got its release from; what is only scheduled is not. Below everything when that is not known. */
export function placeOf(
  { currentReleaseId }: Pick<Device, 'currentReleaseId'>,
  catalog: CompiledCatalog,
  now: number,
): number {
  const placements = placementsOf(catalog, currentReleaseId)
  return placements.find((rollout) => hasStarted(rollout, now))?.position ?? Number.NEGATIVE_INFINITY
}

/** D10. The highest floor that a publisher signed and that has come into force; taking a rollout back lifts its floor. */
function floorAt(catalog: CompiledCatalog, now: number): number {
  for (const rollout of catalog.floors) {
    if (hasStarted(rollout, now) && rollout.state !== 'withdrawn') return rollout.floor
  }
  return 0
}

function currentRelease(catalog: CompiledCatalog, device: Device): CatalogRelease | undefined {
  if (device.currentReleaseId === null) return undefined
  const target = placementsOf(catalog, device.currentReleaseId)[0]?.target
  return target === 'embedded' ? undefined : target
}

function nativeUpdateNote(rollout: CompiledRollout): NativeUpdateNote | null {
  if (rollout.target === 'embedded') return null
  const { minNativeVersion } = rollout.target.requirement
  return minNativeVersion === undefined ? null : { minNativeVersion, releaseId: rollout.target.id }
}

function traceOf(
  catalog: CompiledCatalog,
  circumstances: Circumstances,
  target: CompiledRollout | undefined,
): DecisionTrace {
  const rollouts = catalog.rollouts.map((rollout): RolloutTrace => {
    const verdicts = RULES.map(({ rule, judge }) => ({ rule, reason: judge(rollout, circumstances) ?? null }))
    const isPassedOver = verdicts.some(({ reason }) => reason !== null)
    return {
      rolloutId: rollout.id,
      position: rollout.position,
      releaseId: rollout.releaseId,
      version: rollout.target === 'embedded' ? null : rollout.target.version,
      outcome: rollout === target ? 'target' : isPassedOver ? 'passed-over' : 'not-reached',
      verdicts,
    }
  })
  return { generation: catalog.generation, rollouts }
}
