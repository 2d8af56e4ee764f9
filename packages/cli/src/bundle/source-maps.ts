import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BundleFile } from './bundle-files.ts'

const isSourceMap = ({ name }: BundleFile) =>
  /\.(?:bundle|jsbundle|[cm]?js|hbc|css)(?:\.hbc|\.packager|\.compiler)*\.map$/.test(name)

/** Source maps hold the sources: they stay at home unless somebody wants them published. */
export function withoutSourceMaps(files: readonly BundleFile[]): { files: BundleFile[]; sourceMaps: BundleFile[] } {
  return { files: files.filter((file) => !isSourceMap(file)), sourceMaps: files.filter(isSourceMap) }
}

/**
 * Keeps them by the digest of the bundle that they are for, to read stack traces with: the bundler's own folder is emptied
 * by the next build.
 * @returns where
 */
export async function keepSourceMaps(
  sourceMaps: readonly BundleFile[],
  buildDirectory: string,
  release: { app: string; platform: string; version: string; sha256: string },
): Promise<string | undefined> {
  if (sourceMaps.length === 0) return undefined
  const directory = join(buildDirectory, 'hotpatch-source-maps', release.sha256)
  for (const { name, path } of sourceMaps) {
    const target = join(directory, name)
    await mkdir(dirname(target), { recursive: true })
    await copyFile(path, target)
  }
  await writeFile(join(directory, 'release.json'), `${JSON.stringify(release, null, 2)}\n`)
  return directory
}
