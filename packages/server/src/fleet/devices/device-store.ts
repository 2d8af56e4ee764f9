import type { DeviceFilter } from '@hotpatch/api'
import { sql, type SelectQueryBuilder } from 'kysely'
import { DEVICE_ATTRIBUTE_NAMES } from '@hotpatch/protocol'
import { jsonText } from '../../ground/database/json-text.ts'
import type { Connection, Schema } from '../../ground/database/schema.ts'

export type DeviceRow = Schema['device']

/** What the list of devices can be asked for, with times as they are stored. */
export type DeviceQuery = Omit<DeviceFilter, 'search' | 'seenSince' | 'seenBefore'> & {
  /** Exactly this device, or those whose ids begin so: then they come in the order of their ids. */
  id?: { is: string } | { beginsWith: string } | undefined
  seenSince?: number | undefined
  seenBefore?: number | undefined
}

/** Where a list goes on: behind this device. */
export interface DevicePosition {
  lastSeenAt: number
  deviceId: string
}

/** Devices that are looked at for one page, whatever the filter. */
const MAX_SCANNED = 20_000

/** What stands for "no release" where a version is asked for. */
const EMBEDDED = 'embedded'

/** Greater than every character that follows the beginning of an id. */
const LAST_CHARACTER = '\u{10FFFF}'

export function findDevice(db: Connection, appId: string, deviceId: string) {
  return db
    .selectFrom('device')
    .selectAll()
    .where('app_id', '=', appId)
    .where('device_id', '=', deviceId)
    .executeTakeFirst()
}

/**
 * At most `limit` devices, last seen first, and where to go on: a page may be short, even empty, when few of the
 * devices that were looked at fit the filter.
 */
export async function listDevices(
  db: Connection,
  appId: string,
  query: DeviceQuery,
  { after, limit }: { after: DevicePosition | undefined; limit: number },
): Promise<{ rows: DeviceRow[]; next: DevicePosition | undefined }> {
  const fewFailures = await findFewFailures(db, appId, query)
  const scan = inOrder(scanOf(db, appId, query, after, fewFailures), query)
  const rows = hasOwnIndex(query)
    ? await scan
        .selectAll()
        .limit(limit + 1)
        .execute()
    : await inOrder(filtered(db, scan.selectAll().limit(MAX_SCANNED), query), query)
        .selectAll()
        .limit(limit + 1)
        .execute()
  const shown = rows.slice(0, limit)
  if (rows.length > limit) return { rows: shown, next: positionOf(shown.at(-1)) }
  if (hasOwnIndex(query)) return { rows: shown, next: undefined }
  const last = await scan
    .select(['last_seen_at', 'device_id'])
    .limit(1)
    .offset(MAX_SCANNED - 1)
    .executeTakeFirst()
  return { rows: shown, next: positionOf(last) }
}

type DeviceSelect<Output = object> = SelectQueryBuilder<Schema, 'device', Output>

/** What an index finds. */
function scanOf(
  db: Connection,
  appId: string,
  query: DeviceQuery,
  after: DevicePosition | undefined,
  fewFailures: FailureSelect | undefined,
): DeviceSelect {
  const { id, releaseId, seenSince, seenBefore, isGone } = query
  const scan = db
    .selectFrom('device')
    .where('app_id', '=', appId)
    .$if(seenSince !== undefined, (devices) => devices.where('last_seen_at', '>=', seenSince ?? 0))
    .$if(seenBefore !== undefined, (devices) => devices.where('last_seen_at', '<', seenBefore ?? 0))
    .$if(releaseId !== undefined, (devices) => devices.where('current_release_id', '=', releaseId ?? ''))
    .$if(isGone === true, (devices) => devices.where('gone_at', 'is not', null))
    .$if(fewFailures !== undefined, (devices) => devices.where('device_id', 'in', () => fewFailures as FailureSelect))
  if (id && 'is' in id) return scan.where('device_id', '=', id.is)
  if (id) {
    return scan
      .where('device_id', '>=', id.beginsWith)
      .where('device_id', '<', id.beginsWith + LAST_CHARACTER)
      .$if(after !== undefined, (devices) => devices.where('device_id', '>', after?.deviceId ?? ''))
  }
  return scan.$if(after !== undefined, (devices) =>
    devices.where(sql<boolean>`(last_seen_at, device_id) < (${after?.lastSeenAt}, ${after?.deviceId})`),
  )
}

