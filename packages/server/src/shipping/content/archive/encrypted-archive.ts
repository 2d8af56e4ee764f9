import { open, type FileHandle } from 'node:fs/promises'
import { refusal } from '@hotpatch/binary-files/zip'
import {
  ENCRYPTED_PREFIX_BYTES,
  encryptedSize,
  EncryptionError,
  readEncryptedHead,
  readHeadLength,
  type EncryptedHeader,
  type EncryptedPurpose,
} from '@hotpatch/protocol'

/** What its publisher says of what is inside: the server has no key, and knows no more. */
export interface SealedFacts {
  /** Of those who can open it. */
  keyIds: readonly string[]
  /** Of what is inside. */
  sha256: string
  sizeBytes: number
}

/**
 * Encryption §4: what the head of an encrypted file says, held against its purpose and against the size of the file.
 * @returns undefined when the file is not encrypted as §2 has it
 * @throws problem invalid-archive
 */
export async function readEncrypted(
  path: string,
  { sizeBytes, purpose }: { sizeBytes: number; purpose: EncryptedPurpose },
): Promise<EncryptedHeader | undefined> {
  const file = await open(path)
  try {
    const headBytes = await headLengthOf(file)
    if (headBytes === undefined) return undefined
    const head = readEncryptedHead(await readStart(file, headBytes))
    if (head.header.purpose !== purpose) {
      throw refusal('structure', `Expected an encrypted ${purpose}, found an encrypted ${head.header.purpose}.`)
    }
    const expected = encryptedSize(head)
    if (sizeBytes === expected) return head.header
    throw refusal('structure', `Expected an encrypted file of ${expected} bytes, found ${sizeBytes}.`)
  } catch (error) {
    if (error instanceof EncryptionError) throw refusal('structure', error.message, undefined, { cause: error })
    throw error
  } finally {
    await file.close()
  }
}

async function headLengthOf(file: FileHandle): Promise<number | undefined> {
  try {
    return readHeadLength(await readStart(file, ENCRYPTED_PREFIX_BYTES))
  } catch (error) {
    if (error instanceof EncryptionError && error.code === 'unknown') return undefined
    throw error
  }
}

/** Fewer where the file is shorter. */
async function readStart(file: FileHandle, length: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0)
  return buffer.subarray(0, bytesRead)
}
