import { sql, type SqlBool } from 'kysely'
import type { Connection, Schema } from '../../../ground/database/schema.ts'
import { isSqlite } from '../../../ground/database/sqlite-dialect.ts'
import { dayOf, STANDING } from '../../progress/believed-devices.ts'
import { deviceKey } from '../fleet-buffer.ts'
import { ATTEMPTED } from '../../progress/rollout-progress.ts'
import { networkKey } from './conclude-samples.ts'
import { progressKey, type KnownRows } from './conclude.ts'
import { compare, type Fact } from './fleet-batch.ts'
import { chunks } from './statements.ts'

type RolloutDeviceRow = Schema['rollout_device']

/** What these devices tried before anybody could believe them, by `deviceKey`. */
export async function readWaiting(tx: Connection, facts: readonly Fact[]): Promise<Map<string, RolloutDeviceRow[]>> {
  const waiting = new Map<string, RolloutDeviceRow[]>()
  for (const [appId, some] of Map.groupBy(facts, ({ told }) => told.app_id)) {
    const deviceIds = new Set(some.map(({ told }) => told.device_id))
    for (const chunk of chunks([...deviceIds])) {
      const rows = await tx
        .selectFrom('rollout_device')
        .leftJoin('rollout', 'rollout.id', 'rollout_device.rollout_id')
        .selectAll('rollout_device')
        .where('rollout_device.device_id', 'in', chunk)
        .where('rollout_device.standing', '=', STANDING.tooNew)
        // Apps that take ids as given may share some.
        .where(({ or, eb }) => or([eb('rollout.app_id', 'is', null), eb('rollout.app_id', '=', appId)]))
        .execute()
      for (const [deviceId, found] of Map.groupBy(rows, (row) => row.device_id)) {
        waiting.set(deviceKey(appId, deviceId), found)
      }
    }
  }
  return waiting
}

type Network = [rolloutId: string, dayAt: number, network: string]

/** How many devices of each network that one of the facts may add to are in a sample. Nobody else adds any meanwhile. */
export async function readNetworks(
  tx: Connection,
  facts: readonly Fact[],
  known: Omit<KnownRows, 'networks'>,
): Promise<Map<string, number>> {
  const wanted = networksOf(facts, known)
  const found = new Map<string, number>()
  for (const chunk of chunks(wanted)) {
    // What is not there cannot be locked.
    if (!isSqlite(tx)) await insertEmpty(tx, chunk)
    const rows = await tx
      .selectFrom('rollout_network')
      .selectAll()
      .where(
        sql<SqlBool>`(rollout_id, day_at, network) in (values ${sql.join(
          chunk.map(([id, day, network]) => sql`(${id}, cast(${day} as bigint), ${network})`),
        )})`,
      )
      .$if(!isSqlite(tx), (networks) =>
        networks.orderBy(sql`rollout_id collate "C", day_at, network collate "C"`).forUpdate(),
      )
      .execute()
    for (const row of rows) found.set(networkKey(row.rollout_id, row.day_at, row.network), row.devices)
  }
  return found
}

function insertEmpty(tx: Connection, networks: readonly Network[]) {
  const rows = networks.map(([rollout_id, day_at, network]) => ({ rollout_id, day_at, network, devices: 0, bad: 0 }))
  return tx
    .insertInto('rollout_network')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** In the order in which every server takes them. */
function networksOf(facts: readonly Fact[], { devices, progress, waiting }: Omit<KnownRows, 'networks'>): Network[] {
  const wanted = new Map<string, Network>()
  const want = (rolloutId: string, at: number, network: string | null | undefined) => {
    if (network) wanted.set(networkKey(rolloutId, dayOf(at), network), [rolloutId, dayOf(at), network])
  }
  for (const [key, some] of Map.groupBy(facts, ({ told }) => deviceKey(told.app_id, told.device_id))) {
    const networks = new Set([devices.get(key)?.network, ...some.map(({ told }) => told.network)])
    const rollouts = new Set(waiting.get(key)?.map(({ rollout_id }) => rollout_id))
    for (const { rolloutId, told } of some) {
      if (rolloutId === null || rollouts.has(rolloutId)) continue
      if (mayComeIn(rolloutId, some, progress.get(progressKey(told.device_id, rolloutId)))) rollouts.add(rolloutId)
    }
    for (const rolloutId of rollouts) {
      for (const { told } of some) for (const network of networks) want(rolloutId, told.last_seen_at, network)
    }
  }
  return [...wanted].sort(([a], [b]) => compare(a, b)).map(([, network]) => network)
}

/** Whether these facts may bring their device into the sample. */
function mayComeIn(rolloutId: string, facts: readonly Fact[], row: RolloutDeviceRow | undefined): boolean {
  if (row?.standing !== undefined && row.standing !== null && row.standing >= 0) return false
  const told = facts.filter((fact) => fact.rolloutId === rolloutId)
  const bits = told.reduce((all, { bit }) => all | bit, row?.progress ?? 0)
  return (bits & ATTEMPTED) !== 0 && told.some(({ bit }) => ((row?.progress ?? 0) & bit) !== bit)
}
