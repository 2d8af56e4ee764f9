import { DEFAULT_TRUST, type TrustDifferences } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'
import { boundSample, without, type BoundedSample, type Standings } from './bounded-sample.ts'
import { countByNetwork, readSamples, type SampleRows } from './sample-queries.ts'

/** Of so many devices at least that were there before can be said how they spread over networks. */
const ENOUGH_KNOWN = 50
/** From this part of the devices in one network on, as in an office, networks say nothing about who is who. */
const CONCENTRATED = 0.5
const MAX_REMEMBERED = 1_000

/** How much of a rollout's sample one network may be: 1 where networks do not matter. */
export type NetworkShare = number

export type Sampling = ReturnType<typeof createSampling>

/** What guards, plans and the figures shown beside them make of a rollout's attempts: the same for all. */
export function createSampling() {
  // Of who was there before a rollout began, which does not change.
  const largest = new Map<string, number>()

  /** By rollout id. */
  async function readShares(db: Connection, rolloutIds: readonly string[]): Promise<Map<string, NetworkShare>> {
    if (rolloutIds.length === 0) return new Map()
    const rollouts = await db
      .selectFrom('rollout')
      .innerJoin('app', 'app.id', 'rollout.app_id')
      .select(['rollout.id', 'app_id', 'platform', 'channel', 'rollout.created_at', 'starts_at', 'app.trust'])
      .where('rollout.id', 'in', rolloutIds)
      .execute()
    const shares = new Map<string, NetworkShare>()
    for (const { id, trust, created_at, starts_at, ...place } of rollouts) {
      const allowed = shareOf(trust)
      const known = allowed < 1 ? await readLargest(db, id, place, Math.max(created_at, starts_at ?? 0)) : 0
      shares.set(id, known >= CONCENTRATED ? 1 : allowed)
    }
    return shares
  }

  /** Which part of the devices that were there before are in the largest network; 0 when there were too few to say. */
  async function readLargest(
    db: Connection,
    rolloutId: string,
    { app_id: appId, platform, channel }: { app_id: string; platform: Platform; channel: string },
    startedAt: number,
  ): Promise<number> {
    const remembered = largest.get(rolloutId)
    if (remembered !== undefined) return remembered
    const { devices, ofLargest } = await countByNetwork(db, { appId, platform, channel }, startedAt)
    const share = devices < ENOUGH_KNOWN ? 0 : ofLargest / devices
    if (largest.size >= MAX_REMEMBERED) largest.clear()
    largest.set(rolloutId, share)
    return share
  }

  /** Of rollouts since their beginning. */
  async function readBounded(db: Connection, rolloutIds: readonly string[]): Promise<Map<string, BoundedSample>> {
    const shares = await readShares(db, rolloutIds)
    const samples = await readSamples(db, rolloutIds)
    return new Map([...samples].map(([id, rows]) => [id, bound(rows, shares.get(id) ?? 1)]))
  }

  return { readShares, readBounded }
}

/** @param base what is not to be counted */
export function bound({ standings, days }: SampleRows, share: NetworkShare, base?: Standings): BoundedSample {
  return boundSample(base ? without(standings, base) : standings, { share, days })
}

function shareOf(trust: string): NetworkShare {
  const { networkPercent } = { ...DEFAULT_TRUST, ...(JSON.parse(trust) as TrustDifferences) }
  return networkPercent / 100
}
