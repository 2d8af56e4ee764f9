import { Type, type Static } from 'typebox'
import { ArchiveContent, NewArchiveContent } from './archive.ts'
import { BinaryContent, NewBinaryContent, UploadedBinary } from './binary.ts'

/** What a release is made of, by its kind. Holds those that servers take and serve (Content §1). */
export const ReleaseContent = Type.Union([ArchiveContent, BinaryContent])
export type ReleaseContent = Static<typeof ReleaseContent>

/** The same of a release that is published. */
export const NewReleaseContent = Type.Union([NewArchiveContent, NewBinaryContent])
export type NewReleaseContent = Static<typeof NewReleaseContent>

/** What the server has of bytes that a release may be made of. */
export const Artifact = Type.Union([ArchiveContent, UploadedBinary])
export type Artifact = Static<typeof Artifact>
