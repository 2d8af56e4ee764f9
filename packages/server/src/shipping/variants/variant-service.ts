import type { NewReleaseVariant, ReleaseVariant, ReleaseVariants } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { timestamp, type Clock } from '../../ground/clock.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { nameOf, type Author } from '../../people/authors/author.ts'
import { asPart, type ArtifactService } from '../artifacts/artifact-service.ts'
import type { SpooledUpload } from '../artifacts/upload-spool.ts'
import { listAllFilesOf } from '../content/content-queries.ts'
import type { ReceivedFile } from '../content/receive-files.ts'
import type { ReleaseRow } from '../releases/release-service.ts'
import { VARIANT_ALGORITHMS, type VariantAlgorithm } from './variant-algorithms.ts'
import {
  countVariantFiles,
  deleteVariant,
  findVariantOf,
  insertVariant,
  listVariantFiles,
  listVariantsOf,
  type VariantFileRow,
  type VariantRow,
} from './variant-store.ts'

/** What the publisher's tool has encrypted. */
export interface ReceivedVariant {
  bundle: SpooledUpload
  /** Undefined: none are there file by file. */
  files: readonly ReceivedFile[] | undefined
}

export interface AddedVariant {
  variant: ReleaseVariant
  /** The same came before. */
  isRepeated: boolean
}

export type VariantService = ReturnType<typeof createVariantService>

/** Releases encrypted by their publishers, for devices that have the key. */
export function createVariantService({
  db,
  changes,
  artifacts,
  raiseReleases,
  audit,
  clock,
  newId,
}: {
  db: Database
  changes: Changes
  artifacts: ArtifactService
  /** Catalogs have something new of them. */
  raiseReleases: (tx: Connection, change: Change, releaseIds: readonly string[]) => Promise<void>
  audit: AuditService
  clock: Clock
  newId: () => string
}) {
  /**
   * The order makes a crash harmless: check everything, make the bytes durable, then one transaction.
   * @param received the caller's to discard, whatever happens
   * @throws problem invalid-request, variant-unfit or variant-exists
   */
  async function add(
    release: ReleaseRow,
    input: NewReleaseVariant,
    received: ReceivedVariant,
    author: Author,
  ): Promise<AddedVariant> {
    const algorithm = VARIANT_ALGORITHMS[input.algorithm]
    const plain = await listAllFilesOf(db, release.id)
    requireEncryptionOf(algorithm, plain.find(({ role }) => role === 'archive')?.size_bytes ?? 0, received.bundle)
    const checksums = pairFiles(input, received.files ?? [])
    if (received.files) {
      requireFilesOf(
        algorithm,
        plain.filter(({ role }) => role === 'asset'),
        received.files,
      )
    }
    const id = newId()
    const files = (received.files ?? [])
      .map(({ path, upload: { sha256, sizeBytes } }) => {
        return { variant_id: id, path, sha256, size_bytes: sizeBytes, checksum: checksums.get(path) ?? '' }
      })
      .toSorted((left, right) => (left.path < right.path ? -1 : 1))
    const spooled = [received.bundle, ...(received.files ?? []).map(({ upload }) => upload)]
    await artifacts.keep(spooled)

    return changes.run(async (tx, change) => {
      const row: VariantRow = {
        id,
        release_id: release.id,
        algorithm: input.algorithm,
        key_id: input.keyId,
        facts: JSON.stringify({ sessionKey: input.sessionKey, checksum: input.checksum }),
        sha256: received.bundle.sha256,
        size_bytes: received.bundle.sizeBytes,
        created_at: clock.now(),
        created_by: nameOf(author),
      }
      const earlier = await findVariantOf(tx, { releaseId: release.id, algorithm: row.algorithm, keyId: row.key_id })
      if (earlier) {
        if (!isSame(earlier, await listVariantFiles(tx, earlier.id), row, files)) throw variantExists(earlier)
        return { isRepeated: true, variant: render(earlier, files.length) }
      }
      const parts = new Map(spooled.map((each) => [each.sha256, asPart(each)]))
      await artifacts.register(tx, [...parts.values()])
      await insertVariant(tx, row, files)
      await raiseReleases(tx, change, [release.id])
      await audit.record(tx, author, {
        action: 'release.variant-added',
        subject: ['release', release.id],
        appId: release.app_id,
        after: { variantId: id, algorithm: row.algorithm, keyId: row.key_id, sha256: row.sha256, files: files.length },
      })
      return { isRepeated: false, variant: render(row, files.length) }
    })
  }

  async function list(release: ReleaseRow): Promise<ReleaseVariants> {
    const rows = await listVariantsOf(db, release.id)
    const counts = await countVariantFiles(
      db,
      rows.map(({ id }) => id),
    )
    return { items: rows.map((row) => render(row, counts.get(row.id) ?? 0)) }
  }

  /** @throws problem variant-not-found */
  async function remove(release: ReleaseRow, id: string, author: Author): Promise<ReleaseVariant> {
    return changes.run(async (tx, change) => {
      const row = (await listVariantsOf(tx, release.id)).find((each) => each.id === id)
      if (!row) throw problem('variant-not-found', `The release has no variant with the id ${id.slice(0, 64)}.`)
      const count = (await countVariantFiles(tx, [id])).get(id) ?? 0
      await deleteVariant(tx, row, clock.now())
      await raiseReleases(tx, change, [release.id])
      await audit.record(tx, author, {
        action: 'release.variant-removed',
        subject: ['release', release.id],
        appId: release.app_id,
        before: { variantId: id, algorithm: row.algorithm, keyId: row.key_id, sha256: row.sha256, files: count },
      })
      return render(row, count)
    })
  }

  return { add, list, remove }
}

