import type { Artifact, NewReleaseContent, ReadApplication, ReleaseContent } from '@hotpatch/api'
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
  /** Of one file of a whole binary. */
  maxBinaryBytes: number
  maxUnpackedBytes: number
  maxFiles: number
  maxPathBytes: number
}

/** Bytes that were received whole. */
export interface ReceivedBytes {
  sha256: string
  sizeBytes: number
}

/** Bytes that a release is made of, or a part of it. */
export interface ContentBytes<Found extends Facts> extends ReceivedBytes {
  /** Undefined where nobody has looked at them yet. */
  facts?: Found
  /** What was unpacked of them, where devices can take that file by file. */
  files?: readonly ManifestFile[]
}

/** The same, which were looked at. */
export interface CheckedBytes<Found extends Facts> extends ContentBytes<Found> {
  facts: Found
}

/** What a check finds. Is kept beside the bytes as JSON. */
export interface Facts {
  kind: ContentKindName
  /** Where the list of `files` is stored: it may be long. */
  list?: ReceivedBytes
  /** What else was made of the bytes and is stored with them. */
  parts?: readonly ReceivedBytes[]
}

export interface CheckedContent<Found extends Facts> {
  facts: Found
  files?: readonly ManifestFile[]
  /** The files and their list as they lie in the spool. */
  unpacked?: readonly UnpackedBytes[]
  /** Of an export of Expo's, as JSON: it is long, and so not read with the facts. */
  expoExport?: string
}

export interface UnpackedBytes extends SpooledUpload {
  /** Whether they are worth a try at being made smaller. */
  awaitsCompression: boolean
}

/** What is checked. */
export interface BytesToCheck {
  /** Of the file that was received. */
  path: string
  sha256: string
  sizeBytes: number
  /** That it has elsewhere, where that was told. */
  name: string | undefined
  /** Where the kind wants it. */
  sha512: string | undefined
}

/** How a check goes about its work. */
export interface CheckTools {
  signal?: AbortSignal | undefined
  /** By the app that sends it; undefined where that is not known yet. */
  owned: OwnedBytes | undefined
  /** For a file that is unpacked: what comes of it is the caller's to discard, also when the check fails. */
  begin: () => Promise<SpoolPart>
}

/** What an app has sent before. */
export interface OwnedBytes {
  /** @throws problem artifact-missing or size-mismatch, with those that are not here as they are listed */
  requireAll(files: readonly ReceivedBytes[]): Promise<void>
  /** Of one of them; undefined when it is longer, or no text. */
  readText(sha256: string, maxBytes: number): Promise<string | undefined>
}

/** What a publish says of its content, besides the bytes. */
export interface ContentWish<New extends NewReleaseContent> {
  platform: Platform
  version: string
  versionCode?: number | undefined
  content: New
}

/** A file of a release, as it is stored. */
export type ReleaseFile = Omit<Schema['release_file'], 'release_id'> & {
  /** Of bytes that lie elsewhere, as its publisher told it. */
  told_sha256: string | null
  /** For clients that ask for it. */
  sha512: string | null
  /** Of what an archive contains (Code Push §5). */
  package_hash: string | null
}

/** What a publish says of an upload; what it does not say is not held against it. */
export interface ToldBytes {
  sha256?: string | undefined
  sizeBytes?: number | undefined
}

/** What a statement must say of it (Signing §4). */
export interface StatedContent {
  content: SignedContent
  artifacts: readonly ContentArtifact[]
}

