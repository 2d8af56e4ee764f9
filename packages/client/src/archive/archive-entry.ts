import { UpdateError } from '../ground/update-error.ts'

/** What the table of contents says of one file or folder. */
export interface ArchiveEntry {
  /** A folder's ends in a slash. */
  path: string
  isFolder: boolean
  /** A file that its owner may execute, as it says; means nothing to devices. */
  isExecutable: boolean
  flags: number
  method: number
  crc: number
  packedBytes: number
  sizeBytes: number
  /** Of the header in front of its content. */
  headerOffset: number
  /** Where the next part of the archive begins: everything up to there is this entry's own. */
  end: number
  nameBytes: Uint8Array
}

export const STORED = 0
export const DEFLATED = 8
/** The sizes follow the content, because the writer did not know them before. */
export const HAS_DESCRIPTOR = 0x8
export const IS_UTF8 = 0x800
/** How hard the writer tried; means nothing to a reader. */
export const COMPRESSION_LEVEL = 0x6
export const ENCRYPTION = 0x2041

export function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function refuseArchive(message: string): never {
  throw new UpdateError('archive-invalid', `the archive is refused: ${message}`)
}
