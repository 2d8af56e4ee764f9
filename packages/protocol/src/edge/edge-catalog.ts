import type { AttributeRule } from '../attribute-rules.ts'
import type { BucketRule } from '../buckets.ts'
import type { AudienceSlice, CatalogRelease, CompiledCatalog, CompiledRollout, RolloutState } from '../catalog.ts'
import { hasStarted } from '../decide.ts'
import type { Platform } from '../platforms.ts'
import type { Requirement } from '../requirement.ts'
import { edgeStandingOf } from './edge-standing.ts'

/** Static edge §6: the first field of a catalog. */
export const EDGE_CATALOG_TYPE = 'hotpatch.edge-catalog.v1'
/** Of the text; what would make it longer is cut from below. */
export const MAX_EDGE_CATALOG_BYTES = 2 * 1024 * 1024
/** The newest ones: who would be offered what lies below them asks the server. */
export const MAX_EDGE_ROLLOUTS = 200

/** Static edge §6: what a device needs to decide by itself. Everything in it is public. */
export interface EdgeCatalog {
  appId: string
  platform: Platform
  channel: string
  /** D10: of all rollouts that have started and are not withdrawn, also of those that are not here. */
  floor: number
  releases: readonly EdgeRelease[]
  /** Highest position first. */
  rollouts: readonly EdgeRollout[]
}

/** Signed by the publisher (Signing §1), as it is sent to devices. */
export interface EdgeStatement {
  statement: string
  statementSignature: string
}

export interface EdgeRelease {
  id: string
  version: string
  sequence: number
  requirement: Requirement
  floor: number
  keyId: string | null
  isStated: boolean
  statedAt: number | null
  /** Null: it is offered to nobody. */
  offer: EdgeOffer | null
}

export interface EdgeOffer {
  sha256: string
  sizeBytes: number
  /** Over the digest (Signing §5). */
  signature: string | null
  stated: EdgeStatement | null
  notes: string | null
}

export type EdgeRollout =
  /** Only the server can judge it. */
  | { kind: 'asks-server'; position: number; mandatory: boolean }
  /** Stands, at the place of the highest, for all that are below the others. */
  | { kind: 'older'; position: number; mandatory: boolean }
  | ({ kind: 'open' } & OpenEdgeRollout)

export interface OpenEdgeRollout {
  id: string
  position: number
  /** The id of a release, or `embedded`. */
  target: string
  state: RolloutState
  /** False only of what was taken back before it began. */
  hasStarted: boolean
  mandatory: boolean
  mandatoryBelow: string | null
  audience: EdgeAudience
  restated: EdgeRestatement | null
}

/** Of an audience what may be told: neither devices nor cohorts have a name here. */
export interface EdgeAudience {
  percentage: number
  salt: string
  buckets: BucketRule
  rules: readonly AttributeRule[]
  slice: AudienceSlice | null
}

export interface EdgeRestatement {
  sequence: number
  floor: number
  keyId: string | null
  statedAt: number | null
  stated: EdgeStatement | null
}

/** How a catalog's owner describes what it offers. */
export interface EdgeSource<Release extends CatalogRelease> {
  drawsByDeviceId: boolean
  offerOf(release: Release): EdgeOffer
  /** Of a rollout that was stated anew, by its id. */
  restatementOf(rolloutId: string): EdgeStatement | undefined
}

const NOBODY: EdgeAudience = { percentage: 0, salt: '', buckets: 10_000, rules: [], slice: null }

/** Static edge §6: of a catalog what may be public, as it is at `now`. */
export function edgeCatalogOf<Release extends CatalogRelease>(
  catalog: CompiledCatalog<Release>,
  now: number,
  source: EdgeSource<Release>,
  maxRollouts: number = MAX_EDGE_ROLLOUTS,
): EdgeCatalog {
  const standings = catalog.rollouts.map((rollout) => ({ rollout, standing: edgeStandingOf(rollout, now, source) }))
  const shown = standings.filter(({ standing }) => standing.kind !== 'left-out')
  const releases = new Map<string, EdgeRelease>()
  const rollouts: EdgeRollout[] = []
  for (const { rollout, standing } of shown.slice(0, maxRollouts)) {
    if (standing.kind === 'asks-server') {
      rollouts.push({ kind: 'asks-server', position: rollout.position, mandatory: mayBeMandatory(rollout) })
      continue
    }
    const isOver = standing.kind === 'over'
    if (rollout.target !== 'embedded') addRelease(releases, rollout.target, isOver ? undefined : source)
    rollouts.push({ kind: 'open', ...openRollout(rollout, { isOver, now }, source) })
  }
  const older = shown.slice(maxRollouts).map(({ rollout }) => rollout)
  const [highest] = older
  if (highest) rollouts.push({ kind: 'older', position: highest.position, mandatory: older.some(mayBeMandatory) })
  const { appId, platform, channel } = catalog
  return {
    appId,
    platform,
    channel,
    floor: floorOf(catalog, now),
    releases: [...releases.values()],
    rollouts,
  }
}

function mayBeMandatory({ mandatory, mandatoryVersion }: CompiledRollout): boolean {
  return mandatory || mandatoryVersion !== undefined
}

/** D10, as `decide` has it. */
function floorOf(catalog: CompiledCatalog, now: number): number {
  const counted = catalog.floors.filter((rollout) => hasStarted(rollout, now) && rollout.state !== 'withdrawn')
  return counted[0]?.floor ?? 0
}

function addRelease<Release extends CatalogRelease>(
  releases: Map<string, EdgeRelease>,
  release: Release,
  source: EdgeSource<Release> | undefined,
): void {
  const { id, version, sequence, requirement, floor, keyId, isStated, statedAt } = release
  const known = releases.get(id)
  const offer = known?.offer ?? source?.offerOf(release) ?? null
  releases.set(id, { id, version, sequence, requirement, floor, keyId, isStated, statedAt: statedAt ?? null, offer })
}

function openRollout<Release extends CatalogRelease>(
  rollout: CompiledRollout<Release>,
  { isOver, now }: { isOver: boolean; now: number },
  source: EdgeSource<Release>,
): OpenEdgeRollout {
  const { id, position, target, state, mandatory, mandatoryBelow, restated } = rollout
  return {
    id,
    position,
    target: target === 'embedded' ? 'embedded' : target.id,
    state,
    hasStarted: hasStarted(rollout, now),
    mandatory: isOver ? false : mandatory,
    mandatoryBelow: isOver ? null : (mandatoryBelow ?? null),
    // Whom something was for that is over concerns nobody.
    audience: isOver ? NOBODY : openAudience(rollout),
    restated: restated && {
      sequence: restated.sequence,
      floor: restated.floor,
      keyId: restated.keyId,
      statedAt: restated.statedAt ?? null,
      stated: isOver ? null : (source.restatementOf(id) ?? null),
    },
  }
}

function openAudience({ id, audience }: CompiledRollout): EdgeAudience {
  const { percentage, salt = id, buckets, rules, slice } = audience
  return { percentage, salt, buckets, rules, slice }
}

/** The text whose SHA-256 the pointer has. */
export function writeEdgeCatalog(catalog: EdgeCatalog): string {
  const { appId, platform, channel, floor, releases, rollouts } = catalog
  return JSON.stringify({ type: EDGE_CATALOG_TYPE, appId, platform, channel, floor, releases, rollouts })
}
