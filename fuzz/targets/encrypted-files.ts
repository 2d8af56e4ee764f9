import { createNodeEncryption } from '@hotpatch/client/node'
import {
  chunksOf,
  EncryptionError,
  ENCRYPTED_PREFIX_BYTES,
  openEncryptedFile,
  readEncryptedHead,
  readHeadLength,
} from '@hotpatch/protocol'
import { Broken, type Target } from '../engine/target.ts'
import { readerFor } from '../reading/texts.ts'

const crypto = createNodeEncryption()
const KEY = { keyId: '0123456789abcdef', privateKey: new Uint8Array(Buffer.alloc(32, 9)) }
const MAX_CHUNKS = 4

const READERS: readonly ((file: Uint8Array) => void | Promise<void>)[] = [
  (file) => {
    const { header, bytes } = readEncryptedHead(
      file.subarray(0, readHeadLength(file.subarray(0, ENCRYPTED_PREFIX_BYTES))),
    )
    if (bytes.length > file.length || header.sizeBytes < 0) throw new Broken('a head that is longer than its file')
  },
  async (file) => {
    const head = readEncryptedHead(file.subarray(0, readHeadLength(file.subarray(0, ENCRYPTED_PREFIX_BYTES))))
    const opener = await openEncryptedFile(head, { keys: [KEY], purpose: 'archive' }, crypto)
    let [at, count] = [head.bytes.length, 0]
    for (const chunk of chunksOf(head)) {
      if (++count > MAX_CHUNKS) return
      await opener.open(chunk, file.subarray(at, at + chunk.sealedBytes))
      at += chunk.sealedBytes
    }
  },
]

export const target: Target = {
  reads: 'encrypted releases: heads, keys, chunks',
  maxBytes: 2_000,
  read(input) {
    const [read, file] = readerFor(READERS, input)
    return read(file)
  },
  refuses: (error) => error instanceof EncryptionError,
}

export async function seeds() {
  const { encryptionPublicKey } = await import('@hotpatch/protocol')
  const { encryptBytes } = await import('@hotpatch/testkit')
  const publicKey = await encryptionPublicKey(KEY.privateKey, crypto)
  if (!publicKey) throw new Error('Expected a public key.')
  const file = await encryptBytes(Buffer.from('plain'), [{ keyId: KEY.keyId, publicKey }], {
    tree: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  })
  return [0, 1].map((index) => Buffer.concat([Buffer.of(index), file]))
}
