import { DAY_MS, HOUR_MS } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { counted, type AttentionQuestion, type FoundItem } from './attention-item.ts'
import { countPatches } from './attention-queries.ts'

/** A patch of a large release takes minutes. */
const WAITING_LONG_MS = HOUR_MS
const GIVEN_UP_SHOWN_MS = 14 * DAY_MS

/** Patches that nobody makes, and those that were tried in vain: devices take the whole instead. */
export async function findUnmadePatches(
  db: Database,
  { appIds, now }: AttentionQuestion,
): Promise<readonly FoundItem[]> {
  const waiting = await countPatches(db, appIds, {
    state: 'waiting',
    column: 'created_at',
    from: 0,
    before: now - WAITING_LONG_MS,
  })
  const lost = await countPatches(db, appIds, {
    state: 'lost',
    column: 'finished_at',
    from: now - GIVEN_UP_SHOWN_MS,
    before: Number.MAX_SAFE_INTEGER,
  })
  return [
    ...waiting.map((row) => ({
      ...itemOf(row),
      kind: 'patches-waiting' as const,
      severity: 'warning' as const,
      explanation: `${counted(row.patches, 'patch', 'patches')} wait longer than an hour to be made: devices download the whole instead.`,
      remedy: 'Look into the log of the server: it may be short of room on its disk, of memory, or of time.',
    })),
    ...lost.map((row) => ({
      ...itemOf(row),
      kind: 'patches-given-up' as const,
      severity: 'notice' as const,
      explanation: `${counted(row.patches, 'patch', 'patches')} could not be made: what they are made of was lost, or making them took more memory than there is.`,
      remedy: 'Ask for them again when there is room, or leave it: devices download the whole.',
    })),
  ]
}

function itemOf({ app_id, slug, patches, since, version }: Awaited<ReturnType<typeof countPatches>>[number]) {
  return {
    app_id,
    slug,
    subject: { kind: 'patch', id: app_id, name: version },
    since,
    facts: { count: patches },
    address: `apps/${slug}/releases`,
  }
}
