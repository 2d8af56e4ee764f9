import { offeredUrl } from '../../ground/http/public-url.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { OfferedBytes, OfferedFile } from '../../updates/held-file-queries.ts'
import { NOTHING_HELD } from '../../updates/held-files.ts'
import type { OfferedVariant } from '../../updates/offered-variant-queries.ts'
import type { Fields } from '../reading/read-fields.ts'
import { keyIdOf, variantFor } from './encrypted.ts'

/** A file of a release as the plugin takes it, Capgo §8. */
export interface ManifestEntry {
  /** With `.br` at its end, the bytes are compressed, and the file is called what comes before. */
  file_name: string
  /** Of the file itself, whatever the bytes are; of an encrypted one, encrypted. */
  file_hash: string
  download_url: string
}

const BROTLI_SUFFIX = '.br'

/** An answer with more would be larger than most bundles. */
const MAX_FILES = 5_000

/** A file of the release, or of what was encrypted of it. */
interface ListedFile {
  name: string
  /** Of the bytes that are downloaded. */
  sha256: string
  sizeBytes: number
  /** As the plugin holds it against the file itself. */
  hash: string
}

/**
 * Undefined when the release is offered as a whole only: its files are not in memory, there are too many, or one of them
 * has a name that the plugin would take for a compressed one.
 */
export function listedFiles(release: OfferedRelease, fields: Fields): readonly ListedFile[] | undefined {
  if (keyIdOf(fields) !== undefined) return encryptedFiles(variantFor(release, fields))
  const { files } = release.held
  if (!files || files.length > MAX_FILES || files.some(({ path }) => path.endsWith(BROTLI_SUFFIX))) return undefined
  const withBrotli = takesBrotliNames(fields)
  return files.map((file) => ofFile(file, withBrotli ? file.brotli : null))
}

/** Whoever encrypted them has compressed them before, or not. */
function encryptedFiles(variant: OfferedVariant | undefined): readonly ListedFile[] | undefined {
  const { files } = variant?.held ?? NOTHING_HELD
  if (!files || files.length > MAX_FILES) return undefined
  return files.map(({ path, sha256, sizeBytes, checksum }) => ({ name: path, sha256, sizeBytes, hash: checksum }))
}

function ofFile({ path, sha256, sizeBytes }: OfferedFile, packed: OfferedBytes | null): ListedFile {
  if (!packed) return { name: path, sha256, sizeBytes, hash: sha256 }
  return { name: path + BROTLI_SUFFIX, ...packed, hash: sha256 }
}

/** On iOS the plugin would not find a compressed file among what the binary shipped with, and download it again. */
export function takesBrotliNames({ platform }: Fields): boolean {
  return platform !== 'ios'
}

export function writeManifest(files: readonly ListedFile[], releaseId: string, publicUrl: string): ManifestEntry[] {
  return files.map(({ name, sha256, hash }) => ({
    file_name: name,
    file_hash: hash,
    download_url: offeredUrl(publicUrl, sha256, releaseId),
  }))
}
