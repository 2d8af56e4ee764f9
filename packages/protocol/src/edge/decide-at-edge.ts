import { compileCatalog, type CatalogRelease, type CatalogRollout, type CompiledCatalog } from '../catalog.ts'
import type { ClientTakes } from '../client-takes.ts'
import { decide, placeOf, type Decision } from '../decide.ts'
import type { Device } from '../device.ts'
import type { EdgeCatalog, EdgeOffer, EdgeRestatement, EdgeRollout, OpenEdgeRollout } from './edge-catalog.ts'

/** What an edge offers: archives as they are, and the way back to embedded. */
export const EDGE_TAKES: ClientTakes = { kinds: ['archive'], forms: ['plain'], embedded: true }

/** As `decide` needs it, with what an offer carries. */
export interface EdgeCatalogRelease extends CatalogRelease {
  offer: EdgeOffer | null
}

/** A catalog that a device has verified, ready for decisions. */
export interface CompiledEdgeCatalog {
  catalog: CompiledCatalog<EdgeCatalogRelease>
  restatements: ReadonlyMap<string, EdgeRestatement>
  /** What only the server can judge. */
  asksServer: readonly Exclude<EdgeRollout, { kind: 'open' }>[]
}

export type EdgeDecision =
  | { kind: 'decided'; decision: Decision<EdgeCatalogRelease> }
  /** Whatever the catalog says, the server may say something else: for as long as nobody can ask it, nothing changes. */
  | { kind: 'asks-server' }

export function compileEdgeCatalog(edge: EdgeCatalog): CompiledEdgeCatalog {
  const releases = new Map(edge.releases.map((release): [string, EdgeCatalogRelease] => [release.id, release]))
  const open = edge.rollouts.filter((rollout) => rollout.kind === 'open')
  const rollouts = open.map((rollout) => rolloutOf(rollout, releases))
  const { appId, platform, channel, floor } = edge
  const bottom = floor > 0 ? [floorOnly(floor)] : []
  return {
    catalog: compileCatalog({ appId, platform, channel, generation: 0, rollouts: [...rollouts, ...bottom] }),
    restatements: new Map(open.flatMap(({ id, restated }) => (restated ? [[id, restated] as const] : []))),
    asksServer: edge.rollouts.filter((rollout) => rollout.kind !== 'open'),
  }
}

function rolloutOf(
  rollout: OpenEdgeRollout,
  releases: ReadonlyMap<string, EdgeCatalogRelease>,
): CatalogRollout<EdgeCatalogRelease> {
  const { id, position, target, state, hasStarted, mandatory, mandatoryBelow, audience, restated } = rollout
  const release = target === 'embedded' ? undefined : releases.get(target)
  return {
    id,
    position,
    target: release ?? 'embedded',
    state,
    // The server says what has begun: a device's own clock starts nothing.
    startsAt: hasStarted ? null : Number.POSITIVE_INFINITY,
    mandatory,
    mandatoryBelow,
    audience: { ...audience, devices: [], cohorts: [] },
    restated,
  }
}

/** D10: the floor of rollouts that are not here. It is below everything, and was over from the beginning. */
function floorOnly(floor: number): CatalogRollout<EdgeCatalogRelease> {
  return {
    id: 'floor',
    position: -1,
    target: 'embedded',
    state: 'halted',
    startsAt: null,
    mandatory: false,
    audience: { devices: [], cohorts: [], percentage: 0, buckets: 10_000, rules: [], slice: null },
    restated: { sequence: floor, floor, keyId: null },
  }
}

/**
 * Static edge §8: what the server would decide, wherever that can be known from what is public.
 * @param running the sequence of what the device runs; undefined for embedded, and where none is known
 */
export function decideAtEdge(edge: CompiledEdgeCatalog, device: Device, now: number, running?: number): EdgeDecision {
  const decision = decide(edge.catalog, { ...device, cohorts: [], takes: EDGE_TAKES }, now)
  if (mayBeOvertaken(edge, decision) || mayBeMandatory(edge, device, decision, now)) return { kind: 'asks-server' }
  return goesBackUnknown(edge, device, decision, running) ? { kind: 'asks-server' } : { kind: 'decided', decision }
}

/** Of what ends the search, or keeps the device, only what lies above could be in its place. */
function mayBeOvertaken({ asksServer }: CompiledEdgeCatalog, decision: Decision): boolean {
  const rollout = 'rollout' in decision ? decision.rollout : null
  if (!rollout) return asksServer.length > 0
  return asksServer.some(({ position }) => position > rollout.position)
}

/** D8: rollouts between what the device runs and its target, whose audience or release is not known here. */
function mayBeMandatory(
  { asksServer, catalog }: CompiledEdgeCatalog,
  device: Device,
  decision: Decision,
  now: number,
): boolean {
  if (decision.kind !== 'update' && decision.kind !== 'embedded') return false
  const { rollout, mandatory } = decision
  if (!rollout || rollout.mandatory) return false
  const from = placeOf(device, catalog, now)
  const between = asksServer.filter(({ position }) => position < rollout.position && position > from)
  // What it runs may have a higher place than is known here; what is older has none above what is here.
  return between.some((each) => (mandatory ? each.kind === 'asks-server' : each.mandatory))
}

/** What the device runs may be of a rollout that is not here: that it is older is no reason to go back. */
function goesBackUnknown(
  { catalog }: CompiledEdgeCatalog,
  { currentReleaseId }: Device,
  decision: Decision,
  running: number | undefined,
): boolean {
  if (currentReleaseId === null || catalog.byRelease.has(currentReleaseId)) return false
  if (decision.kind === 'embedded') return true
  return decision.kind === 'update' && running !== undefined && decision.rollout.sequence < running
}
