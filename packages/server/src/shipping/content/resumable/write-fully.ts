import type { FileHandle } from 'node:fs/promises'

/** Tries that bring nothing, one after the other. */
const MAX_TRIES = 5

/**
 * Writes all of the bytes at a position, and what the system did not take at once, as of a disk that is almost full, right
 * behind what it took. A stream of Node that begins at a position leaves a hole there.
 * @throws the system's error, and an error where it takes nothing and says nothing
 */
export async function writeFully(file: Pick<FileHandle, 'write'>, bytes: Uint8Array, position: number): Promise<void> {
  let tries = 0
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written)
    written += bytesWritten
    tries = bytesWritten > 0 ? 0 : tries + 1
    if (tries > MAX_TRIES) throw new Error(`The system took ${written} of ${bytes.length} bytes, and then none.`)
  }
}
