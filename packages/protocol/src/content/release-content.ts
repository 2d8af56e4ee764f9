import { readObject, UnexpectedJsonError } from '../json-reader.ts'
import { archiveReader, type ArchiveContent } from './archive.ts'
import { binaryReader, type BinaryContent } from './binary.ts'
import type { ContentArtifact } from './content-artifact.ts'
import type { ContentReader } from './content-reader.ts'
import { filesReader, type FilesContent } from './files.ts'
import type { KitContent } from './kit.ts'

/** Content §1: what a release's artifacts are to each other and to whoever takes them. */
export type ReleaseContent = DeviceContent | KitContent

/** Of a statement `hotpatch.release.v1`, which the engines on devices read. A kit is stated by its manifest (Kits §1). */
export type DeviceContent = ArchiveContent | FilesContent | BinaryContent

export type ContentKindName = ReleaseContent['kind']

type Readers = { [Kind in DeviceContent['kind']]: ContentReader<Extract<DeviceContent, { kind: Kind }>> }

const READERS: Readers = { archive: archiveReader, files: filesReader, binary: binaryReader }

const DEVICE_KINDS = Object.keys(READERS) as DeviceContent['kind'][]

export const CONTENT_KINDS: readonly ContentKindName[] = [...DEVICE_KINDS, 'kit']

/** @throws UnexpectedJsonError */
export function readReleaseContent(value: unknown, artifacts: readonly ContentArtifact[]): DeviceContent {
  const json = readObject(value, '/content')
  const kind = DEVICE_KINDS.find((each) => each === json.kind)
  if (kind === undefined) {
    throw new UnexpectedJsonError('/content/kind', `one of ${DEVICE_KINDS.join(', ')}`, json.kind)
  }
  return READERS[kind].read(json, artifacts)
}

export function writeReleaseContent(content: DeviceContent): object {
  const reader: { write(content: never): object } = READERS[content.kind]
  return reader.write(content as never)
}
