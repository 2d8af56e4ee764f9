import { problem, statementTime } from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'
import type { AppRow } from '../apps/app-service.ts'
import type { SequenceService } from '../sequences/sequence-service.ts'
import type { KeyService } from './key-service.ts'
import { insertSignatures } from './signature-store.ts'
import { BUNDLE_SIGNATURE, checkStatement, type CheckedStatement, type StatedContent } from './statement-check.ts'
import { insertStatement, type StatementRow } from './statement-store.ts'

export type { StatementRow } from './statement-store.ts'

/** Base64, as it came. */
export interface SignedStatement {
  statement?: string | undefined
  statementSignature?: string | undefined
}

export type StatementService = ReturnType<typeof createStatementService>

/** What publishers signed: releases, rollouts that state theirs again, and steps back refer to it. */
export function createStatementService({
  keys,
  sequences,
  newId,
}: {
  keys: KeyService
  sequences: SequenceService
  newId: () => string
}) {
  /** Its sequence is taken by whoever calls this. */
  async function add(
    tx: Connection,
    { statement, text, signature, publicKey }: CheckedStatement,
  ): Promise<StatementRow> {
    const { appId, platform, sequence, floor } = statement
    const row: StatementRow = {
      id: newId(),
      app_id: appId,
      platform,
      sequence,
      floor,
      text,
      signature,
      key_id: await keys.getWorkingId(appId, publicKey, tx),
      stated_at: statementTime(statement),
    }
    await insertStatement(tx, row)
    return row
  }

  /**
   * Signing §6: old content stated again, so that devices may go down to it. Takes its sequence; undefined when nothing
   * was signed.
   * @throws problem invalid-request, statement-invalid, signature-invalid or sequence-taken
   */
  async function takeRestated(
    tx: Connection,
    app: AppRow,
    content: StatedContent,
    { statement, statementSignature }: SignedStatement,
  ): Promise<StatementRow | undefined> {
    if (statement === undefined && statementSignature === undefined) return undefined
    if (statement === undefined || statementSignature === undefined) {
      throw problem('invalid-request', 'Expected statement and statementSignature together, found one of them.')
    }
    const checked = checkStatement({ statement, statementSignature }, await keys.listWorking(app.id, tx), content)
    return takeChecked(tx, app, checked)
  }

  /** @throws problem sequence-taken */
  async function takeChecked(tx: Connection, app: AppRow, checked: CheckedStatement): Promise<StatementRow> {
    const { platform, sequence } = checked.statement
    await sequences.claim(tx, app, platform, sequence)
    return add(tx, checked)
  }

  /** Of what `BUNDLE_SIGNATURE` says. */
  async function addBundleSignature(tx: Connection, releaseId: string, keyId: string, value: string): Promise<void> {
    await insertSignatures(tx, [{ release_id: releaseId, ...BUNDLE_SIGNATURE, key_id: keyId, value }])
  }

  return { add, takeRestated, takeChecked, addBundleSignature }
}
