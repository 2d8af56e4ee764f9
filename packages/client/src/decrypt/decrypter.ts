import {
  chunksOf,
  ENCRYPTED_PREFIX_BYTES,
  ENCRYPTION_ALGORITHM,
  encryptedSize,
  EncryptionError,
  encryptionPublicKey,
  hexFromBytes,
  keyIdOf,
  missingKeyMessage,
  openEncryptedFile,
  readEncryptedHead,
  readHeadLength,
  type DecryptionKey,
  type EncryptedHead,
  type EncryptedPurpose,
} from '@hotpatch/protocol'
import { expectRoom } from '../ground/room.ts'
import type { Ports } from '../ground/ports.ts'
import type { Settings } from '../ground/settings.ts'
import { UpdateError } from '../ground/update-error.ts'
import type { VerifiedDownload } from '../install/installer.ts'
import type { OfferedEncryption } from '../server/update-contract.ts'
import { hashFile } from '../state/release-tree.ts'

type DecryptPorts = Pick<Ports, 'files' | 'crypto' | 'encryption'>

/** What has to be inside, as far as it was announced. */
export interface ExpectedInside {
  purpose: EncryptedPurpose
  /** Of a release: of its zip. Of a patch nothing is announced but the trees. */
  sha256?: string
  sizeBytes?: number
  /** Null where no statement says it. */
  tree: string | null
  baseTree?: string
}

/** An engine part: without it nothing that is encrypted is asked for or taken. */
export interface Decrypter {
  /** The configured keys by which something can be opened on this machine. */
  keysOf(
    ports: Pick<Ports, 'crypto' | 'encryption'>,
    settings: Pick<Settings, 'decryptionKeys'>,
  ): Promise<DecryptionKey[]>
  /** @throws UpdateError 'encryption-unknown' or 'decryption-key-missing', before a byte is fetched */
  judge(encryption: OfferedEncryption, keys: readonly DecryptionKey[]): void
  /**
   * Opens a download whose digest was verified into `to`, which is durable and verified when it resolves.
   * @throws UpdateError 'decryption-failed', or 'hash-mismatch' where the disk did not keep what was written
   */
  open(
    download: VerifiedDownload,
    how: { to: string; expected: ExpectedInside; keys: readonly DecryptionKey[]; ports: DecryptPorts },
  ): Promise<VerifiedDownload>
}

export const fileDecrypter: Decrypter = {
  async keysOf({ crypto, encryption }, { decryptionKeys }) {
    if (!encryption) return []
    const keys: DecryptionKey[] = []
    for (const privateKey of decryptionKeys) {
      const publicKey = await encryptionPublicKey(privateKey, encryption)
      if (!publicKey) continue
      const hasher = crypto.sha256()
      hasher.update(publicKey)
      keys.push({ keyId: keyIdOf(hexFromBytes(await hasher.digest())), privateKey })
    }
    return keys
  },

  judge({ algorithm, keyIds }, keys) {
    if (algorithm !== ENCRYPTION_ALGORITHM) {
      throw new UpdateError(
        'encryption-unknown',
        `it is encrypted by ${algorithm.slice(0, 64)}, which is not known here`,
      )
    }
    if (keys.some(({ keyId }) => keyIds.includes(keyId))) return
    const recipients = keyIds.map((keyId) => ({ keyId }))
    throw new UpdateError('decryption-key-missing', missingKeyMessage(recipients, keys))
  },

  async open(download, { to, expected, keys, ports }) {
    try {
      const head = await readHead(download, expected, ports)
      await expectRoom(ports.files, head.header.sizeBytes, 'what is inside the encrypted file')
      return await openInto(to, { download, head, expected, keys, ports })
    } catch (cause) {
      if (!(cause instanceof EncryptionError)) throw cause
      // These are the bytes that were signed: they would fail again.
      throw new UpdateError('decryption-failed', `${cause.code}: ${cause.message}`, { cause })
    }
  },
}

async function readHead(
  { path, sizeBytes }: VerifiedDownload,
  expected: ExpectedInside,
  { files }: DecryptPorts,
): Promise<EncryptedHead> {
  const length = readHeadLength(await files.readRange(path, 0, ENCRYPTED_PREFIX_BYTES))
  const head = readEncryptedHead(await files.readRange(path, 0, length))
  const { header } = head
  const isAsAnnounced =
    encryptedSize(head) === sizeBytes &&
    (expected.tree ?? header.tree) === header.tree &&
    (expected.sha256 ?? header.sha256) === header.sha256 &&
    (expected.sizeBytes ?? header.sizeBytes) === header.sizeBytes &&
    expected.baseTree === header.patch?.baseTree
  if (isAsAnnounced) return head
  throw new EncryptionError('damaged', 'Expected an encrypted file of what was announced, found one of something else.')
}

interface Opening {
  download: VerifiedDownload
  head: EncryptedHead
  expected: ExpectedInside
  keys: readonly DecryptionKey[]
  ports: DecryptPorts
}

/** With memory for one chunk. What an earlier process left there is written over, and cut off. */
async function openInto(to: string, { download, head, expected, keys, ports }: Opening): Promise<VerifiedDownload> {
  const { files, crypto, encryption } = ports
  if (!encryption) throw new EncryptionError('key-missing', 'Nothing can be decrypted on this machine.')
  const opener = await openEncryptedFile(head, { keys, purpose: expected.purpose }, encryption)
  const hasher = crypto.sha256()
  for (const chunk of chunksOf(head)) {
    const sealed = await files.readRange(download.path, chunk.offset, chunk.sealedBytes)
    const plain = await opener.open(chunk, sealed)
    hasher.update(plain)
    await files.append(to, chunk.plainOffset, plain)
  }
  const { sha256, sizeBytes } = head.header
  if (hexFromBytes(await hasher.digest()) !== sha256) {
    throw new EncryptionError(
      'damaged',
      'Expected what is inside to have the SHA-256 of its header, found another one.',
    )
  }
  const found = await hashFile(ports, to, sizeBytes)
  if (found === sha256) return { path: to, sizeBytes }
  throw new UpdateError(
    'hash-mismatch',
    `what was decrypted has the hash ${found} on the disk, announced was ${sha256}`,
  )
}
