import { sql } from 'kysely'
import { ARCHIVE_NAME, type ContentKindName, type Platform, type Requirement } from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'
import { listEmbeddedBundles } from '../embedded-updates/embedded-update-queries.ts'
import { PATCH_KINDS, subjectOf, type PatchableRelease, type PatchKind } from './patch-kinds.ts'

/** What is made, or what it is made of: of the release that has it, or, of a base, of what a binary shipped with. */
export interface PatchTarget {
  sha256: string
  releaseId: string
}
export type PatchBase = PatchTarget | { sha256: string; embeddedId: string }

/** A patch that devices of a channel could take: they are sent `target`, and may run `base`. */
export interface WantedPatch {
  appId: string
  kind: PatchKind
  target: PatchTarget
  base: PatchBase
}

/** Where rollouts are placed, with what its devices are sent, and what was placed before it. */
export interface PatchPlace {
  appId: string
  platform: Platform
  channel: string
  kind: PatchKind
  /** That the target requires. */
  runtimeVersion: string | undefined
  target: PatchTarget
  /** Latest first. */
  before: readonly PatchBase[]
}

/** Some of them are there twice: after a roll-back, or for a further audience. */
const LOOKED_AT_FOR_EACH = 4

interface PlacedRow {
  app_id: string
  platform: Platform
  channel: string
  state: string
  release_id: string
  content: ContentKindName
  requirement: string
  archive: string | null
  launch: string | null
}

/** Of each channel and platform, and of each runtime version there, what is newest and offered; what is encrypted nobody here can read. */
export async function listPatchPlaces(db: Connection, bases: number): Promise<PatchPlace[]> {
  const found = await sql<PlacedRow>`
    select * from (
      select rollout.app_id, rollout.platform, rollout.channel, rollout.state, rollout.release_id, rollout.position,
        release.kind as content, release.requirement, release.launch_sha256 as launch, release_file.sha256 as archive,
        row_number() over (
          partition by rollout.app_id, rollout.platform, rollout.channel order by rollout.position desc
        ) as place
      from rollout
      join release on release.id = rollout.release_id
      left join release_file on release_file.release_id = release.id and release_file.role = 'archive'
        and release_file.path = ${ARCHIVE_NAME}
      where release_file.sha256 is not null or release.launch_sha256 is not null
    ) as placed
    where place <= ${LOOKED_AT_FOR_EACH * (bases + 1)}
    order by app_id, platform, channel, position desc`.execute(db)
  const places = Map.groupBy(found.rows, ({ app_id, platform, channel }) => `${app_id}/${platform}/${channel}`)
  return [...places.values()].flatMap((rows) => PATCH_KINDS.flatMap((kind) => placesOf(kind, rows)))
}

function placesOf(kind: PatchKind, rows: readonly PlacedRow[]): PatchPlace[] {
  const placed = rows.flatMap((row) => {
    const sha256 = subjectOf(kind, patchableOf(row))
    return sha256 === null ? [] : [{ row, sha256, runtimeVersion: runtimeVersionOf(row) }]
  })
  const offered = placed.filter(({ row: { state } }) => state === 'active' || state === 'paused')
  const newest = new Map(offered.toReversed().map((each) => [each.runtimeVersion, each])).values()
  return [...newest].map(({ row, sha256, runtimeVersion }) => {
    const { app_id: appId, platform, channel, release_id: releaseId } = row
    const before = placed.filter((each) => each.sha256 !== sha256 && mayRunBoth(each.runtimeVersion, runtimeVersion))
    const bases = eachOnce(before.map((each) => ({ releaseId: each.row.release_id, sha256: each.sha256 })))
    return { appId, platform, channel, kind, runtimeVersion, target: { releaseId, sha256 }, before: bases }
  })
}

function patchableOf(row: Pick<PlacedRow, 'release_id' | 'content' | 'archive' | 'launch'>): PatchableRelease {
  return { releaseId: row.release_id, content: row.content, archive: row.archive, launch: row.launch }
}

function runtimeVersionOf({ requirement }: PlacedRow): string | undefined {
  return (JSON.parse(requirement) as Requirement).runtimeVersion
}

/** A shell is of one runtime version: what requires another it never had. */
function mayRunBoth(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined || one === other
}

function eachOnce<Base extends { sha256: string }>(bases: readonly Base[]): Base[] {
  const known = new Set<string>()
  return bases.filter(({ sha256 }) => known.size < known.add(sha256).size)
}

/** What most of its devices run besides what they are sent: so many. */
export async function listRunBases(reads: Connection, place: PatchPlace, bases: number): Promise<PatchBase[]> {
  const { appId, platform, channel, kind, target } = place
  const rows = await reads
    .selectFrom((from) =>
      from
        .selectFrom('device')
        .select(({ fn }) => ['current_release_id', fn.countAll<number | string>().as('devices')])
        .where('app_id', '=', appId)
        .where('channel', '=', channel)
        .$if(platform !== 'any', (devices) => devices.where('platform', '=', platform))
        .where('gone_at', 'is', null)
        .where('current_release_id', 'is not', null)
        .groupBy('current_release_id')
        .orderBy('devices', 'desc')
        .limit(LOOKED_AT_FOR_EACH * bases)
        .as('running'),
    )
    .innerJoin('release', 'release.id', 'running.current_release_id')
    .leftJoin('release_file', (join) =>
      join
        .onRef('release_file.release_id', '=', 'release.id')
        .on('release_file.role', '=', 'archive')
        .on('release_file.path', '=', ARCHIVE_NAME),
    )
    .select(['release.id as release_id', 'release.kind as content', 'release.launch_sha256 as launch'])
    .select('release_file.sha256 as archive')
    .where('release.app_id', '=', appId)
    .orderBy('devices', 'desc')
    .orderBy('release.id', 'desc')
    .execute()
  const run = rows.flatMap((row) => {
    const sha256 = subjectOf(kind, patchableOf(row))
    return sha256 === null || sha256 === target.sha256 ? [] : [{ releaseId: row.release_id, sha256 }]
  })
  return eachOnce(run).slice(0, bases)
}

/** What binaries shipped with that can run the target: those that were built last. */
export async function listEmbeddedBases(db: Connection, place: PatchPlace, bases: number): Promise<PatchBase[]> {
  const { kind, target } = place
  // Of others there is no such file, or their clients take no patches of it.
  if (kind !== 'bsdiff40') return []
  const bundles = await listEmbeddedBundles(db, place, bases)
  return eachOnce(bundles.filter(({ sha256 }) => sha256 !== target.sha256))
}

/** Most wanted first: what is run, what binaries shipped with, then what was placed last. */
export function wantedOf(
  { appId, kind, target, before }: PatchPlace,
  { run, embedded }: { run: readonly PatchBase[]; embedded: readonly PatchBase[] },
  bases: number,
): WantedPatch[] {
  return eachOnce([...run, ...embedded, ...before.slice(0, bases)]).map((base) => ({ appId, kind, target, base }))
}
