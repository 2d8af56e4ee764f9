import type { Artifact } from '@hotpatch/api'
import type { ContentArtifact, ContentKindName, Platform, ReleaseContent } from '@hotpatch/protocol'
import type { Schema } from '../../ground/database/schema.ts'

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
  content: ReleaseContent
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
export interface ContentKind<Facts extends object, Offered extends object> {
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
  check(path: string, limits: ContentLimits, signal?: AbortSignal): Promise<Facts>
  /** @throws problem content-unfit when it is not what devices of its platform can run */
  requireFit(facts: Facts, wish: ContentWish): void
  amounts(told: ToldAmounts, limits: ContentLimits): ContentAmount[]
  filesOf(bytes: ReceivedBytes): ReleaseFile[]
  /** For people. */
  describe(files: readonly ReleaseFile[], facts: Facts): Artifact
  /** @param files those of a release, but for what a manifest lists */
  stated(files: readonly ReleaseFile[]): StatedContent
  /** What a catalog carries of it: all that an answer to a device names. */
  offered(files: readonly ReleaseFile[]): Offered
}

/** What a publish says beforehand that it will have. */
export interface ToldAmounts {
  sizeBytes?: number | undefined
  fileCount?: number | undefined
  unpackedBytes?: number | undefined
}
