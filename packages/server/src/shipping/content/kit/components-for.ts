import { readKitManifest, UnexpectedJsonError, type CatalogComponent, type Platform } from '@hotpatch/protocol'

/**
 * Kits §7.1, §7.2: the components that no machine takes the release without, and of which not every machine of the
 * platform has a file; undefined: there are none.
 */
export function componentsFor(platform: Platform, manifest: string | null): CatalogComponent[] | undefined {
  const { allowsPartial, components } = readManifest(manifest) ?? NOTHING_NEEDED
  if (allowsPartial) return undefined
  const needed = components
    .filter(({ isOptional, files }) => !isOptional && files.length > 0)
    .map(({ id, files }) => {
      const architectures = filesFor(platform, files).map(({ architecture }) => architecture)
      return { id, architectures: [...new Set(architectures)] }
    })
    .filter(({ architectures }) => !architectures.includes('any'))
  return needed.length > 0 ? needed : undefined
}

/** Those for machines of the platform; of a machine that does not tell its own nothing is known. */
export function filesFor<File extends { platform: Platform }>(platform: Platform, files: readonly File[]) {
  return platform === 'any' ? files : files.filter((file) => file.platform === platform || file.platform === 'any')
}

const NOTHING_NEEDED = { allowsPartial: true, components: [] }

/** What cannot be read leaves the server nowhere else either, and must not keep a catalog from being compiled. */
function readManifest(text: string | null) {
  try {
    return text === null ? undefined : readKitManifest(text)
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return undefined
    throw error
  }
}
