import { damaged } from '../ground/patch-error.ts'

/** A patch, in memory or in a file: it is read piece by piece. */
export interface PatchSource {
  sizeBytes: number
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>
}

export function patchSource(bytes: Uint8Array): PatchSource {
  return { sizeBytes: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) }
}

export async function readPiece(source: PatchSource, offset: number, length: number): Promise<Uint8Array> {
  if (offset + length > source.sizeBytes) {
    throw damaged(`Expected ${length} bytes at ${offset} of a patch, found its end at ${source.sizeBytes}.`)
  }
  const bytes = await source.read(offset, length)
  if (bytes.length !== length) throw damaged(`Expected ${length} bytes of a patch, read ${bytes.length}.`)
  return bytes
}
