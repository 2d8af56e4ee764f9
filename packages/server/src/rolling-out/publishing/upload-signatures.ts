/** Base64 texts, as they came with the upload. */
export interface UploadSignatures {
  signature?: string | undefined
  statement?: string | undefined
  statementSignature?: string | undefined
  /** Of the release before, under a later sequence: where the guard may go back to. */
  rollbackStatement?: string | undefined
  rollbackStatementSignature?: string | undefined
  /** Of what was before that one, under the sequence after it: where the guard may go back to next. */
  earlierRollbackStatement?: string | undefined
  earlierRollbackStatementSignature?: string | undefined
  /** Only looked at for an app that has no key yet: its first signed release registers it. */
  publicKey?: string | undefined
}
