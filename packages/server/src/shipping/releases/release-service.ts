import type { NewNextSequence, NewRelease, NextSequence, Page, Release, ReleaseFilter } from '@hotpatch/api'
import {
  MAX_SEQUENCE_STEP,
  parseNativeRange,
  parseNativeVersion,
  problem,
  type Platform,
  type Requirement,
} from '@hotpatch/protocol'
import { platformsOf } from '../apps/app-service.ts'
import type { AppRow, AppService } from '../apps/app-service.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import type { Author } from '../../people/authors/author.ts'
import { nullableTimestamp, timestamp, type Clock } from '../../ground/clock.ts'
import { isUniqueViolation } from '../../ground/database/database-errors.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { pageFromRows, type PageRequest } from '../../ground/http/paging.ts'
import { artifactUrl } from '../../ground/http/public-url.ts'
import {
  findLastSequence,
  findRelease,
  findReleaseByVersion,
  insertRelease,
  listReleases,
  markArchived,
  takeSequence,
  type ReleaseRow,
} from './release-store.ts'
import { findToldSequences } from './told-sequences.ts'
export type { ReleaseRow } from './release-store.ts'

/** What a release is called, and where. */
export interface ReleasePlace {
  platform: Platform
  version: string
  channel: string
}

export type ReleaseService = ReturnType<typeof createReleaseService>

/** Immutable content. Publishing it, which also places it, is in publishing/publishing-service.ts. */
export function createReleaseService({
  db,
  apps,
  audit,
  clock,
}: {
  db: Database
  apps: AppService
  audit: AuditService
  clock: Clock
}) {
  async function get(id: string, connection: Connection = db): Promise<ReleaseRow> {
    const release = await findRelease(connection, id)
    if (!release) throw problem('release-not-found', `No release has the id ${id}.`)
    return release
  }

  /** Archived ones count. */
  function findByVersion(app: AppRow, place: ReleasePlace, connection: Connection = db) {
    return findReleaseByVersion(connection, { appId: app.id, ...place })
  }

  /** @throws problem release-exists: the same version was published on this channel before */
  async function requireNew(app: AppRow, place: ReleasePlace) {
    const existing = await findByVersion(app, place)
    if (existing) throw releaseExists(place, existing.id)
  }

  /** Takes the row's sequence and stores it. */
  async function add(tx: Connection, app: AppRow, row: ReleaseRow): Promise<void> {
    await claimSequence(tx, app, row.platform, row.sequence)
    await insertRelease(tx, row).catch((error: unknown) => {
      throw isUniqueViolation(error) ? releaseExists(row, undefined, error) : error
    })
  }

  /**
   * A sequence for "any" counts on every platform, as devices of each will see it.
   * @throws problem sequence-taken when a statement of this or a higher sequence was taken before, or sequence-too-far
   */
  async function claimSequence(tx: Connection, app: AppRow, platform: Platform, sequence: number): Promise<void> {
    await requireFree(app, platform, sequence, tx)
    for (const each of platformsThatSee(app, platform)) {
      // Refused when someone else took it since.
      if (!(await takeSequence(tx, app.id, each, sequence))) await requireFree(app, platform, sequence, tx)
    }
  }

  /** @throws problem sequence-taken or sequence-too-far */
  async function requireFree(app: AppRow, platform: Platform, sequence: number, connection: Connection = db) {
    const nextSequence = (await takenBy(connection, app, platform)) + 1
    if (sequence < nextSequence) {
      const detail = `Expected a sequence of at least ${nextSequence}, found ${sequence}.`
      throw problem('sequence-taken', detail, { nextSequence })
    }
    for (const each of platformsThatSee(app, platform)) {
      const highestSequence = (await findLastSequence(connection, app.id, [each, 'any'])) + MAX_SEQUENCE_STEP
      if (sequence <= highestSequence) continue
      const detail =
        `Expected a sequence of at most ${highestSequence} for ${each}, found ${sequence}: devices refuse one that is ` +
        `more than ${MAX_SEQUENCE_STEP} above what they have confirmed. The next one is ${nextSequence}.`
      throw problem('sequence-too-far', detail, { nextSequence, highestSequence })
    }
  }

  /** The highest sequence that was taken; one for "any" counts on every platform. */
  async function takenBy(connection: Connection, app: AppRow, platform: Platform): Promise<number> {
    return findLastSequence(connection, app.id, platform === 'any' ? null : [platform, 'any'])
  }

  /** Above all that was taken here, and above what devices are believed to have confirmed elsewhere (Signing §8). */
  async function getNextSequence(app: AppRow, platform: Platform, connection: Connection = db): Promise<NextSequence> {
    requirePlatform(app, platform)
    const taken = await takenBy(connection, app, platform)
    const platforms = platform === 'any' ? null : [platform]
    const told = await findToldSequences(connection, { appId: app.id, platforms, taken, now: clock.now() })
    return { platform, nextSequence: Math.max(taken, told?.believed ?? 0) + 1, taken, told }
  }

  /**
   * A person knows better: what a restored backup does not know was taken.
   * @throws problem sequence-taken when it is not above what was taken; invalid-request when devices would not follow
   */
  async function setNextSequence(
    app: AppRow,
    { platform, nextSequence }: NewNextSequence,
    author: Author,
  ): Promise<NextSequence> {
    requirePlatform(app, platform)
    await db.transaction().execute(async (tx) => {
      const locked = await apps.lock(tx, app.id)
      const taken = await takenBy(tx, locked, platform)
      if (nextSequence - taken > MAX_SEQUENCE_STEP) {
        const most = taken + MAX_SEQUENCE_STEP
        const detail = `nextSequence: expected at most ${most}, as devices let a sequence rise by ${MAX_SEQUENCE_STEP} at once, found ${nextSequence}.`
        throw problem('invalid-request', detail)
      }
      await requireFree(locked, platform, nextSequence, tx)
      if (nextSequence === taken + 1) return
      await claimSequence(tx, locked, platform, nextSequence - 1)
      await audit.record(tx, author, {
        action: 'app.sequence-raised',
        subject: ['app', app.id],
        appId: app.id,
        before: { platform, nextSequence: taken + 1 },
        after: { platform, nextSequence },
      })
    })
    return getNextSequence(app, platform)
  }

  /** @param appId null: releases of every app */
  async function list(
    appId: string | null,
    filter: ReleaseFilter,
    page: PageRequest,
    publicUrl: string,
  ): Promise<Page<Release>> {
    const rows = await listReleases(db, appId, filter, page)
    return pageFromRows(rows, page, (row) => renderRelease(row, publicUrl))
  }

  return {
    get,
    findByVersion,
    requireNew,
    requireFree,
    add,
    claimSequence,
    getNextSequence,
    setNextSequence,
    list,
    markArchived,
  }
}

