import { readOptional } from '../json-reader.ts'
import { readSha256, type ContentArtifact } from './content-artifact.ts'
import { expectOnly, type ContentReader } from './content-reader.ts'

/** Content §3: one zip, which devices unpack. */
export interface ArchiveContent {
  kind: 'archive'
  /** Content §3.1: what it unpacks to. Devices that verify signatures take no patches of a release that does not say it. */
  tree?: string
}

export const ARCHIVE_NAME = 'bundle.zip'

export const archiveReader: ContentReader<ArchiveContent> = {
  read(json, artifacts) {
    expectOnly(artifacts, ARCHIVE_NAME)
    const tree = readOptional(json.tree, (found) => readSha256(found, '/content/tree'))
    return { kind: 'archive', ...(tree !== undefined && { tree }) }
  },
  write: ({ kind, tree }) => ({ kind, ...(tree !== undefined && { tree }) }),
}

/** What a statement says of a release that is this zip. */
export function statedArchive({
  sha256,
  sizeBytes,
  tree,
}: Omit<ContentArtifact, 'name'> & { tree?: string | undefined }) {
  const content: ArchiveContent = { kind: 'archive', ...(tree !== undefined && { tree }) }
  return { content, artifacts: [{ name: ARCHIVE_NAME, sha256, sizeBytes }] }
}
