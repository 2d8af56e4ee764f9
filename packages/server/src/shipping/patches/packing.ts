import type { Connection } from '../../ground/database/schema.ts'
import { asPart } from '../artifacts/artifact-service.ts'
import { insertVariants } from '../artifacts/artifact-variant-queries.ts'
import { listReleasesWith } from '../content/content-queries.ts'
import type { createMaker, MakingParts, SourceBytes } from '../making/make-from-artifact.ts'
import type { WorkedOff } from '../making/work-off.ts'
import { PACKED_FORMAT } from './patch-kinds.ts'
import { bytesOf, type PatchAnswer, type TreePatchQuestion } from './patch-question.ts'

/** An archive that nobody has tried to pack anew yet. */
export type AwaitingPacking = SourceBytes

/** Content §8.3: as of what is compressed. */
const WORTH_SHARE = 0.95

/**
 * Content §8.3: the files of an archive as a patch of nothing. Brotli packs all of them together, deflate packs each file
 * of a zip by itself.
 */
export function createPacking({
  db,
  changes,
  raiseReleases,
  clock,
  artifacts,
  maker,
  ask,
}: Pick<MakingParts, 'db' | 'changes' | 'raiseReleases' | 'clock' | 'artifacts'> & {
  maker: Pick<ReturnType<typeof createMaker>, 'make'>
  ask: (question: TreePatchQuestion) => Promise<PatchAnswer>
}) {
  /** Newest first; of those that wait for their release nobody knows whether it comes, and no others are offered. */
  async function list(limit: number): Promise<AwaitingPacking[]> {
    const rows = await db
      .selectFrom('artifact')
      .select(['sha256', 'size_bytes'])
      .where('awaits_packing', '=', 1)
      .where('kept_until', 'is', null)
      .where(({ exists, selectFrom }) =>
        exists(
          selectFrom('release_file')
            .select('release_file.sha256')
            .whereRef('release_file.sha256', '=', 'artifact.sha256')
            .where('role', '=', 'archive'),
        ),
      )
      .orderBy('created_at', 'desc')
      .limit(limit)
      .execute()
    return rows.map(({ sha256, size_bytes }) => ({ sha256, sizeBytes: size_bytes }))
  }

  async function work(archive: AwaitingPacking): Promise<PatchAnswer | undefined> {
    const maxBytes = Math.floor(archive.sizeBytes * WORTH_SHARE)
    const made = await maker.make(archive, async ({ source, target }) => {
      const answer = await ask({ kind: 'tree', source, base: null, targets: { [PACKED_FORMAT]: target }, maxBytes })
      return { answer, bytes: bytesOf(answer, PACKED_FORMAT) }
    })
    return made?.answer
  }

  async function record({ item: { sha256 }, result }: WorkedOff<AwaitingPacking, PatchAnswer>): Promise<void> {
    const bytes = result && bytesOf(result, PACKED_FORMAT)
    await changes.run(async (tx, change) => {
      await markTried(tx, sha256)
      if (!bytes) return
      await artifacts.register(tx, [asPart(bytes)])
      await insertVariants(tx, [
        {
          sha256,
          variant_sha256: bytes.sha256,
          kind: 'compressed',
          algorithm: PACKED_FORMAT,
          base_sha256: null,
          created_at: clock.now(),
        },
      ])
      await raiseReleases(tx, change, await listReleasesWith(tx, [sha256]))
    })
  }

  return { list, work, record }
}

async function markTried(tx: Connection, sha256: string): Promise<void> {
  await tx.updateTable('artifact').set({ awaits_packing: 0 }).where('sha256', '=', sha256).execute()
}
