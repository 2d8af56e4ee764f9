import { archiveKind, type ArchiveFacts, type OfferedArchive } from './archive/archive-kind.ts'
import type { ContentKind } from './content-kind.ts'

export type ContentFacts = ArchiveFacts
export type OfferedContent = OfferedArchive

export type ServedKind = ContentKind<ContentFacts, OfferedContent>

/** The kinds that this server takes and serves, Content §1. */
const KINDS: readonly ServedKind[] = [archiveKind]

/** What is uploaded, as long as there is one kind. */
export const UPLOADED_KIND: ServedKind = archiveKind

export function contentKind(name: string): ServedKind {
  const kind = KINDS.find((each) => each.name === name)
  if (!kind) throw new Error(`This server does not serve content of the kind "${name}".`)
  return kind
}

/** @see ContentKind.digests */
export function digestsOf(offered: OfferedContent): readonly [string, ...string[]] {
  return contentKind(offered.kind).digests(offered)
}

/** What somebody who saves such bytes calls them. */
export function fileExtensionOf(contentType: string): string {
  return KINDS.find((kind) => kind.contentType === contentType)?.fileExtension ?? 'bin'
}
