import type {
  ReleaseComparison,
  ReleaseComparisonQuery,
  ReleaseEntries,
  ReleaseEntryQuery,
  ReleaseForms,
} from '@hotpatch/api'
import { ARCHIVE_NAME, ENCRYPTED_ARCHIVE_NAME, problem, REQUIREMENT_NAMES, type Requirement } from '@hotpatch/protocol'
import type { Database } from '../../ground/database/schema.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import { listAssetsAfter, listFilesOf, type StoredFile } from '../content/content-queries.ts'
import { requirementOf, type ReleaseRow, type ReleaseService } from '../releases/release-service.ts'
import { compareEntries } from './compare-entries.ts'
import { byPath, type Entry } from './entry.ts'
import { findReleaseBefore, sumForms } from './entry-queries.ts'
import { readZipEntries } from './zip-entries.ts'

/** What releases consist of never changes: some are kept, of so many files altogether. */
const MAX_KEPT_FILES = 100_000
/** As many files as one question reads at once. */
const BATCH = 1_000
const DEFAULT_LIMIT = 50
/** Of an archive that is packed as a whole, or encrypted, its own algorithms; others are of each file. */
const PACKED = /^hpdelta1/

type Opened = Pick<ReleaseRow, 'id' | 'kind'>

export type EntryService = ReturnType<typeof createEntryService>

/**
 * What is in releases, for people who look at them.
 * @param reads only read, and may take its time
 */
export function createEntryService({
  reads,
  storage,
  releases,
}: {
  reads: Database
  storage: StorageDriver
  releases: ReleaseService
}) {
  const kept = new Map<string, readonly Entry[]>()

  /** In the order of their paths; undefined of what nobody here can look into. */
  async function entriesOf(release: Opened): Promise<readonly Entry[] | undefined> {
    const known = kept.get(release.id)
    const entries = known ?? (await readEntries(release))?.sort(byPath)
    if (entries) keep(release.id, entries)
    return entries
  }

  /** What was asked for longest ago goes first. */
  function keep(releaseId: string, entries: readonly Entry[]): void {
    kept.delete(releaseId)
    kept.set(releaseId, entries)
    let files = 0
    for (const [id, each] of [...kept].toReversed()) {
      files += each.length
      if (files > MAX_KEPT_FILES && id !== releaseId) kept.delete(id)
    }
  }

  async function readEntries({ id, kind }: Opened): Promise<Entry[] | undefined> {
    if (kind === 'files') return listAssets(id)
    const files = (await listFilesOf(reads, [id])).get(id) ?? []
    if (kind === 'binary') return files.filter(({ role }) => role === 'binary').map(entryOfBinary)
    if (kind === 'kit') return files.filter(({ role }) => role === 'component').map(entryOfComponent)
    const archive = files.find(({ path }) => path === ARCHIVE_NAME)?.sha256
    return archive ? readZipEntries(storage, archive) : undefined
  }

  async function listAssets(releaseId: string): Promise<Entry[]> {
    const entries: Entry[] = []
    let after: string | undefined
    for (;;) {
      const batch = await listAssetsAfter(reads, releaseId, { after, limit: BATCH })
      entries.push(
        ...batch.map(({ path, size_bytes, sha256 }) => ({
          path,
          sizeBytes: size_bytes,
          packedBytes: null,
          sha256,
          sameness: sha256 ?? '',
        })),
      )
      after = batch.at(-1)?.path
      if (batch.length < BATCH) return entries
    }
  }

  async function list(release: ReleaseRow, query: ReleaseEntryQuery): Promise<ReleaseEntries> {
    const entries = await entriesOf(release)
    const wanted = query.search?.toLowerCase() ?? ''
    const found = (entries ?? []).filter(({ path, name = '' }) => `${path}\n${name}`.toLowerCase().includes(wanted))
    const sorted = query.order === 'size' ? found.toSorted((a, b) => b.sizeBytes - a.sizeBytes) : found
    const { items, nextCursor } = pageOfFixed(sorted, query)
    return {
      isReadable: entries !== undefined,
      total: { files: entries?.length ?? 0, sizeBytes: sumOf(entries ?? []) },
      matching: found.length,
      items: items.map(({ sameness: _, ...entry }) => entry),
      nextCursor,
    }
  }

  /** @throws problem release-not-found or invalid-request */
  async function compare(release: ReleaseRow, query: ReleaseComparisonQuery): Promise<ReleaseComparison> {
    const before = await findBefore(release, query.with)
    const [old, own] = [before ? await entriesOf(before) : [], await entriesOf(release)]
    const compared = old && own ? compareEntries(old, own) : undefined
    const { differences, same } = compared ?? { differences: [], same: 0 }
    const count = (change: string) => differences.filter((each) => each.change === change).length
    const { change } = query
    const listed = change === undefined ? differences : differences.filter((each) => each.change === change)
    const page = pageOfFixed(listed, query)
    return {
      before: before && { id: before.id, version: before.version },
      isReadable: compared !== undefined,
      files: { added: count('added'), removed: count('removed'), changed: count('changed'), same },
      fileBytes: { before: sumOf(old ?? []), after: sumOf(own ?? []) },
      contentBytes: { before: before ? await contentBytesOf(before) : 0, after: await contentBytesOf(release) },
      requirement: before ? requirementChanges(requirementOf(before), requirementOf(release)) : [],
      items: [...page.items],
      nextCursor: page.nextCursor,
    }
  }

  /** Null: it is the first. */
  async function findBefore(release: ReleaseRow, named: string | undefined): Promise<ReleaseRow | null> {
    if (named === undefined) {
      const before = await findReleaseBefore(reads, release)
      return before ? releases.get(before.id) : null
    }
    const other = await releases.get(named)
    if (other.app_id !== release.app_id) throw problem('release-not-found', `The app has no release ${named}.`)
    if (other.kind === release.kind) return other
    const detail = `with: expected a release of the kind ${release.kind}, found one of the kind ${other.kind}.`
    throw problem('invalid-request', detail)
  }

  async function contentBytesOf(release: Opened): Promise<number> {
    if (release.kind === 'files') return sumOf((await entriesOf(release)) ?? [])
    const files = (await listFilesOf(reads, [release.id])).get(release.id) ?? []
    const sealed = files.find(({ path }) => path === ENCRYPTED_ARCHIVE_NAME)
    const downloaded = sealed
      ? [sealed]
      : files.filter(({ role }) => role !== 'icon' && !(release.kind === 'kit' && role === 'manifest'))
    return downloaded.reduce((sum, file) => sum + file.size_bytes, 0)
  }

  async function listForms({ id }: ReleaseRow): Promise<ReleaseForms> {
    const rows = await sumForms(reads, id)
    const items = rows.map(({ algorithm, files, size_bytes, full_bytes }) => ({
      algorithm,
      isPacked: PACKED.test(algorithm),
      files,
      sizeBytes: size_bytes,
      fullBytes: full_bytes,
    }))
    return { items }
  }

  return { list, compare, listForms }
}

