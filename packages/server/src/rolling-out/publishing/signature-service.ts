import type { AddedSignature, NewAddedSignature } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { AuditService } from '../../people/audit/audit-service.ts'
import type { Author } from '../../people/authors/author.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import type { AppRow, AppService } from '../../shipping/apps/app-service.ts'
import { listAllFilesOf, listFilesOf } from '../../shipping/content/content-queries.ts'
import { renderSignature, type ReleaseRow, type ReleaseService } from '../../shipping/releases/release-service.ts'
import type { KeyService } from '../../shipping/signing/key-service.ts'
import { signatureScheme } from '../../shipping/signing/schemes/schemes.ts'
import {
  type AddedSignatureRow,
  listAddedSignatures,
  putAddedSignature,
  removeAddedSignature,
} from '../../shipping/signing/added-signatures.ts'

export type SignatureService = ReturnType<typeof createSignatureService>

/** Signing §10: what is signed of a release for clients that verify something other than its statement. */
export function createSignatureService({
  db,
  changes,
  storage,
  apps,
  releases,
  keys,
  audit,
  raiseReleases,
}: {
  db: Database
  changes: Changes
  storage: StorageDriver
  apps: AppService
  releases: ReleaseService
  keys: KeyService
  audit: AuditService
  /** Catalogs have something new of them. */
  raiseReleases: (tx: Connection, change: Change, releaseIds: readonly string[]) => Promise<void>
}) {
  /**
   * Held against the stored bytes before anything is written. The same again changes nothing; another one of the same
   * scheme over the same artifact takes its place, as when a key was replaced.
   * @throws problem release-not-found, invalid-request, signature-invalid or artifact-missing
   */
  async function add(
    app: AppRow,
    releaseId: string,
    input: NewAddedSignature,
    author: Author,
  ): Promise<AddedSignature> {
    const release = await getOf(app, releaseId)
    const { scheme, value, keyId } = input
    const { algorithm, findFault } = signatureScheme(scheme)
    const subject = await subjectOf(release, input.subject)
    const key = await keys.getWorking(app.id, { keyId, algorithm })
    const bytes = await storage.open(subject)
    if (!bytes) throw problem('artifact-missing', `The bytes with the SHA-256 ${subject} are lost: upload them again.`)
    const fault = await findFault({ publicKey: key.public_key, value, bytes, version: release.version })
    bytes.destroy()
    if (fault !== undefined) {
      throw problem('signature-invalid', `value: ${scheme} over the bytes with the SHA-256 ${subject}: ${fault}.`)
    }
    const row: AddedSignatureRow = { release_id: release.id, subject, scheme, key_id: keyId, value }
    await changes.run(async (tx, change) => {
      await apps.lock(tx, app.id)
      await keys.getWorking(app.id, { keyId, algorithm }, tx)
      const before = await findAdded(tx, row)
      if (before?.value === value && before.key_id === keyId) return
      await putAddedSignature(tx, row)
      await audit.record(tx, author, {
        action: 'release.signature-added',
        subject: ['release', release.id],
        appId: app.id,
        ...(before && { before: renderSignature(before) }),
        after: renderSignature(row),
      })
      await raiseReleases(tx, change, [release.id])
    })
    return renderSignature(row)
  }

  /** Removing what is not there changes nothing. @throws problem release-not-found */
  async function remove(
    app: AppRow,
    releaseId: string,
    { scheme, subject }: Pick<AddedSignature, 'scheme' | 'subject'>,
    author: Author,
  ): Promise<void> {
    const release = await getOf(app, releaseId)
    await changes.run(async (tx, change) => {
      await apps.lock(tx, app.id)
      const before = await findAdded(tx, { release_id: release.id, subject, scheme })
      if (!before) return
      await removeAddedSignature(tx, before)
      await audit.record(tx, author, {
        action: 'release.signature-removed',
        subject: ['release', release.id],
        appId: app.id,
        before: renderSignature(before),
      })
      await raiseReleases(tx, change, [release.id])
    })
  }

  async function getOf(app: AppRow, releaseId: string): Promise<ReleaseRow> {
    const release = await releases.get(releaseId)
    if (release.app_id === app.id && release.archived_at === null) return release
    throw problem('release-not-found', `The app has no release with the id ${releaseId} to sign.`)
  }

  async function subjectOf({ id }: ReleaseRow, wanted: string | undefined): Promise<string> {
    const files = (await listFilesOf(db, [id])).get(id) ?? []
    const digests = [...new Set(files.map(({ sha256 }) => sha256).filter((sha256) => sha256 !== null))]
    const [only] = digests
    if (wanted === undefined && digests.length === 1 && only !== undefined) return only
    if (wanted !== undefined && digests.includes(wanted)) return wanted
    // Clients that take single files verify each (Content §7).
    const contained = wanted === undefined ? [] : await listAllFilesOf(db, id)
    if (wanted !== undefined && contained.some(({ sha256 }) => sha256 === wanted)) return wanted
    const expected = digests.length === 1 ? String(only) : `the SHA-256 of one of its ${digests.length} artifacts`
    throw problem('invalid-request', `subject: expected ${expected}, found ${wanted ?? 'none'}.`)
  }

  return { add, remove }
}

async function findAdded(
  tx: Connection,
  { release_id: id, subject, scheme }: Pick<AddedSignatureRow, 'release_id' | 'subject' | 'scheme'>,
): Promise<AddedSignatureRow | undefined> {
  const added = (await listAddedSignatures(tx, [id])).get(id) ?? []
  return added.find((each) => each.subject === subject && each.scheme === scheme)
}
