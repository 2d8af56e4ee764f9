import type { DeviceEventKind } from '@hotpatch/protocol'
import { sql } from 'kysely'
import type { Connection } from '../../ground/database/schema.ts'

/** What devices say may be anything: of so many codes, the most frequent. */
const MAX_CODES = 200

const devices = sql<number>`cast(count(distinct device_id) as bigint)`.as('devices')

/** How many devices have told each thing of each component; those that a kit does not have may be among them. */
export async function countByComponent(
  db: Connection,
  rolloutId: string,
  componentIds: readonly string[],
): Promise<{ component: string; kind: DeviceEventKind; devices: number }[]> {
  const rows = await db
    .selectFrom('device_event')
    .select(['component', 'kind', devices])
    .where('rollout_id', '=', rolloutId)
    .where('component', 'is not', null)
    .where('component', 'in', componentIds)
    .groupBy(['component', 'kind'])
    .execute()
  return rows.map(({ component, ...row }) => ({ ...row, component: component ?? '' }))
}

/** Most frequent first. */
export async function countCodes(
  db: Connection,
  rolloutId: string,
  componentIds: readonly string[],
): Promise<{ component: string; code: string | null; devices: number }[]> {
  const rows = await db
    .selectFrom('device_event')
    .select(['component', 'code', devices])
    .where('rollout_id', '=', rolloutId)
    .where('component', 'is not', null)
    .where('component', 'in', componentIds)
    .where('kind', '=', 'failed')
    .groupBy(['component', 'code'])
    .orderBy('devices', 'desc')
    .orderBy('code')
    .limit(MAX_CODES)
    .execute()
  return rows.map(({ component, ...row }) => ({ ...row, component: component ?? '' }))
}
