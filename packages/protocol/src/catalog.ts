import { compileRules, type AttributeRule, type CompiledRule } from './attribute-rules.ts'
import type { BucketRule } from './buckets.ts'
import {
  isSemver,
  type CatalogBinary,
  type CatalogComponent,
  type Encryption,
  type ExportTool,
} from './client-takes.ts'
import type { ContentKindName } from './content/release-content.ts'
import type { Platform } from './platforms.ts'
import { isNowhereNewer, type BinaryVersion } from './versions/binary-order.ts'
import type { SignedAnswer } from './signed-answers.ts'
import { parseNativeVersion, type NativeVersion } from './versions/native-version.ts'
import { compileRequirement, REQUIREMENT_NAMES, type CompiledRequirement, type Requirement } from './requirement.ts'

/** Immutable content, as far as a decision needs to know it. */
export interface CatalogRelease {
  id: string
  version: string
  /** Rises with every publish of (app, platform). */
  sequence: number
  requirement: Requirement
  /** Of its content (Content §1); absent: an archive. */
  kind?: ContentKindName | undefined
  /** What its publisher has encrypted of it, for clients that take nothing else; absent: nothing. */
  variants?: readonly Encryption[] | undefined
  /** It is there for devices with one of these keys alone (Content §3.2); absent: it is there as it is. */
  encryptedFor?: readonly Encryption[] | undefined
  /** Of files: the list of them, where it is in memory at the moment. */
  held?: { readonly files: readonly unknown[] | null } | undefined
  /** Which tool's clients take it; absent: it is for those of none. */
  exportedBy?: ExportTool | undefined
  /** Of a build that its tool has given an id: texts in the order of time; absent, or null: of none. */
  buildId?: string | null | undefined
  /** Signed by its publisher, for clients that take no others; absent: none. */
  answers?: readonly SignedAnswer[] | undefined
  /** Of a whole binary: its files for the platform of the catalog; absent: of another kind. */
  binaries?: readonly CatalogBinary[] | undefined
  /** Of a kit: the components that not every machine has a file of; absent: none. */
  components?: readonly CatalogComponent[] | undefined
  /** Of a whole binary: orders those of the app (Versions §5); absent, or null: the build that its version names. */
  versionCode?: number | null | undefined
  /** Publisher-signed: once published, nothing below this sequence is offered (D10). 0 sets no floor. */
  floor: number
  /** Of the key that signed the bundle (Signing §9); null when nobody did. */
  keyId: string | null
  /** Whether that key signed a statement of it, too: clients of the original contract do without. */
  isStated: boolean
  /** When that statement says that it was signed (Signing §1), in milliseconds since 1970; absent, or null: not known. */
  statedAt?: number | null | undefined
}

/** Whom a rollout is for: forced devices; of those that meet the rules, named cohorts and a share of the rest (D5). */
export interface Audience {
  devices: readonly string[]
  cohorts: readonly string[]
  /** 0 … 100, in steps of 0.01. */
  percentage: number
  /** Absent: the rollout's id, so that it is not always the same people who go first. */
  salt?: string | undefined
  buckets: BucketRule
  /** All must hold, of cohorts too; forced devices need not meet them. */
  rules: readonly AttributeRule[]
  /** An arm of an A/B test: only this part of the fleet. Null: all of it. */
  slice: AudienceSlice | null
}

/**
 * Decision §12: the devices whose slice bucket is `from` or above and below `to`, of 10,000.
 * Slices with the same salt that do not overlap have no device in common.
 */
export interface AudienceSlice {
  salt: string
  from: number
  to: number
}

/** `paused` keeps those who have it and takes no new ones; `halted` and `withdrawn` send them elsewhere. */
export type RolloutState = 'active' | 'paused' | 'halted' | 'withdrawn'

/** Mutable policy: places one release, or what the binary shipped with, on one channel. */
export interface CatalogRollout<Release extends CatalogRelease = CatalogRelease> {
  id: string
  /** Rises with every rollout of the channel, no two are equal: the highest is tried first (D1). */
  position: number
  target: Release | 'embedded'
  state: RolloutState
  /** Placed, and waiting for a second person: it reaches nobody, as if it had not started (D2). */
  awaitsApproval?: boolean | undefined
  /** Milliseconds since 1970, or null: at once. */
  startsAt: number | null
  /** When it was placed, or came into force later, in milliseconds since 1970; absent: not known. No decision asks. */
  startedAt?: number | undefined
  /** When it was halted or withdrawn, whichever came first, in milliseconds since 1970; absent: not known, or never. */
  endedAt?: number | undefined
  mandatory: boolean
  /** It is mandatory for shells below this native version; absent, or null: for none more. */
  mandatoryBelow?: string | null | undefined
  audience: Audience
  /** The target stated again by its publisher (Signing §6): stands for the target's own sequence and floor (D10). */
  restated: { sequence: number; floor: number; keyId: string | null; statedAt?: number | null | undefined } | null
}

