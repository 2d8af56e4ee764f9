import { randomBytes } from 'node:crypto'
import { createNodeEncryption } from '@hotpatch/client/node'
import {
  chunksOf,
  encryptionPublicKey,
  keyIdOf,
  sealEncryptedFile,
  statedArchive,
  type EncryptedHeader,
  type EncryptionKey,
} from '@hotpatch/protocol'
import { sha256Of } from './signing.ts'

const crypto = createNodeEncryption()

export type TestEncryptionKey = Awaited<ReturnType<typeof newEncryptionKey>>

/** For which releases are encrypted. */
export async function newEncryptionKey() {
  const privateKey: Uint8Array = randomBytes(32)
  const publicKey = await encryptionPublicKey(privateKey, crypto)
  if (!publicKey) throw new Error('No key came of random bytes.')
  return { keyId: keyIdOf(sha256Of(publicKey)), privateKey, publicKey }
}

/** As `hotpatch release --encrypt` does it, in memory; `facts` make it a patch, or a lie. */
export async function encryptBytes(
  plain: Uint8Array,
  keys: readonly EncryptionKey[],
  facts: Partial<Omit<EncryptedHeader, 'recipients'>> & Pick<EncryptedHeader, 'tree'>,
): Promise<Buffer> {
  const whole = { purpose: 'archive' as const, sha256: sha256Of(plain), sizeBytes: plain.length, ...facts }
  const { head, seal } = await sealEncryptedFile(whole, keys, crypto)
  const parts = [head.bytes]
  for (const chunk of chunksOf(head)) {
    parts.push(await seal(chunk, plain.subarray(chunk.plainOffset, chunk.plainOffset + chunk.plainBytes)))
  }
  return Buffer.concat(parts)
}

/** What a statement says of it. */
export function statedEncrypted(plain: Uint8Array, encrypted: Uint8Array, tree: string) {
  const stored = { sha256: sha256Of(encrypted), sizeBytes: encrypted.length }
  return statedArchive({ sha256: sha256Of(plain), sizeBytes: plain.length, tree, encrypted: stored })
}
