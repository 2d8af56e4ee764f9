import { createHash } from 'node:crypto'
import type { ArchiveContent, NewArchiveContent, NewReleaseContent } from '@hotpatch/api'
import {
  ARCHIVE_NAME,
  CHANGES_MANIFEST,
  ENCRYPTED_ARCHIVE_NAME,
  ENCRYPTION_ALGORITHM,
  problem,
  statedArchive,
  writeTree,
  type EncryptedHeader,
} from '@hotpatch/protocol'
import { ANY_BYTES } from '../../artifacts/any-bytes.ts'
import type { ContentKind, Facts, ReceivedBytes, ReleaseFile } from '../content-kind.ts'
import { plainFile } from '../plain-file.ts'
import { checkArchive } from './archive-check.ts'
import { readEncrypted, type SealedFacts } from './encrypted-archive.ts'
import { createHashing } from './hash-files.ts'
import { findBuildId, findBundle, requireBundleFor } from './hot-updater-build.ts'
import { packageHashOf } from './package-hash.ts'
import { createUnpacking, isWorthUnpacking, WEB_ENTRY } from './unpack-files.ts'

/** Content §3. */
export interface ArchiveFacts extends Facts {
  kind: 'archive'
  fileCount: number
  unpackedBytes: number
  /** The names of the files at its root, the first few hundred of them. */
  rootFiles: readonly string[]
  /** Content §3.1. */
  tree: string
  /** Code Push §5; absent where nobody here can look inside. */
  packageHash?: string
  /** Hot-updater §7: of what its tool builds, the id. */
  buildId?: string
  /** Content §3.2: then its files are counted by nobody. */
  sealed?: SealedFacts
}

export interface OfferedArchive {
  kind: 'archive'
  sha256: string
  sizeBytes: number
  /** Of what it contains (Code Push §5). */
  packageHash?: string | undefined
  /** What changed since other contents, by their package hashes (Code Push §6); absent: nothing was made. */
  diffs?: ReadonlyMap<string, ReceivedBytes>
  /** Of what hot-updater's tool builds. */
  buildId?: string
  /** Content §3.2: of what is inside. Absent: it is a zip. */
  sealed?: SealedFacts
}

/** Kept beside the bytes for good: more would let an upload fill the database. */
const MAX_ROOT_FILES = 500

const CONTENT_TYPE = 'application/zip'

