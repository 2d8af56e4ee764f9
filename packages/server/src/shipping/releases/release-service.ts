import type { AddedSignature, NewRelease, Page, Release, ReleaseFile, ReleaseFilter } from '@hotpatch/api'
import { parseNativeRange, parseNativeVersion, problem, type Platform, type Requirement } from '@hotpatch/protocol'
import type { AppRow } from '../apps/app-service.ts'
import { nullableTimestamp, timestamp } from '../../ground/clock.ts'
import type { Connection, Database, Schema } from '../../ground/database/schema.ts'
import { artifactUrl } from '../../ground/http/public-url.ts'
import { pageFromRows, type PageRequest } from '../../ground/http/paging.ts'
import { renderContent, statedOfRelease } from '../content/content-service.ts'
import { listAssetsAfter, listFilesOf, type StoredFile } from '../content/content-queries.ts'
import {
  findRelease,
  findReleaseByBuild,
  findReleaseByVersion,
  insertRelease,
  listInForce,
  listReleases,
  markArchived,
  type ReleaseRow,
  type RolloutInForce,
} from './release-store.ts'
import type { SequenceService } from '../sequences/sequence-service.ts'
import { findDifferences, type ReleaseDifference, type ReleaseSubstance } from './release-differences.ts'
import { listAddedSignatures, type AddedSignatureRow } from '../signing/added-signature-queries.ts'
import type { CheckedStatement, StatedContent } from '../signing/statement-check.ts'
import type { StatementService } from '../signing/statement-service.ts'
export type { ReleaseRow } from './release-store.ts'

/** What a release is called: its app has no other of that name. */
export interface ReleaseName {
  platform: Platform
  version: string
}

type NewReleaseRow = Omit<Schema['release'], 'statement_id'>

/** What its publisher signed of a release, verified. */
export interface SignedRelease {
  /** Of the bundle's digest; null: of what has none, the statement says it all. */
  signature: string | null
  keyId: string
  /** Null: the contract's older tools sign the digest only. */
  statement: CheckedStatement | null
}

export type ReleaseService = ReturnType<typeof createReleaseService>

/** Immutable content. Publishing it, which also places it, is in publishing/publishing-service.ts. */
export function createReleaseService({
  db,
  sequences,
  statements,
}: {
  db: Database
  sequences: SequenceService
  statements: StatementService
}) {
  async function get(id: string, connection: Connection = db): Promise<ReleaseRow> {
    const release = await findRelease(connection, id)
    if (!release) throw problem('release-not-found', `No release has the id ${id}.`)
    return release
  }

  /** Archived ones count, and those of another platform whose devices are the same. */
  function findByVersion(app: AppRow, { platform, version }: ReleaseName, connection: Connection = db) {
    return findReleaseByVersion(connection, { appId: app.id, platform, version })
  }

  /** In what a release that is there differs from what somebody has under its version. */
  async function differencesFrom(
    row: ReleaseRow,
    found: ReleaseSubstance,
    connection: Connection = db,
  ): Promise<ReleaseDifference[]> {
    const stated = await statedOfRelease(connection, row)
    const { notes } = row
    return findDifferences({ stated, requirement: requirementOf(row), notes, isSigned: row.key_id !== null }, found)
  }

  /**
   * A device tells which build it runs, and of two releases of one build nobody knows which that is.
   * @throws problem release-exists
   */
  async function requireNewBuild(tx: Connection, app: AppRow, platform: Platform, buildId: string): Promise<void> {
    const known = await findReleaseByBuild(tx, { appId: app.id, platform, buildId })
    if (!known) return
    const detail =
      `The build ${buildId} for ${platform} is published already, as ${known.version}, and devices know what they run by its id. ` +
      `Place that release, or build again.`
    throw problem('release-exists', detail, { releaseId: known.id })
  }

  /** Takes the release's sequence and stores it, with what its publisher signed. */
  async function add(
    tx: Connection,
    app: AppRow,
    release: NewReleaseRow,
    signed: SignedRelease | null,
  ): Promise<ReleaseRow> {
    await sequences.claim(tx, app, release.platform, release.sequence)
    const statement = signed?.statement ? await statements.add(tx, signed.statement) : null
    await insertRelease(tx, { ...release, statement_id: statement?.id ?? null })
    if (signed && signed.signature !== null) {
      await statements.addBundleSignature(tx, release.id, signed.keyId, signed.signature)
    }
    return get(release.id, tx)
  }

  /** @param ofApps null: releases of every app */
  async function list(
    ofApps: readonly string[] | null,
    filter: ReleaseFilter,
    page: PageRequest,
    publicUrl: string,
  ): Promise<Page<Release>> {
    const rows = await listReleases(db, ofApps, filter, page)
    const ids = rows.map(({ id }) => id)
    const files = await listFilesOf(db, ids)
    const added = await listAddedSignatures(db, ids)
    const placed = await listInForce(db, ids)
    const show = (row: ReleaseRow) => ({
      ...renderRelease(row, files.get(row.id) ?? [], added.get(row.id), publicUrl),
      inForce: (placed.get(row.id) ?? []).map(renderInForce),
    })
    return pageFromRows(rows, page, show)
  }

  /** With where it is in force. */
  async function show(row: ReleaseRow, publicUrl: string): Promise<Release> {
    const placed = (await listInForce(db, [row.id])).get(row.id) ?? []
    return { ...(await render(row, publicUrl)), inForce: placed.map(renderInForce) }
  }

  /** As people see it. */
  async function render(row: ReleaseRow, publicUrl: string): Promise<Release> {
    const files = await listFilesOf(db, [row.id])
    const added = await listAddedSignatures(db, [row.id])
    return renderRelease(row, files.get(row.id) ?? [], added.get(row.id), publicUrl)
  }

  /** @param page `after` is a path */
  async function listFiles(row: ReleaseRow, page: PageRequest, publicUrl: string): Promise<Page<ReleaseFile>> {
    const { after, limit } = page
    const rows = await listAssetsAfter(db, row.id, { after, limit: limit + 1 })
    return pageFromRows(
      rows.map((file) => ({ ...file, id: file.path })),
      page,
      (file) => renderFile(file, publicUrl),
    )
  }

  return {
    get,
    listFiles,
    render,
    show,
    findByVersion,
    differencesFrom,
    requireNewBuild,
    add,
    list,
    markArchived,
  }
}

