import type { ContentArtifact } from './content-artifact.ts'
import { expectOnly, type ContentReader } from './content-reader.ts'

/** Content §3: one zip, which devices unpack. */
export interface ArchiveContent {
  kind: 'archive'
}

export const ARCHIVE_NAME = 'bundle.zip'

export const archiveReader: ContentReader<ArchiveContent> = {
  read(_json, artifacts) {
    expectOnly(artifacts, ARCHIVE_NAME)
    return { kind: 'archive' }
  },
  write: ({ kind }) => ({ kind }),
}

/** What a statement says of a release that is this zip. */
export function statedArchive({ sha256, sizeBytes }: Omit<ContentArtifact, 'name'>) {
  const content: ArchiveContent = { kind: 'archive' }
  return { content, artifacts: [{ name: ARCHIVE_NAME, sha256, sizeBytes }] }
}
