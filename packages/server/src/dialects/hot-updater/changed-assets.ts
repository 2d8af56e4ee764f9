import { HOT_UPDATER_MANIFEST } from '@hotpatch/protocol'
import { offeredUrl } from '../../ground/http/public-url.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { OfferedFile } from '../../updates/held-file-queries.ts'

/** Of a file that the device lacks, Hot-updater §8. */
export interface ChangedAsset {
  /** Of the file itself, whatever the bytes are. */
  fileHash: string
  file: { url: string; compression?: 'br' }
}

/** An answer with more would be larger than most bundles. */
const MAX_FILES = 5_000

/** What of a release a device can fetch file by file; undefined: it is offered as a whole only. */
export interface ListedBuild {
  manifest: OfferedFile
  files: readonly OfferedFile[]
}

const listed = new WeakMap<readonly OfferedFile[], ListedBuild | null>()

/** By its list, where that is in memory. */
export function listedBuild({ held }: Pick<OfferedRelease, 'held'>): ListedBuild | undefined {
  if (!held.files) return undefined
  const known = listed.get(held.files)
  if (known !== undefined) return known ?? undefined
  const manifest = held.files.find(({ path }) => path === HOT_UPDATER_MANIFEST)
  const files = held.files.filter((file) => file !== manifest)
  const build = manifest && files.length <= MAX_FILES ? { manifest, files } : null
  listed.set(held.files, build)
  return build ?? undefined
}

/**
 * What the build before has not at the same path. The client takes the others from what it has, and holds them against
 * the manifest.
 */
export function changedAssets(
  { files }: ListedBuild,
  before: ListedBuild,
  { releaseId, publicUrl }: { releaseId: string; publicUrl: string },
): Record<string, ChangedAsset> {
  const present = new Map(before.files.map(({ path, sha256 }) => [path, sha256]))
  const changed = files.filter(({ path, sha256 }) => present.get(path) !== sha256)
  return Object.fromEntries(
    changed.map(({ path, sha256, brotli }) => {
      const url = offeredUrl(publicUrl, brotli?.sha256 ?? sha256, releaseId)
      return [path, { fileHash: sha256, file: brotli ? { url, compression: 'br' as const } : { url } }]
    }),
  )
}
