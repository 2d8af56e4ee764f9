import { HOT_UPDATER_MANIFEST } from '@hotpatch/protocol'
import { offeredUrl } from '../../ground/http/public-url.ts'
import type { OfferedPatch } from '../../shipping/patches/patch-queries.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { OfferedFile } from '../../updates/held-file-queries.ts'

/** Of a file that the device lacks, Hot-updater §8. */
export interface ChangedAsset {
  /** Of the file itself, whatever the bytes are. */
  fileHash: string
  file: { url: string; compression?: 'br' }
  /** What makes it of the same file of the build that the client runs. */
  patch?: {
    algorithm: 'bsdiff'
    baseBundleId: string
    baseFileHash: string
    patchFileHash: string
    patchUrl: string
  }
}

/** Of what the answer is about. */
interface ChangesAddress {
  releaseId: string
  publicUrl: string
  /** From the bundle that the client runs. */
  patch: OfferedPatch | null
  baseBuildId: string
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
  { releaseId, publicUrl, patch, baseBuildId }: ChangesAddress,
): Record<string, ChangedAsset> {
  const present = new Map(before.files.map(({ path, sha256 }) => [path, sha256]))
  const changed = files.filter(({ path, sha256 }) => present.get(path) !== sha256)
  return Object.fromEntries(
    changed.map((file) => {
      const { path, sha256, brotli } = file
      const url = offeredUrl(publicUrl, brotli?.sha256 ?? sha256, releaseId)
      const whole = { fileHash: sha256, file: brotli ? { url, compression: 'br' as const } : { url } }
      if (!patch || !isPatchOf(patch, file, present.get(path))) return [path, whole]
      const { from: baseFileHash, sha256: patchFileHash } = patch
      const patchUrl = offeredUrl(publicUrl, patchFileHash, releaseId)
      const described = {
        algorithm: 'bsdiff' as const,
        baseBundleId: baseBuildId,
        baseFileHash,
        patchFileHash,
        patchUrl,
      }
      return [path, { ...whole, patch: described }]
    }),
  )
}

/** The client makes it of the file at the same path, and of no other. */
function isPatchOf({ from, to, sizeBytes }: OfferedPatch, file: OfferedFile, before: string | undefined): boolean {
  return from === before && to === file.sha256 && sizeBytes < (file.brotli?.sizeBytes ?? file.sizeBytes)
}
