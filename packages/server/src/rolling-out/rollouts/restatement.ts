import { problem, type Platform, statedArchive } from '@hotpatch/protocol'
import type { AppRow, AppService } from '../../shipping/apps/app-service.ts'
import type { Connection } from '../../ground/database/schema.ts'
import { requirementOf, type ReleaseRow, type ReleaseService } from '../../shipping/releases/release-service.ts'
import { checkStatement } from '../../shipping/releases/statement-check.ts'

/** Signing §6: old content stated again under a later sequence, so that devices may go down to it. */
export interface Restatement {
  sequence: number
  floor: number
  /** The exact text that was signed. */
  statement: string
  statementSignature: string
  /** The registered key that signed it. */
  keyId: string | null
}

export interface SignedRestatement {
  statement?: string | undefined
  statementSignature?: string | undefined
}

export function createRestatementReader({ apps, releases }: { apps: AppService; releases: ReleaseService }) {
  /**
   * Checks it and takes its sequence; undefined when there is none.
   * @param release null: what the binary shipped with
   * @throws problem invalid-request, statement-invalid, signature-invalid or sequence-taken
   */
  return async (
    tx: Connection,
    app: AppRow,
    platform: Platform,
    release: ReleaseRow | null,
    { statement, statementSignature }: SignedRestatement,
  ): Promise<Restatement | undefined> => {
    if (statement === undefined && statementSignature === undefined) return undefined
    if (statement === undefined || statementSignature === undefined) {
      throw problem('invalid-request', 'Expected statement and statementSignature together, found one of them.')
    }
    const content = {
      appId: app.id,
      platform,
      release: release && {
        version: release.version,
        requirement: requirementOf(release),
        ...statedArchive({ sha256: release.sha256, sizeBytes: release.size_bytes }),
      },
    }
    const checked = checkStatement({ statement, statementSignature }, await apps.listWorkingKeys(app.id, tx), content)
    const { sequence, floor } = checked.statement
    await releases.claimSequence(tx, app, platform, sequence)
    const keyId = (await apps.findWorkingKeyId(app.id, checked.publicKey, tx)) ?? null
    return { sequence, floor, statement: checked.text, statementSignature, keyId }
  }
}
