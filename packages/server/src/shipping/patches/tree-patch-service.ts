import type { NewTreePatch, TreePatch, TreePatches, TreePatchFilter } from '@hotpatch/api'
import { problem, type Platform } from '@hotpatch/protocol'
import { timestamp, type Clock } from '../../ground/clock.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { nameOf, type Author } from '../../people/authors/author.ts'
import type { AppRow } from '../apps/app-service.ts'
import {
  deletePatchBytes,
  findArchive,
  findPatch,
  listPacked,
  listPatches,
  markPruned,
  putWaiting,
  type ListedPatch,
} from './patch-management-store.ts'
import type { ArchiveRelease } from './wanted-patches.ts'

const MAX_LISTED = 200

export type TreePatchService = ReturnType<typeof createTreePatchService>

/** Content §12: which patches there are, and which people want or do not want. */
export function createTreePatchService({
  db,
  changes,
  raiseReleases,
  audit,
  clock,
  newId,
  wake,
}: {
  db: Database
  changes: Changes
  raiseReleases: (tx: Connection, change: Change, releaseIds: readonly string[]) => Promise<void>
  audit: AuditService
  clock: Clock
  newId: () => string
  /** There may be something to make. */
  wake: () => void
}) {
  async function list(app: AppRow, filter: TreePatchFilter): Promise<TreePatches> {
    return { items: await described(await listPatches(db, app.id, filter, MAX_LISTED)) }
  }

  /** @throws problem not-found */
  async function get(app: AppRow, id: string): Promise<TreePatch> {
    const row = await findPatch(db, app.id, id)
    const [patch] = row ? await described([row]) : []
    if (patch) return patch
    throw problem('not-found', `${app.slug} has no patch with the id ${id}.`)
  }

  /**
   * What is there stays, and what was tried in vain or pruned is tried again.
   * @throws problem release-not-found, or invalid-request of two with the same bundle
   */
  async function make(app: AppRow, { platform, from, to }: NewTreePatch, author: Author): Promise<TreePatch> {
    const base = await archiveOf(app, platform, from)
    const target = await archiveOf(app, platform, to)
    if (base.sha256 === target.sha256) {
      throw problem('invalid-request', `Expected two bundles, found that ${from} and ${to} have the same one.`)
    }
    const id = await changes.run(async (tx) => {
      const wanted = { appId: app.id, target, base }
      const put = await putWaiting(tx, wanted, { id: newId(), now: clock.now(), createdBy: nameOf(author) })
      const subject = ['release', target.releaseId] as const
      const after = { id: put, platform, from, to }
      await audit.record(tx, author, { action: 'patch.wanted', subject: [...subject], appId: app.id, after })
      return put
    })
    wake()
    return get(app, id)
  }

  async function archiveOf(app: AppRow, platform: Platform, version: string): Promise<ArchiveRelease> {
    const found = await findArchive(db, { appId: app.id, platform, version })
    if (found) return found
    throw problem('release-not-found', `${app.slug} has no bundle of the version ${version} for ${platform}.`)
  }

  /** @throws problem not-found */
  async function prune(app: AppRow, id: string, author: Author): Promise<TreePatch> {
    const before = await get(app, id)
    await changes.run(async (tx, change) => {
      await markPruned(tx, id, clock.now())
      await deletePatchBytes(tx, id, clock.now())
      await audit.record(tx, author, {
        action: 'patch.pruned',
        subject: ['release', before.toReleaseId],
        appId: app.id,
        before: { id, from: before.from, to: before.to, state: before.state },
      })
      await raiseReleases(tx, change, [before.toReleaseId])
    })
    return get(app, id)
  }

  async function described(rows: readonly ListedPatch[]): Promise<TreePatch[]> {
    const packed = await listPacked(
      db,
      rows.map(({ id }) => id),
    )
    return rows.map((row) => {
      const ofRow = packed.get(row.id) ?? []
      const sizeBytes = ofRow[0]?.sizeBytes ?? null
      return {
        id: row.id,
        platform: row.platform,
        from: row.base_version,
        to: row.version,
        fromReleaseId: row.base_release_id,
        toReleaseId: row.release_id,
        state: row.state,
        fullSizeBytes: row.size_bytes,
        sizeBytes,
        savedShare: sizeBytes === null ? null : 1 - sizeBytes / row.size_bytes,
        packed: ofRow,
        createdAt: timestamp(row.created_at),
        createdBy: row.created_by,
        finishedAt: row.finished_at === null ? null : timestamp(row.finished_at),
      }
    })
  }

  return { list, get, make, prune }
}
