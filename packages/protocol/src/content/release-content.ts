import { readObject, UnexpectedJsonError } from '../json-reader.ts'
import { archiveReader, type ArchiveContent } from './archive.ts'
import { binaryReader, type BinaryContent } from './binary.ts'
import type { ContentArtifact } from './content-artifact.ts'
import type { ContentReader } from './content-reader.ts'
import { filesReader, type FilesContent } from './files.ts'
import { kitReader, type KitContent } from './kit.ts'

/** Content §1: what a release's artifacts are to each other and to whoever takes them. */
export type ReleaseContent = ArchiveContent | FilesContent | BinaryContent | KitContent

export type ContentKindName = ReleaseContent['kind']

type Readers = { [Kind in ContentKindName]: ContentReader<Extract<ReleaseContent, { kind: Kind }>> }

const READERS: Readers = { archive: archiveReader, files: filesReader, binary: binaryReader, kit: kitReader }

export const CONTENT_KINDS = Object.keys(READERS) as ContentKindName[]

/** @throws UnexpectedJsonError */
export function readReleaseContent(value: unknown, artifacts: readonly ContentArtifact[]): ReleaseContent {
  const json = readObject(value, '/content')
  const kind = CONTENT_KINDS.find((each) => each === json.kind)
  if (kind === undefined) {
    throw new UnexpectedJsonError('/content/kind', `one of ${CONTENT_KINDS.join(', ')}`, json.kind)
  }
  return READERS[kind].read(json, artifacts)
}

export function writeReleaseContent(content: ReleaseContent): object {
  const reader: { write(content: never): object } = READERS[content.kind]
  return reader.write(content as never)
}