type FailureSelect = SelectQueryBuilder<Schema, 'device_failure', { device_id: string }>

/** Where few devices had a failure that is asked for, these alone are looked at. */
async function findFewFailures(
  db: Connection,
  appId: string,
  { hasFailed, hasFailures }: DeviceQuery,
): Promise<FailureSelect | undefined> {
  if (hasFailed === undefined && hasFailures !== true) return undefined
  const failures = db
    .selectFrom('device_failure')
    .select('device_id')
    .where('app_id', '=', appId)
    .$if(hasFailed !== undefined, (all) => all.where('release_id', '=', hasFailed ?? ''))
  const { count } = await db
    .selectFrom(failures.limit(MAX_SCANNED).as('failure'))
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count < MAX_SCANNED ? failures : undefined
}

function inOrder<Output>(devices: DeviceSelect<Output>, { id }: DeviceQuery): DeviceSelect<Output> {
  if (id && 'beginsWith' in id) return devices.orderBy('device_id')
  return devices.orderBy('last_seen_at', 'desc').orderBy('device_id', 'desc')
}

/** Whether the index finds nothing that does not fit: then a page costs what it shows. */
function hasOwnIndex({ id, releaseId: _, seenSince, seenBefore, ...others }: DeviceQuery): boolean {
  if (Object.values(others).some((value) => value !== undefined)) return false
  return !id || 'is' in id || (seenSince === undefined && seenBefore === undefined && _ === undefined)
}

function filtered(db: Connection, scanned: DeviceSelect<DeviceRow>, query: DeviceQuery): DeviceSelect {
  const { version, isGone, hasFailed, hasFailures } = query
  let devices = db.selectFrom(scanned.as('device')) as unknown as DeviceSelect
  for (const [column, value] of [
    ['platform', query.platform],
    ['channel', query.channel],
    ['native_version', query.nativeVersion],
    ['last_decision', query.decision],
    ['last_reason', query.reason],
  ] as const) {
    if (value !== undefined) devices = devices.where(column, '=', value as never)
  }
  for (const name of DEVICE_ATTRIBUTE_NAMES) {
    const { [name]: value } = query
    if (value !== undefined) devices = devices.where(jsonText(db, 'attributes', name), '=', value)
  }
  if (version === EMBEDDED) devices = devices.where('current_release_id', 'is', null)
  else if (version !== undefined) devices = devices.where('current_version', '=', version)
  if (isGone !== undefined) devices = devices.where('gone_at', isGone ? 'is not' : 'is', null)
  if (hasFailures !== undefined) {
    devices = devices.where(({ exists, not }) => {
      const failed = exists(failuresOf(db))
      return hasFailures ? failed : not(failed)
    })
  }
  if (hasFailed === undefined) return devices
  return devices.where(({ exists }) => exists(failuresOf(db).where('device_failure.release_id', '=', hasFailed)))
}

/** Of the device that is looked at. */
function failuresOf(db: Connection) {
  return db
    .selectFrom('device_failure')
    .select('device_failure.release_id')
    .where(sql.ref('device_failure.app_id'), '=', sql.ref('device.app_id'))
    .where(sql.ref('device_failure.device_id'), '=', sql.ref('device.device_id'))
}

function positionOf(row: Pick<DeviceRow, 'last_seen_at' | 'device_id'> | undefined): DevicePosition | undefined {
  return row && { lastSeenAt: row.last_seen_at, deviceId: row.device_id }
}

export function listFailuresOfDevices(db: Connection, appId: string, deviceIds: readonly string[]) {
  return db
    .selectFrom('device_failure')
    .select(['device_id', 'release_id'])
    .where('app_id', '=', appId)
    .where('device_id', 'in', deviceIds)
    .orderBy('failed_at')
    .execute()
}
