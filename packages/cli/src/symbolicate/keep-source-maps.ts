import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ContentFile } from '../content/content-kind.ts'
import { CommandError, systemReason } from '../errors/errors.ts'

/** What maps are kept of; written beside them. */
export interface MappedRelease {
  app: string
  platform: string
  version: string
  /** Of the zip that was published. */
  sha256: string
  /** Where the project lay: bundlers write paths from the root of the machine. */
  root: string
}

export const RELEASE_FILE = 'release.json'

export function keptMapsDirectory(buildDirectory: string): string {
  return join(buildDirectory, 'hotpatch-source-maps')
}

/**
 * Keeps them by the digest of the bundle that they are for, to read stack traces with: the bundler's own folder is emptied
 * by the next build.
 * @returns where
 */
export async function keepSourceMaps(
  sourceMaps: readonly ContentFile[],
  buildDirectory: string,
  release: MappedRelease,
): Promise<string | undefined> {
  if (sourceMaps.length === 0) return undefined
  const directory = join(keptMapsDirectory(buildDirectory), release.sha256)
  try {
    for (const { name, path } of sourceMaps) {
      const target = join(directory, name)
      await mkdir(dirname(target), { recursive: true })
      await copyFile(path, target)
    }
    await writeFile(join(directory, RELEASE_FILE), `${JSON.stringify(release, null, 2)}\n`)
  } catch (cause) {
    const message = `The source maps cannot be kept in ${directory}: ${systemReason(cause)}. It was not published: without them no trace of it could be read. Another place: --build-dir.`
    throw new CommandError('source-maps-unwritable', message, { cause })
  }
  return directory
}
