import { sql } from 'kysely'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { SourceBytes } from '../making/make-from-artifact.ts'

/** What changed of an archive since another one that devices of the same channel may run. */
export interface AwaitingDiff extends SourceBytes {
  packageHash: string
  base: SourceBytes & { packageHash: string }
}

/** So many of a channel's latest contents may be what its devices come from. */
const MAX_BASES = 5
/** Some of them are there twice: after a roll-back, or for a further audience. */
const MAX_LOOKED_AT = 20

interface Placed {
  key: string
  state: string
  sha256: string
  size_bytes: number
  package_hash: string
}

/** Of each channel and platform that clients of CodePush have a key for: of its newest content from those before it. */
export async function listAwaitingDiffs(db: Connection, limit: number): Promise<AwaitingDiff[]> {
  const placed = await listPlaced(db)
  const wanted = [...Map.groupBy(placed, ({ key }) => key).values()].flatMap(diffsOf)
  const done = await listTried(db, [...new Set(wanted.map(({ sha256 }) => sha256))])
  const pairs = new Map(wanted.map((diff) => [`${diff.sha256} ${diff.base.sha256}`, diff]))
  return [...pairs].flatMap(([pair, diff]) => (done.has(pair) ? [] : [diff])).slice(0, limit)
}

async function listPlaced(db: Connection): Promise<Placed[]> {
  const found = await sql<Placed>`
    select key, state, sha256, size_bytes, package_hash from (
      select channel_key.id as key, rollout.state, release_file.sha256, release_file.size_bytes,
        file_digest.value as package_hash, rollout.position,
        row_number() over (partition by channel_key.id order by rollout.position desc) as place
      from channel_key
      join rollout on rollout.app_id = channel_key.app_id and rollout.channel = channel_key.channel
        and (rollout.platform = channel_key.platform or rollout.platform = 'any')
      join release_file on release_file.release_id = rollout.release_id and release_file.role = 'archive'
      join file_digest on file_digest.release_id = release_file.release_id and file_digest.role = 'archive'
        and file_digest.path = release_file.path and file_digest.algorithm = 'package'
      where channel_key.platform is not null and channel_key.revoked_at is null
    ) as placed
    where place <= ${MAX_LOOKED_AT}
    order by key, position desc`.execute(db)
  return found.rows
}

function diffsOf(placed: readonly Placed[]): AwaitingDiff[] {
  const target = placed.find(({ state }) => state === 'active' || state === 'paused')
  if (!target) return []
  const others = placed.filter(({ package_hash }) => package_hash !== target.package_hash)
  const bases = [...new Map(others.toReversed().map((each) => [each.package_hash, each])).values()].toReversed()
  return bases.slice(0, MAX_BASES).map((base) => ({ ...sourceOf(target), base: sourceOf(base) }))
}

function sourceOf({ sha256, size_bytes, package_hash }: Placed): SourceBytes & { packageHash: string } {
  return { sha256, sizeBytes: size_bytes, packageHash: package_hash }
}

async function listTried(db: Connection, keys: readonly string[]): Promise<ReadonlySet<string>> {
  if (keys.length === 0) return new Set()
  const rows = await db
    .selectFrom('package_diff')
    .select(['sha256', 'base_sha256'])
    .where('sha256', 'in', keys)
    .execute()
  return new Set(rows.map(({ sha256, base_sha256 }) => `${sha256} ${base_sha256}`))
}

/** Another server may have made the same meanwhile. */
export async function insertPackageDiffs(tx: Connection, rows: readonly Schema['package_diff'][]): Promise<void> {
  await tx
    .insertInto('package_diff')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
