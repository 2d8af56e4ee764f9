import type { ReleaseContent } from '@hotpatch/api'
import type {
  ContentArtifact,
  ContentKindName,
  ManifestFile,
  Platform,
  ReleaseContent as SignedContent,
} from '@hotpatch/protocol'
import type { Schema } from '../../ground/database/schema.ts'
import type { SpooledUpload, SpoolPart } from '../artifacts/upload-spool.ts'

/** What the server may be sent, whatever its kind. */
export interface ContentLimits {
  maxBytes: number
  maxUnpackedBytes: number
  maxFiles: number
  maxPathBytes: number
}

/** Bytes that were received whole. */
export interface ReceivedBytes {
  sha256: string
  sizeBytes: number
}

/** What a release's files follow from. */
export interface ContentBytes extends ReceivedBytes {
  /** What was unpacked of them, where devices can take that file by file. */
  files?: readonly ManifestFile[]
}

/** What a check finds. Is kept beside the bytes as JSON. */
export interface Facts {
  kind: ContentKindName
  /** Where the list of `files` is stored: it may be long. */
  list?: ReceivedBytes
}

export interface CheckedContent<Found extends Facts> {
  facts: Found
  files?: readonly ManifestFile[]
  /** The files and their list as they lie in the spool. */
  unpacked?: readonly UnpackedBytes[]
}

export interface UnpackedBytes extends SpooledUpload {
  /** Whether they are worth a try at being made smaller. */
  awaitsCompression: boolean
}

/** How a check goes about its work. */
export interface CheckTools {
  signal?: AbortSignal | undefined
  /** For a file that is unpacked: what comes of it is the caller's to discard, also when the check fails. */
  begin: () => Promise<SpoolPart>
}

/** What a publish says of its content, besides the bytes. */
export interface ContentWish {
  platform: Platform
  /** A file that must lie at the root. */
  entry?: string
}

/** A file of a release, as it is stored. */
export type ReleaseFile = Omit<Schema['release_file'], 'release_id'>

/** What a statement must say of it (Signing §4). */
export interface StatedContent {
  content: SignedContent
  artifacts: readonly ContentArtifact[]
}

/** Something that a publish announces and that the server has a limit for. */
export interface ContentAmount {
  /** The variable that an operator can raise. */
  variable: string
  found: number | undefined
  most: number
  unit: string
}

/**
 * One kind of content: all that the server does differently for it. What a check finds of the bytes, its facts, is kept
 * beside them, as a release may come later than its bytes.
 */
export interface ContentKind<Found extends Facts, Offered extends object> {
  name: ContentKindName
  /** Of the bytes that are uploaded, and of what is served of them. */
  contentType: string
  /** Of the name under which somebody saves them. */
  fileExtension: string
  /**
   * Refuses what is not harmless and the same for every reader. What is claimed is checked first, so that little work is
   * done for a hostile upload.
   * @param path of the file that was received
   */
  check(path: string, limits: ContentLimits, tools: CheckTools): Promise<CheckedContent<Found>>
  /** @throws problem content-unfit when it is not what devices of its platform can run */
  requireFit(facts: Found, wish: ContentWish): void
  amounts(told: ToldAmounts, limits: ContentLimits): ContentAmount[]
  filesOf(bytes: ContentBytes): ReleaseFile[]
  /**
   * For people.
   * @param urlOf the address of bytes, by their SHA-256
   */
  describe(files: readonly ReleaseFile[], facts: Found, urlOf: (sha256: string) => string): ReleaseContent
  /** @param files those of a release, but for what a manifest lists */
  stated(files: readonly ReleaseFile[]): StatedContent
  /** What a catalog carries of it: all that an answer to a device names. */
  offered(files: readonly ReleaseFile[]): Offered
  /**
   * Of the bytes that devices take for all of it, each by itself: a download of them is one of the release. What else
   * leaves the server of it is counted under the first.
   */
  digests(offered: Offered): readonly [string, ...string[]]
}

/** What a publish says beforehand that it will have. */
export interface ToldAmounts {
  sizeBytes?: number | undefined
  fileCount?: number | undefined
  unpackedBytes?: number | undefined
}
