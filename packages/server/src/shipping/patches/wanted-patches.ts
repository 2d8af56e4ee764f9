import { sql } from 'kysely'
import { ARCHIVE_NAME, type ContentKindName, type Platform, type Requirement } from '@hotpatch/protocol'
import { jsonText } from '../../ground/database/json-text.ts'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import { listEmbeddedBundles } from '../embedded-updates/embedded-update-queries.ts'
import { PATCH_KINDS, subjectOf, type PatchableRelease, type PatchKind } from './patch-kinds.ts'

/** What is made, or what it is made of: of the release that has it, or, of a base, of what a binary shipped with. */
export interface PatchTarget {
  sha256: string
  releaseId: string
}
export type PatchBase = PatchTarget | EmbeddedBase

interface EmbeddedBase {
  sha256: string
  embeddedId: string
}

/** With how many devices run it. */
type RunBy<Base> = Base & { devices: number }

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
/** Devices of older binaries are few. */
const MAX_EMBEDDED = 100
/** Of the others nothing that binaries ship with is a base. */
const EMBEDDED_KINDS: Partial<Record<PatchKind, Schema['embedded_update']['kind']>> = {
  tree: 'archive',
  bsdiff40: 'expo',
}

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
      where (release_file.sha256 is not null or release.launch_sha256 is not null) and release.bytes_removed_at is null
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

/** What most of its devices run besides what they are sent: so many, of releases and of what binaries shipped with. */
export async function listRunBases(
  reads: Connection,
  place: PatchPlace,
  { bases, embedded }: { bases: number; embedded: readonly EmbeddedBase[] },
): Promise<PatchBase[]> {
  const run: RunBy<PatchBase>[] = [
    ...(await listRunReleases(reads, place, bases)),
    ...(await listRunEmbedded(reads, place, embedded)),
  ]
  const others = run.filter(({ sha256 }) => sha256 !== place.target.sha256)
  return eachOnce(others.sort((a, b) => b.devices - a.devices)).slice(0, bases)
}

async function listRunReleases(
  reads: Connection,
  { appId, platform, channel, kind }: PatchPlace,
  bases: number,
): Promise<RunBy<PatchTarget>[]> {
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
    .select(['release.id as release_id', 'release.kind as content', 'release.launch_sha256 as launch', 'devices'])
    .select('release_file.sha256 as archive')
    .where('release.app_id', '=', appId)
    .orderBy('devices', 'desc')
    .orderBy('release.id', 'desc')
    .execute()
  return rows.flatMap((row) => {
    const sha256 = subjectOf(kind, patchableOf(row))
    return sha256 === null ? [] : [{ releaseId: row.release_id, sha256, devices: Number(row.devices) }]
  })
}

/** Devices say what their binary shipped with; of what they say, only what the publisher has told counts. */
async function listRunEmbedded(
  reads: Connection,
  { appId, platform, channel }: PatchPlace,
  embedded: readonly EmbeddedBase[],
): Promise<RunBy<EmbeddedBase>[]> {
  if (embedded.length === 0) return []
  const ids = embedded.map(({ embeddedId }) => embeddedId)
  const rows = await reads
    .selectFrom((from) =>
      from
        .selectFrom('device')
        .select(jsonText(reads, 'attributes', 'embeddedUpdateId').as('told'))
        .where('app_id', '=', appId)
        .where('channel', '=', channel)
        .$if(platform !== 'any', (devices) => devices.where('platform', '=', platform))
        .where('gone_at', 'is', null)
        .where('current_release_id', 'is', null)
        .as('running'),
    )
    .select(({ fn }) => ['told', fn.countAll<number | string>().as('devices')])
    .where('told', 'in', ids)
    .groupBy('told')
    .execute()
  const devices = new Map(rows.map((row) => [row.told, Number(row.devices)]))
  return embedded.flatMap((each) => {
    const count = devices.get(each.embeddedId)
    return count === undefined ? [] : [{ ...each, devices: count }]
  })
}

/** What binaries shipped with that can run the target: those that were built last first. */
export async function listEmbeddedBases(db: Connection, place: PatchPlace): Promise<EmbeddedBase[]> {
  const { kind, target } = place
  const embeddedKind = EMBEDDED_KINDS[kind]
  if (embeddedKind === undefined) return []
  const bundles = await listEmbeddedBundles(db, { ...place, kind: embeddedKind }, MAX_EMBEDDED)
  return eachOnce(bundles.filter(({ sha256 }) => sha256 !== target.sha256))
}

/** Most wanted first: what is run, what the newest binaries shipped with, then what was placed last. */
export function wantedOf(
  { appId, kind, target, before }: PatchPlace,
  { run, embedded }: { run: readonly PatchBase[]; embedded: readonly EmbeddedBase[] },
  bases: number,
): WantedPatch[] {
  const all = eachOnce([...run, ...embedded.slice(0, bases), ...before.slice(0, bases)])
  return all.map((base) => ({ appId, kind, target, base }))
}