/** All that a decision needs to know of one (app, platform, channel). */
export interface Catalog<Release extends CatalogRelease = CatalogRelease> {
  appId: string
  platform: Platform
  channel: string
  /** Rises with every change. */
  generation: number
  rollouts: readonly CatalogRollout<Release>[]
  /** Signed ways back to what the binary shipped with; absent: none. */
  embeddedAnswers?: readonly SignedAnswer[] | undefined
}

export interface CompiledRollout<Release extends CatalogRelease = CatalogRelease> extends CatalogRollout<Release> {
  /** Null for a rollout of what the binary shipped with. */
  releaseId: string | null
  /** Undefined when nothing is required. */
  requirement: CompiledRequirement | undefined
  /** Its place in the catalog. */
  index: number
  /** Index of the next rollout below that requires something else. */
  nextRequirement: number
  /** Of its content; null for embedded, which is of none. */
  kind: ContentKindName | null
  /** Index of the next rollout below of another kind. */
  nextKind: number
  /** Of a whole binary that has a version. */
  binary: BinaryVersion | undefined
  /** Index of the next rollout below that may be newer than a device for which this is not. */
  nextHigher: number
  /** Index of the next rollout below that other keys signed. */
  nextKeys: number
  /** Index of the next rollout below that is not, like this one, of a release that requires nothing, nor stated later. */
  nextNewer: number
  /** Of this and all below. */
  highestSequence: number
  /** What D10 compares with the floor: 0 for embedded, unless the publisher signed for it. */
  sequence: number
  floor: number
  /** Which keys signed what a device gets: the statement, and the bundle (D11). */
  statementKeyId: string | null
  bundleKeyId: string | null
  /** When what a device gets was stated; null where that is not known. */
  statedAt: number | null
  /** Parsed; undefined when there is none, or it is no version. */
  mandatoryVersion: NativeVersion | undefined
  audience: CompiledAudience
}

/** With its look-ups prepared. Rollouts that came with one audience have one. */
export interface CompiledAudience extends Audience {
  forcedDevices: ReadonlySet<string>
  namedCohorts: ReadonlySet<string>
  compiledRules: readonly CompiledRule[]
}

/** A catalog with its look-ups prepared, so that a decision costs the same with 1 and with 10,000 releases. */
export interface CompiledCatalog<Release extends CatalogRelease = CatalogRelease> {
  appId: string
  platform: Platform
  channel: string
  generation: number
  /** Of all contents: where a device takes them, none is asked for its kind (D11). */
  kinds: ReadonlySet<ContentKindName>
  /** Whether any of it is there for devices with a key alone. */
  hasEncrypted: boolean
  /**
   * By index, that of the next rollout below which is there in other forms: encrypted for other keys, with other files of
   * a binary or of a kit's components, or by another tool; null: nothing is any of that.
   */
  nextForm: Int32Array | null
  /** By index, that of the next rollout below whose build is later; null: nothing is a build with an id. */
  nextBuild: Int32Array | null
  embeddedAnswers: readonly SignedAnswer[] | undefined
  /** By which any of its answers are signed; null: none is. */
  answerKeys: ReadonlySet<string> | null
  /** Highest position first. */
  rollouts: readonly CompiledRollout<Release>[]
  /** For each release, `null` for embedded: most are placed once, and need no list. Read it by `placementsOf`. */
  byRelease: ReadonlyMap<string | null, CompiledRollout<Release> | readonly CompiledRollout<Release>[]>
  /** The release that a version text means here: the one placed last. */
  byVersion: ReadonlyMap<string, Release>
  /** Those that D8 must look through, highest position first. */
  mandatory: readonly CompiledRollout<Release>[]
  /** Those that set a floor, highest floor first. */
  floors: readonly CompiledRollout<Release>[]
}

const NOBODY: ReadonlySet<string> = new Set()

