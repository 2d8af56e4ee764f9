import type { NextSequence } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { DAY_MS } from '../../ground/clock.ts'
import type { Connection } from '../../ground/database/schema.ts'

/**
 * Signing §8: when devices are believed that a sequence was taken which this server does not know. What one stranger can
 * invent must neither alarm nor push the sequence: so many devices, known for so long and from several networks, a share of all that tell; and
 * never further than a restored backup explains, so that pushing it again and again leaves phones room for years.
 */
const BELIEVED = { step: 1_000, devices: 3, networks: 2, share: 1 / 200, knownForMs: DAY_MS, seenWithinMs: 30 * DAY_MS }

interface Question {
  appId: string
  /** Null: all. */
  platforms: readonly Platform[] | null
  /** The highest that this server has taken. */
  taken: number
  now: number
}

/** What devices say they have confirmed above all that was taken here; null when none does. */
export async function findToldSequences(db: Connection, question: Question): Promise<NextSequence['told']> {
  const above = await countAbove(db, question)
  const [highest] = above
  if (!highest) return null
  const tellers = await countTellers(db, question)
  const needed = Math.max(BELIEVED.devices, Math.ceil(tellers * BELIEVED.share))
  let known = 0
  let believed: number | null = null
  for (const { sequence, established } of above) {
    known += established
    // Who has confirmed a higher one bears out the lower, too.
    if (believed === null && known >= needed && (await isSpread(db, question, sequence))) believed = sequence
  }
  const devices = above.reduce((sum, each) => sum + each.devices, 0)
  return { sequence: highest.sequence, devices, believed }
}

/** Highest first: devices by the sequence that they tell, and how many of them were known long enough. */
async function countAbove(db: Connection, question: Question) {
  const all = await countBySequence(selectTelling(db, question), question)
  const established = await countBySequence(selectEstablished(db, question), question)
  const known = new Map(established.map(({ sequence, devices }) => [sequence, devices]))
  return all.map((each) => ({ ...each, established: known.get(each.sequence) ?? 0 }))
}

async function countBySequence(devices: ReturnType<typeof selectTelling>, { taken }: Question) {
  const rows = await devices
    .select(['high_water as sequence', (select) => select.fn.countAll<number>().as('devices')])
    .where('high_water', '>', taken)
    .where('high_water', '<=', taken + BELIEVED.step)
    .groupBy('high_water')
    .orderBy('high_water', 'desc')
    .execute()
  return rows.map(({ sequence, devices }) => ({ sequence: sequence ?? 0, devices }))
}

/** Over several networks; those whose addresses name none, this machine's or private ones, are of a network each. */
async function isSpread(db: Connection, question: Question, sequence: number): Promise<boolean> {
  const rows = await selectEstablished(db, question)
    .select(['network'])
    .distinct()
    .where('high_water', '>=', sequence)
    .where('high_water', '<=', question.taken + BELIEVED.step)
    .limit(BELIEVED.networks)
    .execute()
  return rows.length >= BELIEVED.networks || rows.some(({ network }) => network === null)
}

async function countTellers(db: Connection, question: Question): Promise<number> {
  const { devices } = await selectTelling(db, question)
    .select((select) => select.fn.countAll<number>().as('devices'))
    .where('high_water', '>', 0)
    .executeTakeFirstOrThrow()
  return devices
}

/** Known for long enough, and seen over time. */
function selectEstablished(db: Connection, question: Question) {
  return selectTelling(db, question)
    .where('first_seen_at', '<=', question.now - BELIEVED.knownForMs)
    .where('established_at', 'is not', null)
}

function selectTelling(db: Connection, { appId, platforms, now }: Omit<Question, 'taken'>) {
  return db
    .selectFrom('device')
    .where('app_id', '=', appId)
    .$if(platforms !== null, (devices) => devices.where('platform', 'in', platforms ?? []))
    .where('last_seen_at', '>=', now - BELIEVED.seenWithinMs)
    .where('gone_at', 'is', null)
}
