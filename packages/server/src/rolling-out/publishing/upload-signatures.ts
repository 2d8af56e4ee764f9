import type { ReleaseSignatures } from '../../shipping/signing/release-signing.ts'

/** Base64 texts, as they came with the upload. */
export interface UploadSignatures extends ReleaseSignatures {
  /** Of the release before, under a later sequence: where the guard may go back to. */
  rollbackStatement?: string | undefined
  rollbackStatementSignature?: string | undefined
  /** Of what was before that one, under the sequence after it: where the guard may go back to next. */
  earlierRollbackStatement?: string | undefined
  earlierRollbackStatementSignature?: string | undefined
}
