import { Type } from 'typebox'
import { Sha256 } from '../shared-schemas.ts'

/** One zip. */
export const ArchiveContent = Type.Object({
  kind: Type.Literal('archive'),
  sha256: Sha256,
  sizeBytes: Type.Integer(),
  fileCount: Type.Integer(),
  downloadUrl: Type.String(),
})
