import type { ContentKindName } from '@hotpatch/protocol'
import type { Schema } from '../../ground/database/schema.ts'

export type PatchKind = Schema['patch']['kind']

/** Patches §1: in which formats one of each kind is made. */
export const PATCH_FORMATS = {
  tree: ['hpdelta1-br', 'hpdelta1-deflate'],
  bsdiff40: ['bsdiff40'],
  bsdiff43: ['bsdiff43'],
} as const satisfies Record<PatchKind, readonly string[]>

/** Content §8.3: deflate packs a whole release no smaller than a zip is. */
export const PACKED_FORMAT = 'hpdelta1-br' satisfies (typeof PATCH_FORMATS)['tree'][number]

export type PatchFormat = (typeof PATCH_FORMATS)[PatchKind][number]

/** For the clients of one protocol first, then for our own engine. */
export const PATCH_KINDS = ['bsdiff40', 'bsdiff43', 'tree'] as const satisfies readonly PatchKind[]

export function isFormatOf<Kind extends PatchKind>(
  kind: Kind,
  format: string,
): format is (typeof PATCH_FORMATS)[Kind][number] {
  return (PATCH_FORMATS[kind] as readonly string[]).includes(format)
}

/** What of a release patches can be about. */
export interface PatchableRelease {
  releaseId: string
  content: ContentKindName
  /** The digest of its zip, of an archive. */
  archive: string | null
  /** That of the file that is run first, where clients take patches of it alone. */
  launch: string | null
}

/** Content §12: the digest of what a patch of this kind makes of a release, or is made of; null: of such a release none is. */
export function subjectOf(kind: PatchKind, { content, archive, launch }: PatchableRelease): string | null {
  switch (kind) {
    case 'tree':
      return archive
    case 'bsdiff40':
      return content === 'files' ? launch : null
    case 'bsdiff43':
      return content === 'archive' ? launch : null
  }
}
