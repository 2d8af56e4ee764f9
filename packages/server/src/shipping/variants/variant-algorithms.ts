import type { NewReleaseVariant } from '@hotpatch/api'

type AlgorithmName = NewReleaseVariant['algorithm']

/** How a publisher's tool encrypts. The server cannot look inside: it knows how large something becomes, and no more. */
export interface VariantAlgorithm {
  /** Of so many bytes. */
  encryptedBytes(sizeBytes: number): number
  /** Whether that many can be what it makes of anything. */
  isEncryptedSize(sizeBytes: number): boolean
  /** Of the end of the path of a file that was compressed before. */
  compressedSuffix: string
  /** Whether a file with nothing in it can be encrypted. */
  takesEmptyFiles: boolean
}

const AES_BLOCK_BYTES = 16

/** Content §8.2. A session key for each release, which AES-128-CBC with PKCS #7 uses for all of its files. */
const capgoV2: VariantAlgorithm = {
  encryptedBytes: (sizeBytes) => sizeBytes - (sizeBytes % AES_BLOCK_BYTES) + AES_BLOCK_BYTES,
  isEncryptedSize: (sizeBytes) => sizeBytes > 0 && sizeBytes % AES_BLOCK_BYTES === 0,
  compressedSuffix: '.br',
  takesEmptyFiles: false,
}

export const VARIANT_ALGORITHMS: Readonly<Record<AlgorithmName, VariantAlgorithm>> = { 'capgo-v2': capgoV2 }
