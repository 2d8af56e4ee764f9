import { BINARY_FORMATS, BINARY_FORMAT_NAMES, type NewReleaseContent } from '@hotpatch/api'
import { ANY_BYTES } from '../artifacts/any-bytes.ts'
import { archiveKind, type ArchiveFacts, type OfferedArchive } from './archive/archive-kind.ts'
import { binaryKind, type BinaryFacts, type OfferedBinary } from './binary/binary-kind.ts'
import { FILES_CONTENT_TYPE, filesKind, type FilesFacts, type OfferedFiles } from './files/files-kind.ts'
import { kitKind, type KitFacts, type OfferedKit } from './kit/kit-kind.ts'
import type { ContentKind } from './content-kind.ts'

export type ContentFacts = ArchiveFacts | BinaryFacts | FilesFacts | KitFacts
export type OfferedContent = OfferedArchive | OfferedBinary | OfferedFiles | OfferedKit

/** Whatever its facts are, they are those that its own check has found. */
export type ServedKind = ContentKind<ContentFacts, NewReleaseContent, OfferedContent>

/** The kinds that this server takes and serves, Content §1. */
const KINDS = [archiveKind, binaryKind, filesKind, kitKind] as readonly object[] as readonly ServedKind[]

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
  if (contentType === ANY_BYTES) return 'bin'
  if (contentType === FILES_CONTENT_TYPE) return 'json'
  const format = BINARY_FORMAT_NAMES.find((name) => BINARY_FORMATS[name].contentType === contentType)
  return format ? BINARY_FORMATS[format].endings[0] : 'bin'
}
