import { EMPTY_TREE } from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'
import { placedReleases, type PlaceOfReleases } from '../content/placed-release-queries.ts'
import type { ArchiveFacts } from '../content/archive/archive-kind.ts'
import { isFormatOf, PACKED_FORMAT, type PatchFormat } from './patch-kinds.ts'

/** Below these nobody is sent any more but by a roll-back, which has new ones made: the others need no room. */
export const MAX_PATCHED_ROLLOUTS = 10

/** What makes what is sent of what a device has: a tree of a tree, or a file of a file. */
export interface OfferedPatch {
  format: PatchFormat
  sha256: string
  sizeBytes: number
  /** Digests: of trees (Content §3.1), or of the files that are run first. */
  from: string
  to: string
}

export function isOfTree({ format }: OfferedPatch): boolean {
  return isFormatOf('tree', format)
}

/**
 * By the digest of the content that a device runs, or by the id of what its binary shipped with; by that of no files where
 * it needs nothing (Content §8.3). The smallest first.
 */
export type OfferedPatches = ReadonlyMap<string, readonly OfferedPatch[]>

interface FoundPatch {
  /** The digest of the content that it leads to. */
  target: string
  /** As in `OfferedPatches`. */
  base: string
  patch: OfferedPatch
}

/** By the digest of the content that they lead to: of all releases that were ever placed there. */
export async function listPlacedPatches(
  db: Connection,
  place: PlaceOfReleases,
): Promise<ReadonlyMap<string, OfferedPatches>> {
  const found = [
    ...(await listTrees(db, place)),
    ...(await listSent(db, place)),
    ...(await listFiles(db, place)),
    ...(await listFromEmbedded(db, place)),
    ...(await listPacked(db, place)),
  ]
  found.sort(
    ({ patch: left }, { patch: right }) => left.sizeBytes - right.sizeBytes || (left.sha256 < right.sha256 ? -1 : 1),
  )
  return new Map(
    [...Map.groupBy(found, ({ target }) => target)].map(([target, ofTarget]) => {
      const byBase = Map.groupBy(ofTarget, ({ base }) => base)
      return [target, new Map([...byBase].map(([base, each]) => [base, each.map(({ patch }) => patch)]))]
    }),
  )
}

/** Patches with the bytes of each of their formats. */
export function selectPatchBytes(db: Connection) {
  return db
    .selectFrom('patch')
    .innerJoin('artifact_variant', (join) =>
      join
        .onRef('artifact_variant.sha256', '=', 'patch.sha256')
        .onRef('artifact_variant.base_sha256', '=', 'patch.base_sha256')
        .on('artifact_variant.kind', '=', 'patch'),
    )
}

function selectMade(db: Connection, { appId }: PlaceOfReleases) {
  return selectPatchBytes(db)
    .innerJoin('artifact', 'artifact.sha256', 'artifact_variant.variant_sha256')
    .select(['patch.kind', 'algorithm', 'artifact.size_bytes', 'artifact.sha256 as patch'])
    .where('patch.app_id', '=', appId)
    .where('state', '=', 'made')
}

interface MadeRow {
  kind: Parameters<typeof isFormatOf>[0]
  algorithm: string
  size_bytes: number
  patch: string
  target: string
  base: string
  from: string | null
  to: string | null
}

/** The same bytes may be patched in the formats of several kinds. */
function foundOf({ kind, algorithm, size_bytes, patch, target, base, from, to }: MadeRow): FoundPatch[] {
  if (!isFormatOf(kind, algorithm) || from === null || to === null) return []
  return [{ target, base, patch: { format: algorithm, sha256: patch, sizeBytes: size_bytes, from, to } }]
}

/** An archive is its own content. */
function placedArchives(db: Connection, place: PlaceOfReleases) {
  return db
    .selectFrom('release_file')
    .select('sha256')
    .where('role', '=', 'archive')
    .where('sha256', 'is not', null)
    .where('release_id', 'in', placedReleases(db, place))
    .$castTo<{ sha256: string }>()
}

/** By its tree, too: a binary that shipped with it is known by that. */
function ofTree(row: MadeRow): FoundPatch[] {
  return [...foundOf(row), ...(row.from ? foundOf({ ...row, base: row.from }) : [])]
}

async function listTrees(db: Connection, place: PlaceOfReleases): Promise<FoundPatch[]> {
  const rows = await selectMade(db, place)
    .select(['patch.sha256 as target', 'patch.base_sha256 as base', 'base_tree as from', 'tree as to'])
    .where('patch.kind', '=', 'tree')
    .where('patch.sha256', 'in', placedArchives(db, place))
    .execute()
  return rows.flatMap(ofTree)
}