/** File names say the version: of two releases, what is for the same machines is compared. */
function entryOfBinary({ path, platform, architecture, format, delta_from, size_bytes, ...file }: StoredFile): Entry {
  const sha256 = file.sha256 ?? file.told_sha256
  const place = [platform ?? 'any', architecture ?? 'any', format ?? '', ...(delta_from ? [delta_from] : [])].join('/')
  return { path: place, name: path, sizeBytes: size_bytes, packedBytes: null, sha256, sameness: sha256 ?? path }
}

/** Of a kit's component, for one kind of machine. */
function entryOfComponent({ path, size_bytes, sha256 }: StoredFile): Entry {
  return { path, sizeBytes: size_bytes, packedBytes: null, sha256, sameness: sha256 ?? path }
}

function sumOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

function requirementChanges(before: Requirement, after: Requirement): ReleaseComparison['requirement'] {
  const textOf = (value: Requirement[keyof Requirement]) => (value === undefined ? null : [value].flat().join(', '))
  return REQUIREMENT_NAMES.flatMap((field) => {
    const [old, own] = [textOf(before[field]), textOf(after[field])]
    return old === own ? [] : [{ field, before: old, after: own }]
  })
}

/** Of a list that never changes: its cursor is a place in it. */
function pageOfFixed<Item>(
  all: readonly Item[],
  { cursor, limit = DEFAULT_LIMIT }: { cursor?: string; limit?: number },
): { items: readonly Item[]; nextCursor: string | null } {
  const start = cursor === undefined ? 0 : Number(Buffer.from(cursor, 'base64url').toString('latin1'))
  if (!Number.isSafeInteger(start) || start < 0) {
    throw problem('invalid-request', 'cursor: expected the nextCursor of an earlier page.')
  }
  const end = start + limit
  return {
    items: all.slice(start, end),
    nextCursor: end < all.length ? Buffer.from(String(end)).toString('base64url') : null,
  }
}
