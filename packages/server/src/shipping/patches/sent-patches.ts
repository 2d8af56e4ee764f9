import type { Patch, SentPatchQuery } from '@hotpatch/api'
import { refusal } from '@hotpatch/binary-files/zip'
import { problem, type EncryptedHeader } from '@hotpatch/protocol'
import type { Clock } from '../../ground/clock.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { nameOf, type Author } from '../../people/authors/author.ts'
import type { AppRow } from '../apps/app-service.ts'
import { asPart, type ArtifactService } from '../artifacts/artifact-service.ts'
import type { SpooledUpload } from '../artifacts/upload-spool.ts'
import { readEncrypted } from '../content/archive/encrypted-archive.ts'
import { listReleasesWith } from '../content/content-queries.ts'
import { baseOf, getEnds } from './patch-ends.ts'
import { isFormatOf } from './patch-kinds.ts'
import type { PatchService } from './patch-service.ts'
import { findArchive, putSent, type KnownArchive } from './sent-patch-store.ts'

export type SentPatches = ReturnType<typeof createSentPatches>

/** Encryption §4.1: patches to encrypted releases, of which the server can read as little as of those. */
export function createSentPatches({
  db,
  changes,
  patches,
  artifacts,
  receiveBytes,
  raiseReleases,
  audit,
  clock,
  newId,
}: {
  db: Database
  changes: Changes
  patches: Pick<PatchService, 'get'>
  artifacts: Pick<ArtifactService, 'keep' | 'register'>
  receiveBytes: (stream: AsyncIterable<Uint8Array>) => Promise<SpooledUpload>
  raiseReleases: (tx: Connection, change: Change, releaseIds: readonly string[]) => Promise<void>
  audit: AuditService
  clock: Clock
  newId: () => string
}) {
  /**
   * The same again is answered the same, and another in the same packing takes its place.
   * @throws problem release-not-found, not-found, content-unfit, invalid-archive or body-too-large
   */
  async function send(
    app: AppRow,
    asked: SentPatchQuery,
    stream: AsyncIterable<Uint8Array>,
    author: Author,
  ): Promise<Patch> {
    const { before, after } = await getEnds(db, app, asked)
    const base = await findArchive(db, before)
    const target = await findArchive(db, after)
    const { from, to } = asked
    if (!target?.keyIds) throw unfit('an encrypted release to lead to', `that ${to} is none`)
    if (!base) throw unfit('an archive to lead from', `that ${from} is none`)
    const upload = await receiveBytes(stream)
    try {
      const format = requireFits(await readPatch(upload), upload, { base, target, keyIds: target.keyIds })
      await artifacts.keep([upload])
      const id = await changes.run(async (tx, change) => {
        await artifacts.register(tx, [asPart(upload)])
        const wanted = {
          appId: app.id,
          kind: 'tree' as const,
          target: { releaseId: after.releaseId, sha256: target.sha256 },
          base: baseOf(before, base.sha256),
        }
        const trees = { tree: target.tree, baseTree: base.tree }
        const by = { id: newId(), now: clock.now(), createdBy: nameOf(author) }
        const put = await putSent(tx, wanted, { ...trees, format, sha256: upload.sha256 }, by)
        if (put.isRepeated) return put.id
        await raiseReleases(tx, change, await listReleasesWith(tx, [target.sha256]))
        await audit.record(tx, author, {
          action: 'patch.sent',
          subject: ['release', after.releaseId],
          appId: app.id,
          after: { id: put.id, ...asked, format, sha256: upload.sha256, sizeBytes: upload.sizeBytes },
        })
        return put.id
      })
      return await patches.get(app, id)
    } finally {
      await upload.discard()
    }
  }

  return { send }
}

type PatchHeader = EncryptedHeader & Required<Pick<EncryptedHeader, 'patch'>>

async function readPatch({ path, sizeBytes }: SpooledUpload): Promise<PatchHeader> {
  const header = await readEncrypted(path, { sizeBytes, purpose: 'patch' })
  if (header?.patch) return { ...header, patch: header.patch }
  throw refusal('structure', 'Expected an encrypted patch, found something else.')
}

/**
 * All that the head says and the server knows, too: a device holds it against what it runs, and against the statement.
 * @returns how it is packed
 * @throws problem content-unfit
 */
function requireFits(
  { patch, tree, recipients }: PatchHeader,
  { sizeBytes }: SpooledUpload,
  { base, target, keyIds }: { base: KnownArchive; target: KnownArchive; keyIds: readonly string[] },
): string {
  const { format, baseTree } = patch
  if (!isFormatOf('tree', format)) throw unfit('a patch of trees', format)
  if (baseTree !== base.tree) throw unfit(`one of the tree ${base.tree}`, baseTree)
  if (tree !== target.tree) throw unfit(`one to the tree ${target.tree}`, tree)
  if (tree === baseTree) throw unfit('two releases of different files', 'the same in both')
  const found = recipients.map(({ keyId }) => keyId)
  // Whoever is offered it must be able to open it, and nobody else.
  if (!isSameSet(found, keyIds)) throw unfit(`one for the keys of the release, ${keyIds.join(', ')}`, found.join(', '))
  if (sizeBytes >= target.sizeBytes)
    throw unfit(`fewer than the ${target.sizeBytes} bytes of the release`, String(sizeBytes))
  return format
}

function isSameSet(some: readonly string[], others: readonly string[]): boolean {
  const known = new Set(others)
  return some.length === known.size && some.every((each) => known.has(each))
}

function unfit(expected: string, found: string) {
  return problem('content-unfit', `Of an encrypted patch: expected ${expected}, found ${found}.`)
}