/** @throws problem variant-unfit */
function requireEncryptionOf(algorithm: VariantAlgorithm, plainBytes: number, bundle: SpooledUpload): void {
  const expected = algorithm.encryptedBytes(plainBytes)
  if (bundle.sizeBytes === expected) return
  const detail = `Expected the release's zip of ${plainBytes} bytes encrypted, which is ${expected} bytes, found ${bundle.sizeBytes}.`
  throw problem('variant-unfit', detail)
}

/** @throws problem invalid-request unless each file has its checksum */
function pairFiles({ files: told = [] }: NewReleaseVariant, files: readonly ReceivedFile[]): Map<string, string> {
  const checksums = new Map(told.map(({ path, checksum }) => [path, checksum]))
  const untold = files.find(({ path }) => !checksums.has(path))
  if (untold) throw problem('invalid-request', `metadata.files: expected the checksum of "${untold.path}", found none.`)
  if (told.length !== files.length) {
    const detail = `metadata.files: expected the ${files.length} files of the part "files", each once, found ${told.length}.`
    throw problem('invalid-request', detail)
  }
  return checksums
}

/** @throws problem variant-unfit unless they can be all files of the release */
function requireFilesOf(
  algorithm: VariantAlgorithm,
  plain: readonly { path: string; size_bytes: number }[],
  files: readonly ReceivedFile[],
): void {
  const refuse = (detail: string) => problem('variant-unfit', detail)
  const left = new Map(plain.map((file) => [file.path, file.size_bytes]))
  for (const { path, upload } of files) {
    const { sizeBytes } = upload
    const isPlain = left.has(path)
    const name =
      !isPlain && path.endsWith(algorithm.compressedSuffix) ? path.slice(0, -algorithm.compressedSuffix.length) : path
    const plainBytes = left.get(name)
    if (plainBytes === undefined) throw refuse(`Expected files of the release, each once, found "${path}".`)
    left.delete(name)
    const isFit = isPlain ? sizeBytes === algorithm.encryptedBytes(plainBytes) : algorithm.isEncryptedSize(sizeBytes)
    if (!isFit) throw refuse(`"${path}": expected ${plainBytes} bytes encrypted, found ${sizeBytes} bytes.`)
  }
  const missing = [...left].find(([, sizeBytes]) => sizeBytes > 0 || algorithm.takesEmptyFiles)
  if (missing) throw refuse(`Expected every file of the release that is not empty, found no "${missing[0]}".`)
}

function isSame(
  earlier: VariantRow,
  earlierFiles: readonly VariantFileRow[],
  row: VariantRow,
  files: readonly VariantFileRow[],
): boolean {
  const listOf = (rows: readonly VariantFileRow[]) =>
    new Map(rows.map(({ path, sha256, checksum }) => [path, `${sha256} ${checksum}`]))
  const before = listOf(earlierFiles)
  return (
    earlier.facts === row.facts &&
    earlier.sha256 === row.sha256 &&
    before.size === files.length &&
    [...listOf(files)].every(([path, file]) => before.get(path) === file)
  )
}

function variantExists({ id, algorithm, key_id }: VariantRow) {
  const detail = `The release has other bytes encrypted with ${algorithm} by the key ${key_id} already. Remove that variant first.`
  return problem('variant-exists', detail, { variantId: id })
}

function render(row: VariantRow, fileCount: number): ReleaseVariant {
  const { sessionKey, checksum } = JSON.parse(row.facts) as Pick<ReleaseVariant, 'sessionKey' | 'checksum'>
  return {
    id: row.id,
    releaseId: row.release_id,
    algorithm: row.algorithm as ReleaseVariant['algorithm'],
    keyId: row.key_id,
    sessionKey,
    checksum,
    sha256: row.sha256,
    sizeBytes: row.size_bytes,
    fileCount,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
  }
}
