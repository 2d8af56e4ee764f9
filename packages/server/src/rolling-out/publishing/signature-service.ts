import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { MAX_ADDED_SIGNATURES, type AddedSignature, type AddedSignatures, type NewAddedSignatures } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { signatureScheme } from '@hotpatch/signatures'
import type { AuditService } from '../../people/audit/audit-service.ts'
import type { Author } from '../../people/authors/author.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import type { AppRow, AppService } from '../../shipping/apps/app-service.ts'
import { listAllFilesOf, listFilesOf } from '../../shipping/content/content-queries.ts'
import { renderSignature, type ReleaseRow, type ReleaseService } from '../../shipping/releases/release-service.ts'
import type { KeyService } from '../../shipping/signing/key-service.ts'
import {
  type AddedSignatureRow,
  listAddedSignatures,
  putAddedSignatures,
  removeAddedSignatures,
} from '../../shipping/signing/added-signature-queries.ts'
import { listStatementTexts } from '../../shipping/signing/release-statement-queries.ts'

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
   * All or none: each is held against the stored bytes before anything is written. The same again changes nothing; another
   * one of the same scheme over the same artifact takes its place, as when a key was replaced.
   * @throws problem release-not-found, invalid-request, signature-invalid or artifact-missing
   */
  async function add(
    app: AppRow,
    releaseId: string,
    input: NewAddedSignatures,
    author: Author,
  ): Promise<AddedSignatures> {
    const release = await getOf(app, releaseId)
    const { scheme, keyId } = input
    const { algorithm } = signatureScheme(scheme)
    const key = await keys.getWorking(app.id, { keyId, algorithm })
    const statements = release.kind === 'kit' ? await statementsOf(release) : undefined
    const rows: AddedSignatureRow[] = []
    for (const { subject, value } of await withSubjects(release, statements, input.signatures)) {
      rows.push({ release_id: release.id, subject, scheme, key_id: keyId, value })
    }
    // One file after the other: whoever publishes can wait, and no more than one is open.
    for (const [index, row] of rows.entries()) {
      const bytes = statements ? Readable.from([statements.get(row.subject) ?? EMPTY]) : await storage.open(row.subject)
      await verify(row, { index, release, publicKey: key.public_key, bytes })
    }
    await changes.run(async (tx, change) => {
      await apps.lock(tx, app.id)
      await keys.getWorking(app.id, { keyId, algorithm }, tx)
      const before = new Map((await listOf(tx, release, scheme)).map((row) => [row.subject, row]))
      const changed = rows.filter(({ subject, value }) => {
        const known = before.get(subject)
        return known?.value !== value || known.key_id !== keyId
      })
      if (changed.length === 0) return
      await putAddedSignatures(tx, changed)
      const replaced = changed.flatMap(({ subject }) => before.get(subject) ?? [])
      await audit.record(tx, author, {
        action: 'release.signatures-added',
        subject: ['release', release.id],
        appId: app.id,
        ...(replaced.length > 0 && { before: { signatures: replaced.map(nameOf) } }),
        after: { signatures: changed.map(nameOf) },
      })
      await raiseReleases(tx, change, [release.id])
    })
    return { items: rows.map(renderSignature) }
  }

  async function verify(
    { subject, scheme, value }: AddedSignatureRow,
    {
      index,
      release: { version },
      publicKey,
      bytes,
    }: { index: number; release: ReleaseRow; publicKey: string; bytes: Readable | undefined },
  ): Promise<void> {
    if (!bytes) throw problem('artifact-missing', `The bytes with the SHA-256 ${subject} are lost: upload them again.`)
    try {
      const fault = await signatureScheme(scheme).findFault({ publicKey, value, bytes, version })
      if (fault === undefined) return
      const place = `signatures/${index}/value: ${scheme} over the bytes with the SHA-256 ${subject}`
      throw problem('signature-invalid', `${place}: ${fault}. Nothing was kept.`)
    } finally {
      bytes.destroy()
    }
  }

  /**
   * Of one artifact, or else of all. Removing what is not there changes nothing.
   * @throws problem release-not-found
   */
  async function remove(
    app: AppRow,
    releaseId: string,
    { scheme, subject }: Pick<AddedSignature, 'scheme'> & { subject?: string },
    author: Author,
  ): Promise<void> {
    const release = await getOf(app, releaseId)
    await changes.run(async (tx, change) => {
      await apps.lock(tx, app.id)
      const all = await listOf(tx, release, scheme)
      const removed = subject === undefined ? all : all.filter((row) => row.subject === subject)
      if (removed.length === 0) return
      await removeAddedSignatures(tx, removed)
      await audit.record(tx, author, {
        action: 'release.signatures-removed',
        subject: ['release', release.id],
        appId: app.id,
        before: { signatures: removed.slice(0, MAX_ADDED_SIGNATURES).map(nameOf), removed: removed.length },
      })
      await raiseReleases(tx, change, [release.id])
    })
  }

  async function getOf(app: AppRow, releaseId: string): Promise<ReleaseRow> {
    const release = await releases.get(releaseId)
    if (release.app_id === app.id && release.archived_at === null) return release
    throw problem('release-not-found', `The app has no release with the id ${releaseId} to sign.`)
  }

  /** Signing §10: of a kit it is what was stated that is signed, each time that it was; by the digests of their bytes. */
  async function statementsOf({ id }: ReleaseRow): Promise<ReadonlyMap<string, Buffer>> {
    const texts = await listStatementTexts(db, id)
    return new Map(
      texts.map((text) => {
        const bytes = Buffer.from(text)
        return [createHash('sha256').update(bytes).digest('hex'), bytes] as const
      }),
    )
  }

  /** Each with the artifact that it is of. */
  async function withSubjects(
    { id }: ReleaseRow,
    statements: ReadonlyMap<string, Buffer> | undefined,
    given: NewAddedSignatures['signatures'],
  ): Promise<{ subject: string; value: string }[]> {
    const files = statements ? [] : ((await listFilesOf(db, [id])).get(id) ?? [])
    const ofFiles = files.map(({ sha256 }) => sha256).filter((sha256) => sha256 !== null)
    const artifacts = new Set(statements ? statements.keys() : ofFiles)
    const [only] = artifacts.size === 1 ? artifacts : []
    const isOfFile = !statements && given.some(({ subject }) => subject !== undefined && !artifacts.has(subject))
    // Clients that take single files verify each (Content §7).
    const contained = new Set(isOfFile ? (await listAllFilesOf(db, id)).map(({ sha256 }) => sha256) : [])
    const named = new Set<string>()
    return given.map(({ subject = only, value }, index) => {
      const place = `signatures/${index}/subject`
      if (subject === undefined || !(artifacts.has(subject) || contained.has(subject))) {
        const expected =
          only ?? `the SHA-256 of one of its ${artifacts.size} ${statements ? 'statements' : 'artifacts'}`
        throw problem('invalid-request', `${place}: expected ${expected}, found ${subject ?? 'none'}.`)
      }
      if (named.has(subject)) {
        throw problem('invalid-request', `${place}: expected one signature of each artifact, found ${subject} again.`)
      }
      named.add(subject)
      return { subject, value }
    })
  }

  return { add, remove }
}

async function listOf(
  tx: Connection,
  { id }: ReleaseRow,
  scheme: AddedSignature['scheme'],
): Promise<readonly AddedSignatureRow[]> {
  const added = (await listAddedSignatures(tx, [id])).get(id) ?? []
  return added.filter((each) => each.scheme === scheme)
}

/** For the log: the value is as long as all the rest, and verified. */
function nameOf({ scheme, subject, key_id }: AddedSignatureRow) {
  return { scheme, subject, keyId: key_id }
}

const EMPTY = Buffer.alloc(0)
