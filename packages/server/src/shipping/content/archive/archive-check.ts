import { open } from 'node:fs/promises'
import { checkContents, type OpenFile } from './archive-contents.ts'
import { readArchiveDirectory, type ArchiveEntry } from './archive-directory.ts'
import { checkNoConflicts } from './archive-paths.ts'
import { refusal } from '@hotpatch/binary-files/zip'

export interface ArchiveLimits {
  /** Folders count. */
  maxFiles: number
  maxUnpackedBytes: number
  maxPathBytes: number
}

export interface CheckedArchive {
  fileCount: number
  unpackedBytes: number
  files: { path: string; sizeBytes: number }[]
}

export interface ArchiveCheckOptions {
  signal?: AbortSignal | undefined
  /** Asked when the directory is known to be harmless: whether and where the files are to be unpacked to. */
  openFile?: (paths: readonly string[]) => OpenFile | undefined
}

/**
 * Accepts a zip that every reader unpacks to the same harmless files, and refuses all others with the problem
 * invalid-archive. What the archive claims is checked first, so that little work is done for a hostile one.
 */
export async function checkArchive(
  path: string,
  limits: ArchiveLimits,
  { signal, openFile }: ArchiveCheckOptions = {},
): Promise<CheckedArchive> {
  const handle = await open(path)
  try {
    const { entries, offset } = await readArchiveDirectory(handle, limits)
    checkNoConflicts(entries.map((entry) => entry.path))
    const files = entries.filter((entry) => !entry.isFolder)
    if (files.length === 0) throw refusal('file-count', 'Expected at least one file, found none.')
    const unpackedBytes = sumSizes(files, limits.maxUnpackedBytes)
    const openEach = openFile?.(files.map((file) => file.path))
    await checkContents(handle, entries, offset, { signal, openFile: openEach })
    return {
      fileCount: files.length,
      unpackedBytes,
      files: files.map((file) => ({ path: file.path, sizeBytes: file.unpackedBytes })),
    }
  } finally {
    await handle.close()
  }
}

/** Claimed sizes; a file that turns out larger than it claims is refused by checkContents. */
function sumSizes(files: readonly ArchiveEntry[], maxUnpackedBytes: number): number {
  const total = files.reduce((sum, { unpackedBytes }) => sum + unpackedBytes, 0)
  if (total <= maxUnpackedBytes) return total
  throw refusal('unpacked-size', `Expected at most ${maxUnpackedBytes} bytes unpacked, found ${total}.`)
}
