// oxlint-disable-next-line no-restricted-imports -- A publisher encrypts on a computer, not on a device.
import { randomBytes } from 'node:crypto'
import {
  chunksOf,
  encryptionPublicKey,
  keyIdOf,
  sealEncryptedFile,
  type EncryptedHeader,
  type EncryptionKey,
  type FileSealer,
} from '@hotpatch/protocol'
import { createNodeEncryption } from '../node/node-encryption.ts'
import type { FakePatch } from './fake-server.ts'
import { offered } from './patches.ts'
import {
  sha256Of,
  treeOf,
  type createPublisher,
  type NewRelease,
  type PublishedEncryption,
  type PublishedRelease,
} from './publisher.ts'

const crypto = createNodeEncryption()

/** @param name with one always the same */
export async function newTestKey(name?: string) {
  const privateKey: Uint8Array = name === undefined ? randomBytes(32) : namedBytes(name)(32)
  const publicKey = await encryptionPublicKey(privateKey, crypto)
  if (!publicKey) throw new Error('No key came of random bytes.')
  return { keyId: keyIdOf(sha256Of(publicKey)), publicKey, configured: Buffer.from(privateKey).toString('base64') }
}

export type Encrypt = (
  plain: Uint8Array,
  facts: Pick<EncryptedHeader, 'tree'> & Partial<Omit<EncryptedHeader, 'recipients'>>,
) => Promise<PublishedEncryption>

/** Nothing random: for files that are written down. */
export function namedBytes(name: string): (length: number) => Uint8Array {
  let count = 0
  return (length) => {
    count += 1
    return new Uint8Array(Buffer.from(sha256Of(Buffer.from(`TEST ONLY ${name} ${count}`)), 'hex')).subarray(0, length)
  }
}

/** @param change of the file, after its digest is announced or before: a lie, or damage that was signed */
export function encryptFor(
  keys: readonly EncryptionKey[],
  change = (file: Buffer): Uint8Array => file,
  random: (length: number) => Uint8Array = randomBytes,
): Encrypt {
  return async (plain, facts) => {
    const whole = { purpose: 'archive' as const, sha256: sha256Of(plain), sizeBytes: plain.length, ...facts }
    const bytes = change(await sealed(await sealEncryptedFile(whole, keys, { ...crypto, randomBytes: random }), plain))
    const keyIds = keys.map(({ keyId }) => keyId)
    return { bytes, offer: { algorithm: 'hotpatch-v1', sha256: sha256Of(bytes), sizeBytes: bytes.length, keyIds } }
  }
}

async function sealed({ head, seal }: FileSealer, plain: Uint8Array): Promise<Buffer> {
  const parts = [head.bytes]
  for (const chunk of chunksOf(head)) {
    parts.push(await seal(chunk, plain.subarray(chunk.plainOffset, chunk.plainOffset + chunk.plainBytes)))
  }
  return Buffer.concat(parts)
}

/** What is published is this release, encrypted. */
export async function publishEncrypted(
  publisher: ReturnType<typeof createPublisher>,
  release: NewRelease,
  encrypt: Encrypt,
): Promise<PublishedRelease> {
  const { bundle, files } = publisher.publish(release)
  return publisher.publish({ ...release, encrypted: await encrypt(bundle, { tree: treeOf(files) }) })
}

/** As who publishes makes it of a patch. */
export async function encryptPatch(
  { bytes, offer }: FakePatch,
  { base, target, encrypt }: { base: PublishedRelease | null; target: PublishedRelease; encrypt: Encrypt },
): Promise<FakePatch> {
  const { format, baseTree, tree } = offer
  const encrypted = await encrypt(bytes, { purpose: 'patch', tree, patch: { format, baseTree } })
  return offered(base, target, encrypted.bytes, { format, baseTree, tree })
}