export function compileCatalog<Release extends CatalogRelease>(catalog: Catalog<Release>): CompiledCatalog<Release> {
  const rollouts = compileRollouts(catalog.rollouts)
  const byRelease = new Map<string | null, CompiledRollout<Release> | CompiledRollout<Release>[]>()
  const byVersion = new Map<string, Release>()
  for (const rollout of rollouts) {
    const placed = byRelease.get(rollout.releaseId)
    if (Array.isArray(placed)) placed.push(rollout)
    else byRelease.set(rollout.releaseId, placed ? [placed, rollout] : rollout)
    if (rollout.target !== 'embedded' && !byVersion.has(rollout.target.version)) {
      byVersion.set(rollout.target.version, rollout.target)
    }
  }
  const { appId, platform, channel, generation, embeddedAnswers } = catalog
  return {
    appId,
    platform,
    channel,
    generation,
    kinds: new Set(rollouts.flatMap(({ kind }) => kind ?? [])),
    hasEncrypted: rollouts.some(({ target }) => target !== 'embedded' && target.encryptedFor !== undefined),
    nextForm: compileForms(rollouts),
    nextBuild: compileBuilds(rollouts),
    embeddedAnswers,
    answerKeys: compileAnswerKeys(rollouts, embeddedAnswers),
    rollouts,
    byRelease,
    byVersion,
    mandatory: rollouts.filter(({ mandatory, mandatoryVersion }) => mandatory || mandatoryVersion !== undefined),
    floors: rollouts.filter((rollout) => rollout.floor > 0).toSorted((a, b) => b.floor - a.floor),
  }
}

const NEVER_PLACED: readonly never[] = []

/** The rollouts of a release, or of embedded, highest position first. */
export function placementsOf<Release extends CatalogRelease>(
  { byRelease }: Pick<CompiledCatalog<Release>, 'byRelease'>,
  releaseId: string | null,
): readonly CompiledRollout<Release>[] {
  const placed = byRelease.get(releaseId)
  if (!placed) return NEVER_PLACED
  return 'length' in placed ? placed : [placed]
}

function compileRollouts<Release extends CatalogRelease>(
  rollouts: readonly CatalogRollout<Release>[],
): CompiledRollout<Release>[] {
  // Neighbours mostly require the same: it is compiled once.
  const requirements = new Map<string, CompiledRequirement>()
  const audiences = new Map<Audience, CompiledAudience>()
  const sorted = rollouts.toSorted(compareFromTheTop)
  const compiled = sorted.map((rollout, index) => compileRollout(rollout, index, requirements, audiences))
  for (const rollout of compiled.toReversed()) {
    const below = compiled[rollout.index + 1]
    if (!below) continue
    if (below.requirement === rollout.requirement) rollout.nextRequirement = below.nextRequirement
    if (below.kind === rollout.kind) rollout.nextKind = below.nextKind
    const isSignedAlike = below.statementKeyId === rollout.statementKeyId && below.bundleKeyId === rollout.bundleKeyId
    if (isSignedAlike) rollout.nextKeys = below.nextKeys
    rollout.nextNewer = findNewer(compiled, rollout)
    rollout.nextHigher = findHigher(compiled, rollout)
    rollout.highestSequence = Math.max(rollout.sequence, below.highestSequence)
  }
  return compiled
}

/** What lies between was compared with what lies above it already, so all of them together look at each once. */
function findNewer(compiled: readonly CompiledRollout[], { index, statedAt }: CompiledRollout): number {
  let next = index + 1
  for (let below = compiled[next]; below && isStatedBy(below, statedAt); below = compiled[next]) next = below.nextNewer
  return next
}

/** As `findNewer`. */
function findHigher(compiled: readonly CompiledRollout[], { index, binary }: CompiledRollout): number {
  let next = index + 1
  if (!binary) return next
  for (let below = compiled[next]; below?.binary && isNowhereNewer(below.binary, binary); below = compiled[next]) {
    next = below.nextHigher
  }
  return next
}

function isStatedBy({ target, requirement, statedAt }: CompiledRollout, latest: number | null): boolean {
  return target !== 'embedded' && !requirement && statedAt !== null && latest !== null && statedAt <= latest
}

/** Most catalogs have nothing that is encrypted, for some machines alone or a tool's export, and keep nothing for it. */
function compileForms(rollouts: readonly CompiledRollout[]): Int32Array | null {
  const keys = rollouts.map(({ target }) => (target === 'embedded' ? target : formsOf(target)))
  if (keys.every((key) => key === '' || key === 'embedded')) return null
  const next = new Int32Array(rollouts.length)
  for (let index = rollouts.length - 1; index >= 0; index--) {
    next[index] = keys[index + 1] === keys[index] ? (next[index + 1] ?? index + 1) : index + 1
  }
  return next
}

/** As `findNewer`, kept only where there are such builds. */
function compileBuilds(rollouts: readonly CompiledRollout[]): Int32Array | null {
  const ids = rollouts.map(({ target }) => (target === 'embedded' ? null : (target.buildId ?? null)))
  if (ids.every((id) => id === null)) return null
  const next = new Int32Array(rollouts.length)
  for (let index = rollouts.length - 1; index >= 0; index--) {
    let below = index + 1
    while (below < rollouts.length && isNotLater(ids[below], ids[index])) below = next[below] ?? rollouts.length
    next[index] = below
  }
  return next
}

