import { createHash } from 'node:crypto'
import { DEFAULT_CHANNEL, type NewArchiveContent, type NewRelease, type PublishedRelease } from '@hotpatch/api'
import { findContent, type StoredContent } from '../../shipping/content/content-service.ts'
import type { Connection } from '../../ground/database/schema.ts'
import type { ReleaseRow } from '../../shipping/releases/release-service.ts'
import { findPublication, insertPublication } from './publication-store.ts'
import type { UploadSignatures } from './upload-signatures.ts'

/**
 * Of everything that makes a publish what it is. Somebody whose answer was lost on the way sends the same again, and is
 * told what became of it: whether the bytes came along or before, and which key is to be registered, changes nothing.
 */
export function digestOfRequest(
  { channel = DEFAULT_CHANNEL, content = { kind: 'archive' }, ...input }: NewRelease,
  { uploads }: StoredContent,
  { publicKey: _, ...signatures }: UploadSignatures,
): string {
  const { sha256: __, sizeBytes: ___, ...told } = content as Partial<NewArchiveContent>
  const bytes = uploads.map(({ sha256, sizeBytes }) => ({ sha256, sizeBytes }))
  const request = { ...input, channel, content: told, bytes, signatures }
  return createHash('sha256')
    .update(JSON.stringify(sorted(request)))
    .digest('hex')
}

/** The order in which somebody wrote the fields says nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, part]) => part !== undefined)
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, part]) => [name, sorted(part)]),
  )
}

export async function rememberAnswer(
  tx: Connection,
  requestDigest: string,
  { content: _, ...answer }: PublishedRelease,
): Promise<void> {
  const { releaseId: release_id, channel } = answer
  await insertPublication(tx, { release_id, channel, request_digest: requestDigest, answer: JSON.stringify(answer) })
}

/** The answer of the first time, when the release came to this channel by the same request. */
export async function findAnswer(
  db: Connection,
  existing: ReleaseRow | undefined,
  channel: string,
  requestDigest: string,
  publicUrl: string,
): Promise<PublishedRelease | undefined> {
  // Archived since: whoever asks for it now would be told that devices get it.
  if (!existing || existing.archived_at !== null) return undefined
  const found = await findPublication(db, existing.id, channel)
  return found?.request_digest === requestDigest ? readAnswer(db, existing, found, publicUrl) : undefined
}

/** Of whichever request it came to be on this channel; undefined as well when it was promoted there. */
export async function findAnswerOf(
  db: Connection,
  release: ReleaseRow,
  channel: string,
  publicUrl: string,
): Promise<PublishedRelease | undefined> {
  const found = await findPublication(db, release.id, channel)
  return found && readAnswer(db, release, found, publicUrl)
}

/** The content is the release's, and the server may have another address by now. */
async function readAnswer(
  db: Connection,
  release: ReleaseRow,
  { answer }: { answer: string },
  publicUrl: string,
): Promise<PublishedRelease> {
  const told = JSON.parse(answer) as Omit<PublishedRelease, 'content'>
  return { ...told, content: await findContent(db, release, publicUrl) }
}
