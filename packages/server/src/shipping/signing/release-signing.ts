import { problem } from '@hotpatch/protocol'
import type { Author } from '../../people/authors/author.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { AppRow } from '../apps/app-service.ts'
import type { KeyService } from './key-service.ts'
import { checkDigestSignature, checkStatement, type CheckedStatement, type StatedContent } from './statement-check.ts'

/** Base64, as it comes with a release. */
export interface ReleaseSignatures {
  /** Of the bundle's digest. */
  signature?: string | undefined
  statement?: string | undefined
  statementSignature?: string | undefined
  /** Only looked at for an app that has no key yet: its first signed release registers it. */
  publicKey?: string | undefined
}

/** Signatures that fit what they came with. */
export interface CheckedSignatures {
  /** Of the bundle's digest; null where there is no bundle. */
  signature: string | null
  /** Null: the contract's older tools sign the digest only. */
  statement: CheckedStatement | null
  publicKey: string
  isFirstKey: boolean
}

export type ReleaseSigning = ReturnType<typeof createReleaseSigning>

/** Who may sign what is published, and whether it is signed. */
export function createReleaseSigning({ db, keys }: { db: Database; keys: KeyService }) {
  /**
   * Null for a release that nobody signed, where that is allowed.
   * @param bundleSha256 undefined of content that is no archive: then the statement alone is signed (Signing §5)
   * @throws problem signature-required, invalid-request, signature-invalid or statement-invalid
   */
  async function check(
    app: AppRow,
    content: StatedContent,
    bundleSha256: string | undefined,
    { signature, statement, statementSignature, publicKey: sent }: ReleaseSignatures,
  ): Promise<CheckedSignatures | null> {
    if (signature === undefined && statement === undefined && statementSignature === undefined) {
      const kind = content.release?.content.kind
      if (kind === 'kit') {
        const detail = `A kit is served as what its publisher has signed of it: expected statement with statementSignature, found none. Publish it with a tool that signs: \`hotpatch kit publish\`.`
        throw problem('signature-required', detail)
      }
      if (app.signing === 'optional') return null
      const signs = kind === 'binary' ? 'binary publish' : 'release'
      throw problem(
        'signature-required',
        `The app "${app.slug}" takes releases that are signed by a registered key, found none. Publish it with a tool that signs: \`hotpatch ${signs}\`.`,
      )
    }
    if ((statement === undefined) !== (statementSignature === undefined)) {
      throw problem('invalid-request', 'Expected statement with statementSignature, found one of them.')
    }
    const { publicKeys, isFirstKey } = await keysFor(app, sent)
    if (bundleSha256 === undefined) {
      if (signature !== undefined || statement === undefined || statementSignature === undefined) {
        throw problem('invalid-request', 'Expected statement with statementSignature, and no signature of a bundle.')
      }
      const checked = checkStatement({ statement, statementSignature }, publicKeys, content)
      return { signature: null, statement: checked, publicKey: checked.publicKey, isFirstKey }
    }
    if (signature === undefined) {
      throw problem('invalid-request', 'Expected signature, and statement with statementSignature, found only some.')
    }
    const publicKey = checkDigestSignature(bundleSha256, signature, publicKeys)
    if (statement === undefined || statementSignature === undefined) {
      return { signature, statement: null, publicKey, isFirstKey }
    }
    const checked = checkStatement({ statement, statementSignature }, [publicKey], content)
    return { signature, statement: checked, publicKey, isFirstKey }
  }

  /** The keys that may have signed: the registered ones, or for an app that never had any, the one that came along. */
  async function keysFor(app: AppRow, sent: string | undefined) {
    const publicKeys = await keys.listWorking(app.id)
    const isFirstKey = publicKeys.length === 0 && !(await keys.hasEverHadAny(app.id, db))
    if (!isFirstKey) return { publicKeys, isFirstKey }
    if (sent === undefined) {
      throw problem(
        'signature-invalid',
        'The app has no signing key yet: send publicKey with its first signed release.',
      )
    }
    return { publicKeys: [sent], isFirstKey }
  }

  /**
   * The key that signed, in the transaction that publishes: the first signed release of an app registers its key.
   * @param app as it is in that transaction
   */
  async function settleKey(
    tx: Connection,
    app: AppRow,
    checked: CheckedSignatures | null,
    author: Author,
  ): Promise<string | null> {
    if (!checked) {
      // Someone else's first signed release may have come in between.
      if (app.signing === 'optional') return null
      throw problem('signature-required', `The app "${app.slug}" takes signed releases since a moment ago.`)
    }
    const { publicKey, isFirstKey } = checked
    // Two first releases at once with different keys: the second must not slip in unregistered.
    if (isFirstKey && !(await keys.hasEverHadAny(app.id, tx)))
      return (await keys.add(app, { publicKey }, author, tx)).id
    return keys.getWorkingId(app.id, publicKey, tx)
  }

  return { check, settleKey }
}