/** One zip: React Native bundles, and web bundles and builds of hot-updater's, which are unpacked here as well. */
export const archiveKind: ContentKind<ArchiveFacts, NewArchiveContent, OfferedArchive> = {
  name: 'archive',
  maxBytes: ({ maxBytes }) => maxBytes,
  wantsSha512: false,
  canBePacked: ({ sealed }) => !sealed,
  contentTypeOf,

  async check({ path, sizeBytes }, limits, { begin, signal }) {
    const sealed = await readEncrypted(path, { sizeBytes, purpose: 'archive' })
    if (sealed) return { facts: sealedFacts(sealed) }
    const unpacking = createUnpacking(begin)
    const hashing = createHashing()
    const openFile = (files: readonly string[]) => (isWorthUnpacking(files) ? unpacking.open : hashing.open)
    const { fileCount, unpackedBytes, files } = await checkArchive(path, limits, { openFile, signal })
    const names = files.map((file) => file.path).filter((name) => !name.includes('/'))
    if (names.includes(CHANGES_MANIFEST)) {
      const detail = `${CHANGES_MANIFEST}: expected no such file at the root, by which clients of CodePush know packages of what changed, which this server makes: pack the whole app without it.`
      throw problem('content-unfit', detail)
    }
    const rootFiles = names.slice(0, MAX_ROOT_FILES)
    const unpacked = await unpacking.finish()
    const hashed = unpacked?.files ?? hashing.files
    const tree = createHash('sha256').update(writeTree(hashed)).digest('hex')
    const packageHash = packageHashOf(hashed)
    const facts = { kind: 'archive' as const, fileCount, unpackedBytes, rootFiles, tree, packageHash }
    if (!unpacked) return { facts }
    const { list, ...rest } = unpacked
    const buildId = findBuildId(rest.files, unpacking.readManifest())
    if (buildId !== undefined) return { facts: { ...facts, list, buildId }, ...rest }
    // Another tool's file of that name.
    return names.includes(WEB_ENTRY) ? { facts: { ...facts, list }, ...rest } : { facts }
  },

  describeUpload: ({ sha256, sizeBytes, facts }, downloadUrl) => ({
    kind: 'archive',
    sha256,
    sizeBytes,
    fileCount: facts.fileCount,
    tree: facts.tree,
    ...encryptionOf(facts.sealed),
    downloadUrl,
  }),

  told: ({ sha256, sizeBytes }) => [{ sha256, sizeBytes }],

  requireFit(uploads, { platform, content }) {
    const { entry = platform === 'web' ? WEB_ENTRY : undefined } = content
    const { rootFiles, buildId, sealed } = onlyOf(uploads).facts
    if (sealed) return requireUnseen(entry)
    if (buildId !== undefined) requireBundleFor(platform, onlyOf(uploads).files ?? [])
    if (entry === undefined || rootFiles.includes(entry)) return
    const many = rootFiles.length === MAX_ROOT_FILES ? ` among the first ${MAX_ROOT_FILES} files` : ''
    throw problem('content-unfit', `Expected the file "${entry}"${many} at the root of the zip, found none.`, { entry })
  },

  buildIdOf: (uploads) => onlyOf(uploads).facts.buildId,

  launchSha256Of(uploads, platform) {
    const { facts, files = [] } = onlyOf(uploads)
    return facts.buildId === undefined ? undefined : findBundle(platform, files)?.sha256
  },

  amounts: ({ content, fileCount, unpackedBytes }, limits) => [
    { variable: 'HOTPATCH_MAX_BUNDLE_BYTES', found: sizeOf(content), most: limits.maxBytes, unit: 'bytes' },
    {
      variable: 'HOTPATCH_MAX_UNPACKED_BYTES',
      found: unpackedBytes,
      most: limits.maxUnpackedBytes,
      unit: 'bytes unpacked',
    },
    { variable: 'HOTPATCH_MAX_BUNDLE_FILES', found: fileCount, most: limits.maxFiles, unit: 'files' },
  ],

  filesOf(uploads) {
    const bytes = onlyOf(uploads)
    const { facts, sha256, sizeBytes } = bytes
    const path = facts?.sealed ? ENCRYPTED_ARCHIVE_NAME : ARCHIVE_NAME
    const stored = { path, sha256, sizeBytes, packageHash: facts?.packageHash }
    return [
      plainFile(stored, 'archive', contentTypeOf(facts)),
      ...(bytes.files ?? []).map((file) => plainFile(file, 'asset', file.contentType ?? ANY_BYTES)),
    ]
  },

  describe(files, factsOf, urlOf) {
    const { sha256, sizeBytes } = zipOf(files)
    const { fileCount = 0, tree, sealed } = factsOf(sha256) ?? {}
    const told = {
      fileCount,
      ...(tree !== undefined && { tree }),
      ...encryptionOf(sealed),
      downloadUrl: urlOf(sha256),
    }
    return { kind: 'archive', sha256, sizeBytes, ...told }
  },
  stated(files, factsOf) {
    const { sha256, sizeBytes } = zipOf(files)
    const { tree, sealed } = factsOf(sha256) ?? {}
    if (!sealed) return statedArchive({ sha256, sizeBytes, tree })
    return statedArchive({ ...sealed, tree, encrypted: { sha256, sizeBytes } })
  },
  offered(files, factsOf) {
    const { sha256, sizeBytes, packageHash } = zipOf(files)
    const { buildId, sealed } = factsOf(sha256) ?? {}
    const offered: OfferedArchive = { kind: 'archive', sha256, sizeBytes, packageHash }
    // Not in the literal: an object with a spread keeps room for what never comes, and there is one for each release.
    if (buildId !== undefined) offered.buildId = buildId
    if (sealed) offered.sealed = sealed
    return offered
  },
  digests: ({ sha256, diffs }) => (diffs ? [sha256, ...[...diffs.values()].map((diff) => diff.sha256)] : [sha256]),
}

function contentTypeOf(facts: ArchiveFacts | undefined): string {
  return facts?.sealed ? ANY_BYTES : CONTENT_TYPE
}

/** By the word of its publisher, whose statement says the same. */
function sealedFacts({ recipients, sha256, sizeBytes, tree }: EncryptedHeader): ArchiveFacts {
  const keyIds = recipients.map(({ keyId }) => keyId)
  return { kind: 'archive', fileCount: 0, unpackedBytes: 0, rootFiles: [], tree, sealed: { keyIds, sha256, sizeBytes } }
}

/** For people. */
function encryptionOf(sealed: SealedFacts | undefined): Pick<ArchiveContent, 'encryption'> {
  if (!sealed) return {}
  const { keyIds, ...plain } = sealed
  return { encryption: { algorithm: ENCRYPTION_ALGORITHM, keyIds: [...keyIds], plain } }
}

/** Of what nobody here can look into, nobody here can say whether a file is in it. */
function requireUnseen(entry: string | undefined): void {
  if (entry === undefined) return
  const detail = `Expected a zip that has "${entry}" at its root, found an encrypted one, of which the server cannot know that.`
  throw problem('content-unfit', detail, { entry })
}

function onlyOf<Bytes>([bytes]: readonly Bytes[]): Bytes {
  if (bytes === undefined) throw new Error('An archive without its zip.')
  return bytes
}

function sizeOf(content: NewReleaseContent | undefined): number | undefined {
  return content?.kind === 'archive' ? content.sizeBytes : undefined
}

function zipOf(files: readonly ReleaseFile[]) {
  const zip = files.find(({ role }) => role === 'archive')
  if (!zip || zip.sha256 === null) throw new Error('An archive without its zip.')
  return { sha256: zip.sha256, sizeBytes: zip.size_bytes, packageHash: zip.package_hash ?? undefined }
}
