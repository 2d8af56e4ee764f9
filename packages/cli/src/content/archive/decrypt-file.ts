import { Readable } from 'node:stream'
import type { FileHandle } from 'node:fs/promises'
import { createNodeEncryption } from '@hotpatch/client/node'
import {
  chunksOf,
  ENCRYPTED_PREFIX_BYTES,
  openEncryptedFile,
  readEncryptedHead,
  readHeadLength,
  type DecryptionKey,
  type EncryptedPurpose,
} from '@hotpatch/protocol'
import type { CliContext } from '../../process/context.ts'
import { readAt, withFile } from './read-at.ts'
import { writeMeasured, type MeasuredFile } from './write-measured.ts'

const crypto = createNodeEncryption()

/**
 * Encryption §2, with memory for one chunk. What came out has to be held against what was signed.
 * @throws EncryptionError
 */
export async function decryptFile(
  { signal }: Pick<CliContext, 'signal'>,
  from: string,
  to: string,
  how: { keys: readonly DecryptionKey[]; purpose: EncryptedPurpose },
): Promise<MeasuredFile> {
  async function* opened(file: FileHandle): AsyncGenerator<Uint8Array> {
    const length = readHeadLength(await readAt(file, 0, ENCRYPTED_PREFIX_BYTES))
    const head = readEncryptedHead(await readAt(file, 0, length))
    const opener = await openEncryptedFile(head, how, crypto)
    for (const chunk of chunksOf(head)) {
      yield await opener.open(chunk, await readAt(file, chunk.offset, chunk.sealedBytes))
    }
  }
  return withFile(from, (file) => writeMeasured(Readable.from(opened(file), { objectMode: false }), to, signal))
}
