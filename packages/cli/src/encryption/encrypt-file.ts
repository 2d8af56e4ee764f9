import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { createNodeEncryption } from '@hotpatch/client/node'
import {
  chunksOf,
  ENCRYPTED_PREFIX_BYTES,
  encryptedSize,
  EncryptionError,
  openEncryptedFile,
  readEncryptedHead,
  readHeadLength,
  sealEncryptedFile,
  type DecryptionKey,
  type EncryptedHead,
  type EncryptedHeader,
  type EncryptionKey,
} from '@hotpatch/protocol'
import { writeMeasured, type MeasuredFile } from '../content/archive/write-measured.ts'
import { CommandError } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'

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

/**
 * What is inside, and what the head says of it. Whose it is, nobody has said: anybody can encrypt for a public key.
 * @throws CommandError decryption-failed
 */
export async function decryptFile(
  { signal }: Pick<CliContext, 'signal'>,
  from: string,
  to: string,
  { keys }: { keys: readonly DecryptionKey[] },
): Promise<{ header: EncryptedHeader; plain: MeasuredFile }> {
  try {
    return await withFile(from, async (file) => {
      const head = await readHead(file, from)
      const { header } = head
      const opener = await openEncryptedFile(head, { keys, purpose: header.purpose }, crypto)
      async function* opened(): AsyncGenerator<Uint8Array> {
        for (const chunk of chunksOf(head)) {
          yield await opener.open(chunk, await readAt(file, chunk.offset, chunk.sealedBytes))
        }
      }
      const plain = await writeMeasured(Readable.from(opened(), { objectMode: false }), to, signal)
      if (plain.sha256 === header.sha256) return { header, plain }
      throw new EncryptionError('damaged', 'What is inside is not what the file says.')
    })
  } catch (cause) {
    if (!(cause instanceof EncryptionError)) throw cause
    throw new CommandError('decryption-failed', `${from} cannot be decrypted: ${cause.message}`, { cause })
  }
}

async function readHead(file: FileHandle, path: string): Promise<EncryptedHead> {
  const length = readHeadLength(await readAt(file, 0, ENCRYPTED_PREFIX_BYTES))
  const head = readEncryptedHead(await readAt(file, 0, length))
  const { size } = await file.stat()
  if (size === encryptedSize(head)) return head
  throw new EncryptionError('damaged', `Expected ${encryptedSize(head)} bytes, found ${size} in ${path}.`)
}

async function withFile<Result>(path: string, use: (file: FileHandle) => Promise<Result>): Promise<Result> {
  const file = await open(path)
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

/** Fewer where the file ends before. */
async function readAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}