type InForce = NonNullable<Release['inForce']>[number]

function renderInForce(row: RolloutInForce): InForce {
  return {
    rolloutId: row.id,
    channel: row.channel,
    state: row.state === 'paused' ? 'paused' : 'active',
    percentage: row.percentage,
    mandatory: row.mandatory === 1,
    startsAt: nullableTimestamp(row.starts_at),
  }
}

function renderFile(file: Schema['release_file'], publicUrl: string): ReleaseFile {
  const sha256 = file.sha256 ?? ''
  return {
    path: file.path,
    sha256,
    sizeBytes: file.size_bytes,
    contentType: file.content_type,
    downloadUrl: artifactUrl(publicUrl, sha256),
  }
}

/** @throws problem invalid-request when a version or range cannot be read: devices could never meet it */
export function readRequirement(input: Pick<NewRelease, keyof Requirement>): Requirement {
  const { minNativeVersion, nativeRange, minOsVersion } = input
  if (minNativeVersion !== undefined && !parseNativeVersion(minNativeVersion)) {
    throw problem('invalid-request', `minNativeVersion: expected a version such as 2.1, found "${minNativeVersion}".`)
  }
  if (nativeRange !== undefined && !parseNativeRange(nativeRange)) {
    throw problem('invalid-request', `nativeRange: expected a range such as ">=2.1 <4", found "${nativeRange}".`)
  }
  if (minOsVersion !== undefined && !parseNativeVersion(minOsVersion)) {
    throw problem('invalid-request', `minOsVersion: expected a version such as 14, found "${minOsVersion}".`)
  }
  return requirementIn(input)
}

/** As it was sent. */
export function requirementIn(input: Pick<NewRelease, keyof Requirement>): Requirement {
  const { minNativeVersion, nativeRange, runtimeVersion, minOsVersion, architectures } = input
  return {
    ...(minNativeVersion !== undefined && { minNativeVersion }),
    ...(nativeRange !== undefined && { nativeRange }),
    ...(runtimeVersion !== undefined && { runtimeVersion }),
    ...(minOsVersion !== undefined && { minOsVersion }),
    ...(architectures !== undefined && { architectures }),
  }
}

function renderRelease(
  row: ReleaseRow,
  files: readonly StoredFile[],
  added: readonly AddedSignatureRow[] | undefined,
  publicUrl: string,
): Release {
  return {
    id: row.id,
    appId: row.app_id,
    platform: row.platform,
    version: row.version,
    versionCode: row.version_code,
    channel: row.channel,
    sequence: row.sequence,
    floor: row.floor ?? 0,
    content: renderContent(row.kind, files, publicUrl),
    requirement: requirementOf(row),
    notes: row.notes,
    signature: row.signature,
    statement: row.statement === null ? null : Buffer.from(row.statement).toString('base64'),
    statementSignature: row.statement_signature,
    keyId: row.key_id,
    ...(added && { signatures: added.map(renderSignature) }),
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    archivedAt: nullableTimestamp(row.archived_at),
    bytesRemovedAt: nullableTimestamp(row.bytes_removed_at),
  }
}

export function renderSignature({ scheme, subject, key_id: keyId, value }: AddedSignatureRow): AddedSignature {
  return { scheme, subject, keyId, value }
}

/** What a statement of it must say; @param release null: what the binary shipped with */
export async function statedContent(
  db: Connection,
  appId: string,
  { platform, channel }: { platform: Platform; channel: string },
  release: ReleaseRow | null,
): Promise<StatedContent> {
  const stated = release && {
    version: release.version,
    requirement: requirementOf(release),
    ...(await statedOfRelease(db, release)),
  }
  return { appId, platform, channel, release: stated }
}

export function requirementOf(row: { requirement: string }): Requirement {
  return JSON.parse(row.requirement) as Requirement
}
