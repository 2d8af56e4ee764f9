import { type ManifestFile, writeFilesManifest } from '@hotpatch/protocol'
import { ANY_BYTES } from '../../artifacts/any-bytes.ts'
import type { SpooledUpload } from '../../artifacts/upload-spool.ts'
import type { CheckTools, ReceivedBytes, UnpackedBytes } from '../content-kind.ts'
import type { UnpackedFile } from './archive-contents.ts'
import { isCompressedAlready, MIN_COMPRESSED_BYTES, webContentType } from '../file-types.ts'

/** What a browser or a web view begins with. */
export const WEB_ENTRY = 'index.html'
/** As many as a list of files may have (Content §4): longer ones are archives like any other. */
const MAX_LISTED_FILES = 20_000

/** Content §7: whether devices can take it file by file. */
export function isWebBundle(paths: readonly string[]): boolean {
  return paths.includes(WEB_ENTRY) && paths.length <= MAX_LISTED_FILES
}

interface UnpackedWebBundle {
  files: ManifestFile[]
  list: ReceivedBytes
  unpacked: UnpackedBytes[]
}

/** Keeps the files of a web bundle while they are checked, and lists them. */
export function createWebBundleUnpacking(begin: CheckTools['begin']) {
  const written: { path: string; bytes: SpooledUpload }[] = []

  async function open(path: string): Promise<UnpackedFile> {
    const part = await begin()
    return { write: part.write, end: async () => void written.push({ path, bytes: await part.finish() }) }
  }

  /** Undefined when nothing was unpacked. */
  async function finish(): Promise<UnpackedWebBundle | undefined> {
    if (written.length === 0) return undefined
    const files: ManifestFile[] = []
    const unpacked: UnpackedBytes[] = []
    for (const { path, bytes } of written.toSorted((left, right) => (left.path < right.path ? -1 : 1))) {
      const { sha256, sizeBytes } = bytes
      const contentType = webContentType(path)
      files.push({ path, sha256, sizeBytes, ...(contentType !== ANY_BYTES && { contentType }) })
      const awaitsCompression = sizeBytes >= MIN_COMPRESSED_BYTES && !isCompressedAlready(path)
      unpacked.push({ ...bytes, awaitsCompression })
    }
    const part = await begin()
    await part.write(Buffer.from(writeFilesManifest({ launch: WEB_ENTRY, files })))
    const list = await part.finish()
    unpacked.push({ ...list, awaitsCompression: false })
    return { files, list: { sha256: list.sha256, sizeBytes: list.sizeBytes }, unpacked }
  }

  return { open, finish }
}
