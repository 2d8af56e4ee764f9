import type { DeviceTrust } from '@hotpatch/protocol'
import type { Connection, Schema } from '../../ground/database/schema.ts'

/** Whether anything of an app names a device by the id that the server knows it by. */
export async function knowsDevices(db: Connection, appId: string): Promise<boolean> {
  const device = await db.selectFrom('device').select('device_id').where('app_id', '=', appId).limit(1).execute()
  const event = await db.selectFrom('device_event').select('id').where('app_id', '=', appId).limit(1).execute()
  const member = await db
    .selectFrom('cohort_member')
    .innerJoin('cohort', 'cohort.id', 'cohort_member.cohort_id')
    .select('device_id')
    .where('app_id', '=', appId)
    .limit(1)
    .execute()
  return device.length + event.length + member.length > 0
}

/** What a check of the device would say, as far as it told. */
export type SampledDevice = Pick<
  Schema['device'],
  | 'device_id'
  | 'platform'
  | 'dialect'
  | 'channel'
  | 'native_version'
  | 'runtime_version'
  | 'attributes'
  | 'current_release_id'
  | 'cohorts'
  | 'gone_at'
  | 'rollout_id'
  | 'progress'
  | 'high_water'
  | 'device_floor'
  | 'trusted_keys'
  | 'held_release_id'
  | 'embedded_built_at'
>

type TrustColumns = Pick<
  Schema['device'],
  'high_water' | 'device_floor' | 'trusted_keys' | 'held_release_id' | 'embedded_built_at'
>

/** What the device last told that it takes and refuses (D11); undefined when it never did. */
export function trustOf({
  high_water,
  device_floor,
  trusted_keys,
  held_release_id,
  embedded_built_at,
}: TrustColumns): DeviceTrust | undefined {
  if (high_water === null) return undefined
  return {
    highWater: high_water,
    floor: device_floor ?? 0,
    keyIds: JSON.parse(trusted_keys ?? '[]') as string[],
    heldReleaseId: held_release_id,
    builtAt: embedded_built_at,
  }
}

/** How many devices an app knows in one place, without those that count as uninstalled. */
export async function countDevices(
  db: Connection,
  appId: string,
  { platforms, channel }: { platforms: readonly Schema['device']['platform'][]; channel: string },
): Promise<number> {
  const { devices } = await db
    .selectFrom('device')
    .select((select) => select.fn.countAll<number>().as('devices'))
    .where('app_id', '=', appId)
    .where('platform', 'in', platforms)
    .where('channel', '=', channel)
    .where('gone_at', 'is', null)
    .executeTakeFirstOrThrow()
  return devices
}

const MAX_KEY_GROUPS = 1_000

/** How many devices that are not gone trust which keys (`trusted_keys` as stored), most first. */
export function countTrustedKeys(db: Connection, appId: string) {
  return db
    .selectFrom('device')
    .select(['trusted_keys', (select) => select.fn.countAll<number>().as('devices')])
    .where('app_id', '=', appId)
    .where('gone_at', 'is', null)
    .groupBy('trusted_keys')
    .orderBy('devices', 'desc')
    .limit(MAX_KEY_GROUPS)
    .execute()
}

/** Devices of all the app's channels and platforms, in the order of their ids, between two of them. */
export function listDevicesBetween(
  db: Connection,
  appId: string,
  { after, before }: { after: string; before: string | undefined },
  limit: number,
): Promise<SampledDevice[]> {
  return db
    .selectFrom('device')
    .select([
      'device_id',
      'platform',
      'dialect',
      'channel',
      'native_version',
      'runtime_version',
      'attributes',
      'current_release_id',
      'cohorts',
      'gone_at',
      'rollout_id',
      'progress',
      'high_water',
      'device_floor',
      'trusted_keys',
      'held_release_id',
      'embedded_built_at',
    ])
    .where('app_id', '=', appId)
    .where('device_id', '>', after)
    .$if(before !== undefined, (devices) => devices.where('device_id', '<=', before ?? ''))
    .orderBy('device_id')
    .limit(limit)
    .execute()
}

/** Of a fleet, more different ones are noise. */
const MAX_NATIVE_VERSIONS = 1000

/**
 * Native versions of an app's devices in one place, the most frequent first; null: devices that tell none.
 * `alwaysTold`: by an engine that tells it with every check. A client of the React Native contract tells it only while it
 * runs what its binary shipped with, as its one version.
 */
export function countNativeVersions(
  db: Connection,
  appId: string,
  { platforms, channel }: { platforms: readonly Schema['device']['platform'][]; channel: string },
): Promise<{ version: string | null; devices: number; alwaysTold: number }[]> {
  return db
    .selectFrom('device')
    .select((select) => [
      'native_version as version',
      select.fn.countAll<number>().as('devices'),
      select.fn.count<number>('high_water').as('alwaysTold'),
    ])
    .where('app_id', '=', appId)
    .where('platform', 'in', platforms)
    .where('channel', '=', channel)
    .where('gone_at', 'is', null)
    .groupBy('native_version')
    .orderBy('devices', 'desc')
    .limit(MAX_NATIVE_VERSIONS)
    .execute()
}
