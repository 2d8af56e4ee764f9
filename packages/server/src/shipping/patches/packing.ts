import { asPart } from '../artifacts/artifact-service.ts'
import { insertVariants } from '../artifacts/artifact-variant-queries.ts'
import { listReleasesWith } from '../content/content-queries.ts'
import type { createMaker, MakingParts } from '../making/make-from-artifact.ts'
import type { WorkedOff } from '../making/work-off.ts'
import { listAwaitingPacking, markTried, type AwaitingPacking } from './packing-store.ts'
import { PACKED_FORMAT } from './patch-kinds.ts'
import { bytesOf, type PatchAnswer, type TreePatchQuestion } from './patch-question.ts'

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

  return { list: (limit: number) => listAwaitingPacking(db, limit), work, record }
}
