import type { ContentArtifact } from './content-artifact.ts'
import { expectNamed, type ContentReader } from './content-reader.ts'

/** Content §4: files by path, which the manifest lists that is the one artifact. */
export interface FilesContent {
  kind: 'files'
}

export const FILES_MANIFEST_NAME = 'files.json'

export const filesReader: ContentReader<FilesContent> = {
  read(_json, artifacts) {
    expectNamed(artifacts, [FILES_MANIFEST_NAME])
    return { kind: 'files' }
  },
  write: ({ kind }) => ({ kind }),
}

/** What a statement says of a release whose files this manifest lists. */
export function statedFiles({ sha256, sizeBytes }: Omit<ContentArtifact, 'name'>) {
  const content: FilesContent = { kind: 'files' }
  return { content, artifacts: [{ name: FILES_MANIFEST_NAME, sha256, sizeBytes }] }
}
