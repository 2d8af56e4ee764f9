import { MAX_LISTED_FILES } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'
import { Sha256 } from '../shared-schemas.ts'

const Path = Type.String({ description: 'Relative, with slashes' })

/** Files by path, which a manifest lists: the bytes of that are what is signed. */
export const FilesContent = Type.Object({
  kind: Type.Literal('files'),
  sha256: { ...Sha256, description: 'Of files.json, which lists them' },
  sizeBytes: Type.Integer({ description: 'Of files.json' }),
  fileCount: Type.Integer(),
  totalBytes: Type.Integer({ description: 'Of all files' }),
  launch: Type.Optional({ ...Path, description: 'The file that is run first' }),
  downloadUrl: Type.String({ description: 'Of files.json; each file lies at /artifacts/{its SHA-256}' }),
})
export type FilesContent = Static<typeof FilesContent>

/** What is published: files.json, which was uploaded, as was every file that it lists. */
export const NewFilesContent = Type.Object(
  { kind: Type.Literal('files'), sha256: Sha256, sizeBytes: Type.Integer({ minimum: 1 }) },
  { additionalProperties: false },
)
export type NewFilesContent = Static<typeof NewFilesContent>

/** One file of a release that is to come. */
export const UploadedAsset = Type.Object({ kind: Type.Literal('asset'), sha256: Sha256, sizeBytes: Type.Integer() })
export type UploadedAsset = Static<typeof UploadedAsset>

/** A file of a release, as its manifest lists it. */
export const ReleaseFile = Type.Object({
  path: Path,
  sha256: Sha256,
  sizeBytes: Type.Integer(),
  contentType: Type.String(),
  downloadUrl: Type.String(),
})
export type ReleaseFile = Static<typeof ReleaseFile>

const AskedFile = Type.Object(
  { sha256: Sha256, sizeBytes: Type.Integer({ minimum: 0 }) },
  { additionalProperties: false },
)

/** Whoever is about to publish asks for what does not have to be sent. */
export const AskedFiles = Type.Object(
  { files: Type.Array(AskedFile, { maxItems: MAX_LISTED_FILES }) },
  { additionalProperties: false },
)
export type AskedFiles = Static<typeof AskedFiles>

export const MissingFiles = Type.Object({
  missing: Type.Array(AskedFile, { description: 'Each once, in the order in which they were asked for' }),
})
export type MissingFiles = Static<typeof MissingFiles>

/** One request may bring so many. */
export const MAX_BATCH_FILES = 1_000
export const MAX_BATCH_BYTES = 32 * 1024 * 1024

export const ReceivedFiles = Type.Object({ received: Type.Array(AskedFile) })
export type ReceivedFiles = Static<typeof ReceivedFiles>