function platformsThatSee(app: AppRow, platform: Platform): Platform[] {
  return platform === 'any' ? [...platformsOf(app), platform] : [platform]
}

/** @throws problem platform-not-found */
export function requirePlatform(app: AppRow, platform: Platform): void {
  const platforms = platformsOf(app)
  if (platform === 'any' || platforms.includes(platform)) return
  throw problem('platform-not-found', `The app "${app.slug}" is for ${platforms.join(', ')}, not for ${platform}.`)
}

/** @throws problem invalid-request when a version or range cannot be read: devices could never meet it */
export function readRequirement(
  input: Pick<NewRelease, 'minNativeVersion' | 'nativeRange' | 'runtimeVersion'>,
): Requirement {
  const { minNativeVersion, nativeRange, runtimeVersion } = input
  if (minNativeVersion !== undefined && !parseNativeVersion(minNativeVersion)) {
    throw problem('invalid-request', `minNativeVersion: expected a version such as 2.1, found "${minNativeVersion}".`)
  }
  if (nativeRange !== undefined && !parseNativeRange(nativeRange)) {
    throw problem('invalid-request', `nativeRange: expected a range such as ">=2.1 <4", found "${nativeRange}".`)
  }
  return {
    ...(minNativeVersion !== undefined && { minNativeVersion }),
    ...(nativeRange !== undefined && { nativeRange }),
    ...(runtimeVersion !== undefined && { runtimeVersion }),
  }
}

function releaseExists(
  { platform, version, channel }: { platform: string; version: string; channel: string },
  releaseId?: string,
  cause?: unknown,
) {
  const detail = `Version ${version} for ${platform} was published on the channel "${channel}" before. A release never changes: publish under a new version.`
  return problem('release-exists', detail, releaseId === undefined ? {} : { releaseId }, { cause })
}

export function renderRelease(row: ReleaseRow, publicUrl: string): Release {
  return {
    id: row.id,
    appId: row.app_id,
    platform: row.platform,
    version: row.version,
    channel: row.channel,
    sequence: row.sequence,
    floor: row.floor,
    sha256: row.sha256,
    sizeBytes: row.size_bytes,
    fileCount: row.file_count,
    downloadUrl: artifactUrl(publicUrl, row.sha256),
    requirement: requirementOf(row),
    notes: row.notes,
    signature: row.signature,
    statement: row.statement === null ? null : Buffer.from(row.statement).toString('base64'),
    statementSignature: row.statement_signature,
    keyId: row.key_id,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    archivedAt: nullableTimestamp(row.archived_at),
  }
}

export function requirementOf(row: { requirement: string }): Requirement {
  return JSON.parse(row.requirement) as Requirement
}
