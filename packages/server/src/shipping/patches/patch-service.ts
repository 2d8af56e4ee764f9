import type { NewPatch, Patch, Patches, PatchFilter } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { timestamp, type Clock } from '../../ground/clock.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { nameOf, type Author } from '../../people/authors/author.ts'
import type { AppRow } from '../apps/app-service.ts'
import {
  deletePatchBytes,
  findPatch,
  listPacked,
  listPatches,
  markPruned,
  putWaiting,
  sumStored,
  type ListedPatch,
} from './patch-management-store.ts'
import { baseOf, getEnds } from './patch-ends.ts'
import { PATCH_KINDS, subjectOf } from './patch-kinds.ts'
import type { WantedPatch } from './wanted-patches.ts'

const MAX_LISTED = 200

export type PatchService = ReturnType<typeof createPatchService>

/** Content §12: which patches there are, and which people want or do not want. */
export function createPatchService({
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
  async function list(app: AppRow, filter: PatchFilter): Promise<Patches> {
    const items = await described(await listPatches(db, app.id, filter, MAX_LISTED))
    return { items, stored: await sumStored(db, app.id) }
  }

  /** @throws problem not-found */
  async function get(app: AppRow, id: string): Promise<Patch> {
    const row = await findPatch(db, app.id, id)
    const [patch] = row ? await described([row]) : []
    if (patch) return patch
    throw problem('not-found', `${app.slug} has no patch with the id ${id}.`)
  }

  /**
   * What is there stays, and what was tried in vain or pruned is tried again.
   * @throws problem release-not-found, or invalid-request of two of which none can be made
   */
  async function make(app: AppRow, { platform, from, to, kind: asked }: NewPatch, author: Author): Promise<Patch> {
    const { before, after } = await getEnds(db, app, { platform, from, to })
    const sealed = before.isEncrypted ? from : after.isEncrypted ? to : undefined
    if (sealed !== undefined) {
      const detail = `Expected two releases that the server can read, found that ${sealed} is encrypted. ${adviceFor(after)}`
      throw problem('content-unfit', detail)
    }
    const kind = asked ?? PATCH_KINDS.find((each) => subjectOf(each, before) && subjectOf(each, after))
    const target = kind && subjectOf(kind, after)
    const base = kind && subjectOf(kind, before)
    if (!kind || !target || !base) {
      const expected = asked
        ? `two releases of which patches of the kind ${asked} are made`
        : 'two bundles, or two exports of Expo'
      throw problem('invalid-request', `Expected ${expected}, found that ${from} and ${to} are not both that.`)
    }
    if (base === target) {
      throw problem('invalid-request', `Expected two bundles, found that ${from} and ${to} have the same one.`)
    }
    const id = await changes.run(async (tx) => {
      const wanted: WantedPatch = {
        appId: app.id,
        kind,
        target: { releaseId: after.releaseId, sha256: target },
        base: baseOf(before, base),
      }
      const put = await putWaiting(tx, wanted, { id: newId(), now: clock.now(), createdBy: nameOf(author) })
      await audit.record(tx, author, {
        action: 'patch.wanted',
        subject: ['release', after.releaseId],
        appId: app.id,
        after: { id: put, kind, platform, from, to },
      })
      return put
    })
    wake()
    return get(app, id)
  }

  /** @throws problem not-found */
  async function prune(app: AppRow, id: string, author: Author): Promise<Patch> {
    const before = await get(app, id)
    await changes.run(async (tx, change) => {
      await markPruned(tx, id, clock.now())
      await deletePatchBytes(tx, id, clock.now())
      await audit.record(tx, author, {
        action: 'patch.pruned',
        subject: ['release', before.toReleaseId],
        appId: app.id,
        before: { id, kind: before.kind, from: before.from, to: before.to, state: before.state },
      })
      await raiseReleases(tx, change, [before.toReleaseId])
    })
    return get(app, id)
  }

  async function described(rows: readonly ListedPatch[]): Promise<Patch[]> {
    const packed = await listPacked(
      db,
      rows.map(({ id }) => id),
    )
    return rows.map((row) => {
      const ofRow = packed.get(row.id) ?? []
      const sizeBytes = ofRow[0]?.sizeBytes ?? null
      return {
        id: row.id,
        kind: row.kind,
        platform: row.platform,
        from: row.base_version ?? embeddedName(row),
        to: row.version,
        fromReleaseId: row.base_release_id,
        fromEmbeddedId: row.base_embedded_id,
        toReleaseId: row.release_id,
        isEncrypted: Boolean(row.is_encrypted),
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

function adviceFor({ isEncrypted }: { isEncrypted: boolean }): string {
  if (isEncrypted) return 'hotpatch patch makes the patch where the key is, and sends it.'
  return 'To a release that is not encrypted there are patches only of such.'
}

function embeddedName({
  base_embedded_id: id,
  embedded_versions: told,
}: Pick<ListedPatch, 'base_embedded_id' | 'embedded_versions'>): string {
  const versions = told === null ? [] : (JSON.parse(told) as string[])
  return `embedded ${versions.at(-1) ?? id}`
}