/** What speaks against a publish, unless it is meant. */
export interface Objection {
  /** The word by which a publish accepts it. */
  name: string
  file: string
  expected: string
  found: string
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
export interface ContentKind<
  Found extends Facts,
  New extends NewReleaseContent = NewReleaseContent,
  Offered extends object = object,
> {
  name: New['kind']
  /** Of one upload. */
  maxBytes(limits: ContentLimits): number
  /** Whether its clients ask for a SHA-512, too. */
  wantsSha512: boolean
  /** What a statement must say stands in the bytes: before somebody has looked at them, nobody knows it. */
  isStatedByBytes?: boolean
  /** Whether it is files in one, which may be packed better (Content §8.3). */
  canBePacked(facts: Found): boolean
  /** Of the bytes that are uploaded, and of what is served of them. */
  contentTypeOf(facts: Found): string
  /**
   * Refuses what is not harmless and the same for every reader. What is claimed is checked first, so that little work is
   * done for a hostile upload.
   */
  check(bytes: BytesToCheck, limits: ContentLimits, tools: CheckTools): Promise<CheckedContent<Found>>
  /** What somebody who has uploaded it is told of it. */
  describeUpload(bytes: CheckedBytes<Found>, downloadUrl: string): Artifact
  /** Of each upload that a publish is about, in its order. */
  told(content: New): readonly ToldBytes[]
  /**
   * @param uploads those that the publish names
   * @throws problem content-unfit or invalid-request when it is not what devices of its platform can run
   */
  requireFit(uploads: readonly CheckedBytes<Found>[], wish: ContentWish<New>): void
  /**
   * What a publish may mean or not.
   * @param before what was found of the bytes of earlier releases of the app, in `comparedFormats`, newest first
   */
  objections?(uploads: readonly CheckedBytes<Found>[], wish: ContentWish<New>, before: readonly Found[]): Objection[]
  /** The same of bytes that are not here yet, by the word of who has them: enough to be told objections, and for nothing else. */
  claimed?(content: New, applications: readonly ReadApplication[]): CheckedBytes<Found>[]
  /** Of all that there are. */
  objectionNames?: readonly string[]
  /** In which formats earlier files are what these are held against; each list by itself. */
  comparedFormats?(wish: ContentWish<New>): readonly (readonly string[])[]
  amounts(told: ToldAmounts, limits: ContentLimits): ContentAmount[]
  /** @param uploads those that the publish names, where they are known */
  filesOf(uploads: readonly ContentBytes<Found>[], wish: Pick<ContentWish<New>, 'platform' | 'content'>): ReleaseFile[]
  /** What orders a release among those of its app, where its files say that. */
  versionCodeOf?(uploads: readonly CheckedBytes<Found>[]): number | undefined
  /** The id that its tool has given a build, where clients know it by that: its app has no other one of that id. */
  buildIdOf?(uploads: readonly CheckedBytes<Found>[]): string | undefined
  /** What is new, where its files say that to people: what a publish says goes before it. */
  notesOf?(uploads: readonly CheckedBytes<Found>[]): string | undefined
  /** Content §12: the digest of the file that is run first, where clients take patches of that file alone. */
  launchSha256Of?(uploads: readonly CheckedBytes<Found>[], platform: Platform): string | undefined
  /**
   * For people.
   * @param factsOf of bytes, by their SHA-256; undefined where they lie elsewhere
   * @param urlOf the address of bytes, by their SHA-256
   */
  describe(
    files: readonly ReleaseFile[],
    factsOf: (sha256: string) => Found | undefined,
    urlOf: (sha256: string) => string,
  ): ReleaseContent
  /** @param files those of a release, but for what a manifest lists @param factsOf as in `describe` */
  stated(files: readonly ReleaseFile[], factsOf: (sha256: string) => Found | undefined): StatedContent
  /** What a catalog carries of it: all that an answer to a device names. @param factsOf as in `describe` */
  offered(files: readonly ReleaseFile[], factsOf: (sha256: string) => Found | undefined): Offered
  /**
   * Of the bytes that devices take for all of it, each by itself: a download of them is one of the release. What else
   * leaves the server of it is counted under the first.
   */
  digests(offered: Offered): readonly [string, ...string[]]
}

/** What a publish says beforehand that it will have. */
export interface ToldAmounts {
  content?: NewReleaseContent | undefined
  fileCount?: number | undefined
  unpackedBytes?: number | undefined
}
