import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { createNodeEncryption } from '@hotpatch/client/node'
import { chunksOf, sealEncryptedFile, type EncryptedHeader, type EncryptionKey } from '@hotpatch/protocol'
import { readAt, withFile } from './read-at.ts'
import { writeMeasured, type MeasuredFile } from './write-measured.ts'
import { CommandError } from '../../errors/errors.ts'
import type { CliContext } from '../../process/context.ts'

const crypto = createNodeEncryption()

/** Encryption §2, with memory for one chunk. @throws CommandError when the file is not what was told of it */
export async function encryptFile(
  { signal }: Pick<CliContext, 'signal'>,
  from: string,
  to: string,
  { facts, keys }: { facts: Omit<EncryptedHeader, 'recipients'>; keys: readonly EncryptionKey[] },
): Promise<MeasuredFile> {
  const sealer = await sealEncryptedFile(facts, keys, crypto)
  async function* sealed(file: FileHandle): AsyncGenerator<Uint8Array> {
    yield sealer.head.bytes
    const hash = createHash('sha256')
    for (const chunk of chunksOf(sealer.head)) {
      const plain = await readAt(file, chunk.plainOffset, chunk.plainBytes)
      hash.update(plain)
      yield await sealer.seal(chunk, plain)
    }
    if (hash.digest('hex') === facts.sha256) return
    throw new CommandError('bundle-changed', `${from} changed while it was encrypted. Run it again.`)
  }
  return withFile(from, (file) => writeMeasured(Readable.from(sealed(file), { objectMode: false }), to, signal))
}
