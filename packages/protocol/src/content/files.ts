import { expectOnly, type ContentReader } from './content-reader.ts'

/** Content §4: files by path, which the manifest lists that is the one artifact. */
export interface FilesContent {
  kind: 'files'
}

const MANIFEST_NAME = 'files.json'

export const filesReader: ContentReader<FilesContent> = {
  read(_json, artifacts) {
    expectOnly(artifacts, MANIFEST_NAME)
    return { kind: 'files' }
  },
  write: ({ kind }) => ({ kind }),
}