/** Encryption §4.1: those that this app's publisher has sent, whoever else has the same releases. */
async function listSent(db: Connection, place: PlaceOfReleases): Promise<FoundPatch[]> {
  const rows = await db
    .selectFrom('patch')
    .innerJoin('sent_patch', 'sent_patch.patch_id', 'patch.id')
    .innerJoin('artifact', 'artifact.sha256', 'sent_patch.sha256')
    .select(['patch.kind', 'sent_patch.format as algorithm', 'artifact.size_bytes', 'artifact.sha256 as patch'])
    .select(['patch.sha256 as target', 'patch.base_sha256 as base', 'base_tree as from', 'tree as to'])
    .where('patch.app_id', '=', place.appId)
    .where('state', '=', 'made')
    .where('patch.sha256', 'in', placedArchives(db, place))
    .execute()
  return rows.flatMap(ofTree)
}

/** Of the file that is run first, whichever contents it is in. */
function selectFilePatches(db: Connection, place: PlaceOfReleases) {
  return selectMade(db, place)
    .innerJoin('release as to_release', (join) =>
      join.onRef('to_release.app_id', '=', 'patch.app_id').onRef('to_release.launch_sha256', '=', 'patch.sha256'),
    )
    .innerJoin('release_file as to_content', 'to_content.release_id', 'to_release.id')
    .select(['patch.base_sha256 as from', 'patch.sha256 as to', 'to_content.sha256 as target'])
    .where('patch.kind', '<>', 'tree')
    .where('to_content.role', 'in', CONTENT_ROLES)
    .where('to_content.sha256', 'is not', null)
    .where('to_release.id', 'in', placedReleases(db, place))
    .distinct()
}

const CONTENT_ROLES = ['archive', 'manifest'] as const

async function listFiles(db: Connection, place: PlaceOfReleases): Promise<FoundPatch[]> {
  const rows = await selectFilePatches(db, place)
    .innerJoin('release as from_release', (join) =>
      join
        .onRef('from_release.app_id', '=', 'patch.app_id')
        .onRef('from_release.launch_sha256', '=', 'patch.base_sha256'),
    )
    .innerJoin('release_file as from_content', 'from_content.release_id', 'from_release.id')
    .select('from_content.sha256 as base')
    .where('from_content.role', 'in', CONTENT_ROLES)
    .where('from_content.sha256', 'is not', null)
    .where('from_release.id', 'in', placedReleases(db, place))
    .execute()
  return rows.flatMap(({ target, base, ...row }) => (target && base ? foundOf({ ...row, target, base }) : []))
}

async function listFromEmbedded(db: Connection, place: PlaceOfReleases): Promise<FoundPatch[]> {
  const rows = await selectFilePatches(db, place)
    .innerJoin('embedded_update', (join) =>
      join
        .onRef('embedded_update.app_id', '=', 'patch.app_id')
        .onRef('embedded_update.sha256', '=', 'patch.base_sha256')
        .on('embedded_update.platform', '=', place.platform),
    )
    .select('embedded_update.update_id as base')
    .execute()
  return rows.flatMap(({ target, ...row }) => (target ? foundOf({ ...row, target }) : []))
}

/** Of the newest rollouts alone: no others are offered, and here every archive may have one. */
async function listPacked(db: Connection, { appId, platform, channel }: PlaceOfReleases): Promise<FoundPatch[]> {
  const rows = await db
    .selectFrom('artifact_variant')
    .innerJoin('artifact', 'artifact.sha256', 'artifact_variant.variant_sha256')
    .innerJoin('artifact_facts', 'artifact_facts.sha256', 'artifact_variant.sha256')
    .innerJoin('release_file', 'release_file.sha256', 'artifact_variant.sha256')
    .select(['artifact_variant.sha256 as target', 'artifact.size_bytes', 'artifact.sha256', 'facts'])
    .where('artifact_variant.kind', '=', 'compressed')
    .where('algorithm', '=', PACKED_FORMAT)
    .where('artifact_facts.kind', '=', 'archive')
    .where('release_file.role', '=', 'archive')
    .where('release_file.release_id', 'in', (newest) =>
      newest
        .selectFrom('rollout')
        .select('release_id')
        .where('app_id', '=', appId)
        .where('platform', 'in', [platform, 'any'])
        .where('channel', '=', channel)
        .orderBy('position', 'desc')
        .limit(MAX_PATCHED_ROLLOUTS)
        .$castTo<{ release_id: string }>(),
    )
    .distinct()
    .execute()
  return rows.map(({ target, size_bytes, sha256, facts }) => {
    const { tree } = JSON.parse(facts) as ArchiveFacts
    const patch: OfferedPatch = { format: PACKED_FORMAT, sha256, sizeBytes: size_bytes, from: EMPTY_TREE, to: tree }
    return { target, base: EMPTY_TREE, patch }
  })
}
