import { offeredUrl } from '../../ground/http/public-url.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { OfferedFile } from '../../updates/held-file-queries.ts'
import type { Fields } from '../reading/read-fields.ts'

/** A file of a release as the plugin takes it, Capgo §8. */
export interface ManifestEntry {
  /** With `.br` at its end, the bytes are compressed, and the file is called what comes before. */
  file_name: string
  /** Of the file itself, whatever the bytes are. */
  file_hash: string
  download_url: string
}

export const BROTLI_SUFFIX = '.br'

/** An answer with more would be larger than most bundles. */
const MAX_FILES = 5_000

/**
 * Undefined when the release is offered as a whole only: its files are not in memory, there are too many, or one of them
 * has a name that the plugin would take for a compressed one.
 */
export function manifestFilesOf({ held }: OfferedRelease): readonly OfferedFile[] | undefined {
  const { files } = held
  if (!files || files.length > MAX_FILES || files.some(({ path }) => path.endsWith(BROTLI_SUFFIX))) return undefined
  return files
}

/** On iOS the plugin would not find a compressed file among what the binary shipped with, and download it again. */
export function takesBrotliNames({ platform }: Fields): boolean {
  return platform !== 'ios'
}

export function writeManifest(
  files: readonly OfferedFile[],
  { releaseId, publicUrl, withBrotli }: { releaseId: string; publicUrl: string; withBrotli: boolean },
): ManifestEntry[] {
  return files.map(({ path, sha256, brotli }) => {
    const packed = withBrotli ? brotli : null
    return {
      file_name: packed ? path + BROTLI_SUFFIX : path,
      file_hash: sha256,
      download_url: offeredUrl(publicUrl, packed?.sha256 ?? sha256, releaseId),
    }
  })
}
