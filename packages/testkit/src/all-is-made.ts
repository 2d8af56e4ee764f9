import { expect } from 'vitest'
import { eventually } from './eventually.ts'
import type { Database } from '@hotpatch/server/testing'

/** Whether the server has made all that it makes of releases later. That raises their catalogs, too. */
export function allIsMade(db: Database): Promise<void> {
  return eventually(async () => {
    const awaiting = db
      .selectFrom('artifact')
      .select('sha256')
      .where('kept_until', 'is', null)
      .where((where) => where.or([where('awaits_compression', '=', 1), where('awaits_packing', '=', 1)]))
    expect(await awaiting.execute()).toEqual([])
  })
}
