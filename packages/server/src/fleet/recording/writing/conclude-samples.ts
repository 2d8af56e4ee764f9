import { HOUR_MS } from '../../../ground/clock.ts'
import type { Schema } from '../../../ground/database/schema.ts'
import {
  dayOf,
  disbelief,
  isBelieved,
  STANDING,
  standingOfRank,
  type Believability,
} from '../../progress/believed-devices.ts'
import { ATTEMPTED, BAD } from '../../progress/rollout-progress.ts'

export type RolloutSampleRow = Schema['rollout_sample']
export type RolloutNetworkRow = Schema['rollout_network']
type RolloutDeviceRow = Schema['rollout_device']
type DeviceRow = Schema['device']

export function networkKey(rolloutId: string, dayAt: number, network: string): string {
  return `${rolloutId}\n${dayAt}\n${network}`
}

/**
 * What facts change in the samples that guards and plans decide by. A device comes into a sample once, at a rank that
 * it keeps, whatever is written again.
 * @param known how many devices of a network are in a sample of a day already, by `networkKey`
 */
export function concludeSamples(known: ReadonlyMap<string, number>) {
  const samples = new Map<string, RolloutSampleRow>()
  const networks = new Map<string, RolloutNetworkRow>()

  /**
   * To be called whenever a device's row of a rollout may have changed.
   * @param before of it
   * @param at by the server's clock: a device that could choose its day could choose its rank
   * @returns whether its standing changed
   */
  function settle(row: RolloutDeviceRow, before: number, device: DeviceRow, at: number): boolean {
    if ((row.progress & ATTEMPTED) === 0) return false
    const turnedBad = (before & BAD) === 0 && (row.progress & BAD) !== 0
    if (turnedBad) noteBad(row)
    if (row.standing !== null && row.standing >= 0) return false
    const believability: Believability = { progress: row, device }
    const believed = isBelieved(believability)
    const standing = believed ? standingIn(row, device.network, at) : disbelief(believability)
    if (standing === row.standing) return false
    const bad = (row.progress & BAD) === 0 ? 0 : 1
    count(row, -1, -bad)
    row.standing = standing
    row.standing_at = at
    if (believed) row.network = device.network
    count(row, 1, bad)
    if (row.network !== null && standing > 0) add(row, { devices: 1, bad })
    return true
  }

  /** Whoever was bad before it had a standing is counted with it. */
  function noteBad(row: RolloutDeviceRow): void {
    if (row.standing === null) return
    count(row, 0, 1)
    if (row.network !== null && row.standing > 0) add(row, { devices: 0, bad: 1 })
  }

  function standingIn({ rollout_id }: RolloutDeviceRow, network: string | null, at: number): number {
    if (network === null) return STANDING.noNetwork
    const key = networkKey(rollout_id, dayOf(at), network)
    return standingOfRank((known.get(key) ?? 0) + (networks.get(key)?.devices ?? 0) + 1)
  }

  /** Reports, not devices: whose they are is what is not proven. */
  function countUnproven(rollout_id: string, bit: number, at: number): void {
    if ((bit & ATTEMPTED) === 0) return
    count({ rollout_id, standing: STANDING.unproven, standing_at: at }, 1, (bit & BAD) === 0 ? 0 : 1)
  }

  function count(
    { rollout_id, standing, standing_at }: Pick<RolloutDeviceRow, 'rollout_id' | 'standing' | 'standing_at'>,
    attempted: number,
    bad: number,
  ): void {
    if (standing === null || standing_at === null) return
    const hour_at = standing_at - (standing_at % HOUR_MS)
    const key = `${rollout_id}\n${hour_at}\n${standing}`
    let row = samples.get(key)
    if (!row) samples.set(key, (row = { rollout_id, hour_at, standing, attempted: 0, attempted_bad: 0 }))
    row.attempted += attempted
    row.attempted_bad += bad
  }

  function add({ rollout_id, network, standing_at }: RolloutDeviceRow, more: { devices: number; bad: number }): void {
    const day_at = dayOf(standing_at ?? 0)
    const key = networkKey(rollout_id, day_at, network ?? '')
    let row = networks.get(key)
    if (!row) networks.set(key, (row = { rollout_id, day_at, network: network ?? '', devices: 0, bad: 0 }))
    row.devices += more.devices
    row.bad += more.bad
  }

  return {
    settle,
    countUnproven,
    rows: () => ({ samples: [...samples.values()], networks: [...networks.values()] }),
  }
}
