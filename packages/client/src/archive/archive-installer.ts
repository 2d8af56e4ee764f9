import type { Installer } from '../install/installer.ts'
import { extractInto } from './extract.ts'
import { readArchiveDirectory } from './read-directory.ts'

/** Content §3: one zip. */
export const archiveInstaller: Installer = {
  kind: 'archive',
  async open(ports, download, limits) {
    const archive = { files: ports.files, ...download }
    const entries = await readArchiveDirectory(archive, limits)
    return {
      unpackedBytes: entries.reduce((sum, entry) => sum + entry.sizeBytes, 0),
      writeTo: (root) => extractInto(ports, archive, entries, root),
    }
  },
}
