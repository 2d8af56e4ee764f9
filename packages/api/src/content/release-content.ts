import { Type, type Static } from 'typebox'
import { ArchiveContent, NewArchiveContent } from './archive.ts'
import { BinaryContent, NewBinaryContent, UploadedBinary } from './binary.ts'
import { FilesContent, NewFilesContent, UploadedAsset } from './files.ts'
import { KitContent, NewKitContent } from './kit.ts'

/** What a release is made of, by its kind. Holds those that servers take and serve (Content §1). */
export const ReleaseContent = Type.Union([ArchiveContent, BinaryContent, FilesContent, KitContent])
export type ReleaseContent = Static<typeof ReleaseContent>

/** The same of a release that is published. */
export const NewReleaseContent = Type.Union([NewArchiveContent, NewBinaryContent, NewFilesContent, NewKitContent])
export type NewReleaseContent = Static<typeof NewReleaseContent>

/** What the server has of bytes that a release may be made of. */
export const Artifact = Type.Union([ArchiveContent, UploadedBinary, FilesContent, KitContent, UploadedAsset])
export type Artifact = Static<typeof Artifact>

/** What bytes are uploaded as: a kind of content, or one file of a release of the kind `files` or `kit`. */
export const UPLOAD_KINDS = ['archive', 'binary', 'files', 'kit', 'asset'] as const
export type UploadKind = (typeof UPLOAD_KINDS)[number]
