import { problem, statedArchive } from '@hotpatch/protocol'
import type { ContentKind, ReleaseFile } from '../content-kind.ts'
import { checkArchive } from './archive-check.ts'

/** Content §3. */
export interface ArchiveFacts {
  kind: 'archive'
  fileCount: number
  unpackedBytes: number
  /** The names of the files at its root, the first few hundred of them. */
  rootFiles: readonly string[]
}

export interface OfferedArchive {
  kind: 'archive'
  sha256: string
  sizeBytes: number
}

/** Kept beside the bytes for good: more would let an upload fill the database. */
const MAX_ROOT_FILES = 500
/** What a browser or a web view begins with. */
const WEB_ENTRY = 'index.html'

/** One zip: React Native bundles and web bundles. */
export const archiveKind: ContentKind<ArchiveFacts, OfferedArchive> = {
  name: 'archive',
  contentType: 'application/zip',
  fileExtension: 'zip',

  async check(path, limits, signal) {
    const { fileCount, unpackedBytes, files } = await checkArchive(path, limits, signal)
    const names = files.map((file) => file.path).filter((name) => !name.includes('/'))
    return { kind: 'archive', fileCount, unpackedBytes, rootFiles: names.slice(0, MAX_ROOT_FILES) }
  },

  requireFit({ rootFiles }, { platform, entry = platform === 'web' ? WEB_ENTRY : undefined }) {
    if (entry === undefined || rootFiles.includes(entry)) return
    const many = rootFiles.length === MAX_ROOT_FILES ? ` among the first ${MAX_ROOT_FILES} files` : ''
    throw problem('content-unfit', `Expected the file "${entry}"${many} at the root of the zip, found none.`, { entry })
  },

  amounts: ({ sizeBytes, fileCount, unpackedBytes }, limits) => [
    { variable: 'HOTPATCH_MAX_BUNDLE_BYTES', found: sizeBytes, most: limits.maxBytes, unit: 'bytes' },
    {
      variable: 'HOTPATCH_MAX_UNPACKED_BYTES',
      found: unpackedBytes,
      most: limits.maxUnpackedBytes,
      unit: 'bytes unpacked',
    },
    { variable: 'HOTPATCH_MAX_BUNDLE_FILES', found: fileCount, most: limits.maxFiles, unit: 'files' },
  ],

  filesOf: (bytes) =>
    statedArchive(bytes).artifacts.map(({ name, sha256, sizeBytes }) => ({
      path: name,
      role: 'archive',
      sha256,
      size_bytes: sizeBytes,
      content_type: archiveKind.contentType,
      platform: null,
      architecture: null,
      format: null,
      component: null,
      url: null,
    })),

  describe: (files, { fileCount }) => ({ ...zipOf(files), fileCount }),
  stated: (files) => statedArchive(zipOf(files)),
  offered(files) {
    const { sha256, sizeBytes } = zipOf(files)
    return { kind: 'archive', sha256, sizeBytes }
  },
}

function zipOf(files: readonly ReleaseFile[]) {
  const zip = files.find(({ role }) => role === 'archive')
  if (!zip || zip.sha256 === null) throw new Error('An archive without its zip.')
  return { sha256: zip.sha256, sizeBytes: zip.size_bytes }
}
