import { openArchive } from '../archive/archive-installer.ts'
import type { InstallLimits } from '../install/installer.ts'
import type { ReleaseFile } from '../state/release-tree.ts'
import { createNodeCrypto } from './node-crypto.ts'
import { createNodeFiles } from './node-files.ts'

export interface UnpackOptions {
  /** In the folder. */
  zip: string
  /** In the folder: what is not there yet. */
  root: string
  limits: InstallLimits
  signal: AbortSignal
}

/**
 * What a device would make of a zip, to be looked at and thrown away: nothing is made durable.
 * @throws UpdateError 'archive-invalid' when devices refuse it
 */
export async function unpackArchive(
  directory: string,
  { zip, root, limits, signal }: UnpackOptions,
): Promise<ReleaseFile[]> {
  const disk = createNodeFiles(directory)
  const append: typeof disk.append = (path, offset, bytes) => {
    signal.throwIfAborted()
    return disk.append(path, offset, bytes)
  }
  const files = {
    ...disk,
    append,
    write: (path: string, bytes: Uint8Array) => append(path, 0, bytes),
    sync: async () => undefined,
  }
  const { sizeBytes = 0 } = (await files.stat(zip)) ?? {}
  await files.makeDirectory(root)
  const opened = await openArchive({ files, crypto: createNodeCrypto() }, { path: zip, sizeBytes }, limits)
  return opened.writeTo(root)
}