function isNotLater(id: string | null | undefined, than: string | null | undefined): boolean {
  return typeof id === 'string' && typeof than === 'string' && id <= than
}

function compileAnswerKeys(
  rollouts: readonly CompiledRollout[],
  embeddedAnswers: readonly SignedAnswer[] | undefined,
): ReadonlySet<string> | null {
  const answers = rollouts.flatMap(({ target }) => (target === 'embedded' ? [] : (target.answers ?? [])))
  const keys = new Set([...answers, ...(embeddedAnswers ?? [])].map(({ keyId }) => keyId))
  return keys.size === 0 ? null : keys
}

function formsOf({ variants = [], encryptedFor, binaries, components, version, exportedBy }: CatalogRelease): string {
  const encrypted = [...variants, ...(encryptedFor ?? [])]
    .map(({ algorithm, keyId }) => `${algorithm} ${keyId}`)
    .toSorted()
  if (encryptedFor) encrypted.push('not as it is')
  if (exportedBy) encrypted.push(`exported by ${exportedBy}`)
  for (const { id, architectures } of components ?? []) encrypted.push(`${id} for ${architectures.join(' ')}`)
  if (!binaries) return encrypted.join('\n')
  const files = binaries.map(({ format, architecture, signatures = [] }) =>
    [format, architecture, ...signatures.map(({ scheme }) => scheme)].join(' '),
  )
  return [...encrypted, `binary ${isSemver(version)}`, ...files.toSorted()].join('\n')
}

/** The id decides between equal positions, so that no two servers ever disagree. */
function compareFromTheTop(a: CatalogRollout, b: CatalogRollout): number {
  return b.position - a.position || (a.id < b.id ? -1 : Number(a.id > b.id))
}

function compileRollout<Release extends CatalogRelease>(
  rollout: CatalogRollout<Release>,
  index: number,
  requirements: Map<string, CompiledRequirement>,
  audiences: Map<Audience, CompiledAudience>,
): CompiledRollout<Release> {
  const {
    id,
    position,
    target,
    state,
    awaitsApproval,
    startsAt,
    startedAt,
    endedAt,
    mandatory,
    mandatoryBelow,
    audience,
    restated,
  } = rollout
  const release = target === 'embedded' ? undefined : target
  const sequence = restated?.sequence ?? release?.sequence ?? 0
  // Field by field: an object that begins as a copy of another keeps room for fields that never come.
  return {
    id,
    position,
    target,
    state,
    awaitsApproval,
    startsAt,
    startedAt,
    endedAt,
    mandatory,
    mandatoryBelow,
    audience: compileAudience(audience, audiences),
    restated,
    releaseId: release?.id ?? null,
    requirement: release && compileOnce(release.requirement, requirements),
    index,
    nextRequirement: index + 1,
    kind: release ? (release.kind ?? 'archive') : null,
    nextKind: index + 1,
    binary: release && binaryVersionOf(release),
    nextHigher: index + 1,
    nextKeys: index + 1,
    nextNewer: index + 1,
    sequence,
    highestSequence: sequence,
    floor: restated?.floor ?? release?.floor ?? 0,
    statementKeyId: restated ? restated.keyId : release?.isStated ? release.keyId : null,
    bundleKeyId: release?.keyId ?? null,
    statedAt: (restated ? restated.statedAt : release?.statedAt) ?? null,
    mandatoryVersion: mandatoryBelow ? parseNativeVersion(mandatoryBelow) : undefined,
  }
}

function binaryVersionOf({ kind, version: text, versionCode }: CatalogRelease): BinaryVersion | undefined {
  const version = kind === 'binary' ? parseNativeVersion(text) : undefined
  return version && { version, code: versionCode ?? version.build }
}

function compileAudience(audience: Audience, known: Map<Audience, CompiledAudience>): CompiledAudience {
  const { devices, cohorts, rules } = audience
  const compiled = known.get(audience) ?? {
    ...audience,
    forcedDevices: devices.length > 0 ? new Set(devices) : NOBODY,
    namedCohorts: cohorts.length > 0 ? new Set(cohorts) : NOBODY,
    compiledRules: compileRules(rules),
  }
  known.set(audience, compiled)
  return compiled
}

function compileOnce(
  requirement: Requirement,
  known: Map<string, CompiledRequirement>,
): CompiledRequirement | undefined {
  if (REQUIREMENT_NAMES.every((name) => requirement[name] === undefined)) return undefined
  const key = JSON.stringify(REQUIREMENT_NAMES.map((name) => requirement[name]))
  const compiled = known.get(key) ?? compileRequirement(requirement)
  known.set(key, compiled)
  return compiled
}
