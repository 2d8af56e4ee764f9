import type { KeyAlgorithm, NewSigningKey, Page, SigningKey } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { findMinisignKeyLine, isEd25519PublicKey } from '@hotpatch/signatures'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { nameOf, type Author } from '../../people/authors/author.ts'
import { nullableTimestamp, timestamp, type Clock } from '../../ground/clock.ts'
import type { Changes } from '../../ground/database/changes.ts'
import { isUniqueViolation } from '../../ground/database/database-errors.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { AppRow, AppService } from '../apps/app-service.ts'
import { insertSigningKey, listSigningKeys, revokeSigningKey, type SigningKeyRow } from './key-store.ts'
import { readRsaPublicKey } from './signing-keys.ts'

export type KeyService = ReturnType<typeof createKeyService>

/** The keys of an app's publishers. */
export function createKeyService({
  db,
  changes,
  apps,
  audit,
  clock,
  newId,
}: {
  db: Database
  changes: Changes
  apps: AppService
  audit: AuditService
  clock: Clock
  newId: () => string
}) {
  /** @param algorithm those that sign statements unless others are asked for */
  async function list(
    app: AppRow,
    algorithm: KeyAlgorithm = 'ed25519',
    connection: Connection = db,
  ): Promise<Page<SigningKey>> {
    const rows = await listSigningKeys(connection, app.id)
    return { items: rows.filter((row) => row.algorithm === algorithm).map(render), nextCursor: null }
  }

  /**
   * Also what an app's first signed release does: from then on the app takes releases signed by its keys only. A key of
   * another algorithm signs no statement, and so demands none.
   */
  async function add(app: AppRow, input: NewSigningKey, author: Author, connection?: Connection): Promise<SigningKey> {
    const { algorithm = 'ed25519' } = input
    const row: SigningKeyRow = {
      id: newId(),
      app_id: app.id,
      algorithm,
      public_key: readPublicKey(algorithm, input.publicKey),
      name: input.name ?? nameOf(author),
      created_at: clock.now(),
      created_by: nameOf(author),
      revoked_at: null,
    }
    const write = async (tx: Connection) => {
      await insertSigningKey(tx, row).catch((error: unknown) => {
        if (!isUniqueViolation(error)) throw error
        throw problem('key-exists', 'This key is registered for the app already.', {}, { cause: error })
      })
      if (algorithm === 'ed25519') await apps.requireSigning(tx, app.id)
      await audit.record(tx, author, {
        action: 'key.registered',
        subject: ['key', row.id],
        appId: app.id,
        after: render(row),
      })
    }
    if (connection) await write(connection)
    else await changes.run(write)
    return render(row)
  }

  async function revoke(app: AppRow, keyId: string, author: Author): Promise<SigningKey> {
    return changes.run(async (tx, change) => {
      const row = (await listSigningKeys(tx, app.id)).find((key) => key.id === keyId)
      if (!row) throw problem('key-not-found', `The app has no signing key with the id ${keyId}.`)
      if (row.revoked_at !== null) return render(row)
      const revoked = { ...row, revoked_at: clock.now() }
      await revokeSigningKey(tx, keyId, revoked.revoked_at)
      // Feeds that it signed are not served as signed any more.
      if (row.algorithm === 'sparkle-ed25519') change.raiseApps()
      await audit.record(tx, author, {
        action: 'key.revoked',
        subject: ['key', keyId],
        appId: app.id,
        before: render(row),
        after: render(revoked),
      })
      return render(revoked)
    })
  }

  /** Public keys that may sign statements and bundles. */
  async function listWorking(appId: string, connection: Connection = db): Promise<string[]> {
    const keys = await listSigningKeys(connection, appId)
    return keys.filter((key) => key.revoked_at === null && key.algorithm === 'ed25519').map((key) => key.public_key)
  }

  /** @throws problem signature-invalid when it is not registered, or was revoked */
  async function getWorkingId(appId: string, publicKey: string, connection: Connection): Promise<string> {
    const keys = await listSigningKeys(connection, appId)
    const found = keys.find((key) => key.revoked_at === null && key.public_key === publicKey)
    if (found) return found.id
    throw problem('signature-invalid', 'The key that signed this is not registered any more.')
  }

  async function hasEverHadAny(appId: string, connection: Connection): Promise<boolean> {
    return (await listSigningKeys(connection, appId)).some(({ algorithm }) => algorithm === 'ed25519')
  }

  /** @throws problem signature-invalid when the app has no such key, of this algorithm and not revoked */
  async function getWorking(
    appId: string,
    { keyId, algorithm }: { keyId: string; algorithm: KeyAlgorithm },
    connection: Connection = db,
  ): Promise<SigningKeyRow> {
    const row = (await listSigningKeys(connection, appId)).find(({ id }) => id === keyId)
    if (row?.algorithm === algorithm && row.revoked_at === null) return row
    const found = row ? `one of ${row.algorithm}${row.revoked_at === null ? '' : ', revoked'}` : 'none'
    throw problem('signature-invalid', `keyId: expected a working key of ${algorithm} of this app, found ${found}.`)
  }

  return { list, add, revoke, listWorking, getWorkingId, getWorking, hasEverHadAny }
}

/** @throws problem invalid-request */
function readPublicKey(algorithm: KeyAlgorithm, text: string): string {
  switch (algorithm) {
    case 'ed25519': {
      if (isEd25519PublicKey(text)) return text
      throw problem('invalid-request', 'publicKey: expected the 32 raw bytes of an Ed25519 public key in base64.')
    }
    case 'sparkle-ed25519': {
      if (isEd25519PublicKey(text.trim())) return text.trim()
      throw problem('invalid-request', 'publicKey: expected SUPublicEDKey, 32 raw bytes in base64.')
    }
    case 'rsa': {
      const pem = readRsaPublicKey(text)
      if (pem !== undefined) return pem
      const expected = 'an RSA public key of 2048 to 8192 bits as PEM, "-----BEGIN PUBLIC KEY-----"'
      throw problem('invalid-request', `publicKey: expected ${expected}.`)
    }
    case 'minisign': {
      const line = findMinisignKeyLine(text)
      if (line !== undefined) return line
      const expected = 'a minisign public key: its line "RW…", its file, or "pubkey" of tauri.conf.json'
      throw problem('invalid-request', `publicKey: expected ${expected}.`)
    }
  }
}

function render(row: SigningKeyRow): SigningKey {
  return {
    id: row.id,
    algorithm: row.algorithm,
    publicKey: row.public_key,
    name: row.name,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    revokedAt: nullableTimestamp(row.revoked_at),
  }
}
