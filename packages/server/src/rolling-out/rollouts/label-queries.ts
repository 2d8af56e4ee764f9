import type { Platform } from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'
import { countLabels } from './count-labels.ts'
import type { RolloutPlace } from './rollout-queries.ts'

/** Of a place's rollouts, also those for any platform: the number of the newest, 0 when there is none. */
export async function findNewestLabel(db: Connection, place: RolloutPlace): Promise<number> {
  const numbers = await Promise.all(
    // What is for any platform counts for each, and so has to be above all of them.
    (await platformsAt(db, place)).map((platform) => labelBelow(db, { ...place, platform }, Number.MAX_SAFE_INTEGER)),
  )
  return Math.max(0, ...numbers)
}

async function platformsAt(db: Connection, { appId, platform, channel }: RolloutPlace): Promise<readonly Platform[]> {
  if (platform !== 'any') return [platform]
  const rows = await db
    .selectFrom('rollout')
    .select('platform')
    .distinct()
    .where('app_id', '=', appId)
    .where('channel', '=', channel)
    .execute()
  return rows.map((row) => row.platform)
}

/** The number of the topmost of a place's rollouts below a position; 0 when there is none. */
async function labelBelow(db: Connection, place: RolloutPlace, position: number): Promise<number> {
  const below = selectPlaced(db, place).where('position', '<', position)
  const stated = await below
    .select(['position', 'label_number'])
    .where('label_number', 'is not', null)
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst()
  const { count } = await below
    .select((of) => of.fn.countAll<number>().as('count'))
    .where('position', '>', stated?.position ?? -1)
    .executeTakeFirstOrThrow()
  return (stated?.label_number ?? 0) + count
}

/** The latest of a place's rollouts, newest first, each with its number, and that of the newest. */
export async function listLabels(db: Connection, place: RolloutPlace, limit: number) {
  const latest = await selectPlaced(db, place)
    .select(['id', 'position', 'release_id', 'label_number'])
    .orderBy('position', 'desc')
    .limit(limit)
    .execute()
  const oldest = latest.at(-1)
  const before = oldest ? await labelBelow(db, place, oldest.position) : 0
  const stated = latest.map(({ label_number }) => label_number).toReversed()
  const numbers = countLabels(stated, before).toReversed()
  return {
    newest: numbers[0] ?? 0,
    labels: new Map(latest.map(({ id }, index) => [id, numbers[index] ?? 0])),
    isEmbeddedOnTop: latest[0]?.release_id === null,
  }
}

function selectPlaced(db: Connection, { appId, platform, channel }: RolloutPlace) {
  return db
    .selectFrom('rollout')
    .where('app_id', '=', appId)
    .where('channel', '=', channel)
    .where('platform', 'in', [platform, 'any'])
}
