import { HOT_UPDATER_MANIFEST, type ManifestFile, writeFilesManifest } from '@hotpatch/protocol'
import { ANY_BYTES } from '../../artifacts/any-bytes.ts'
import type { SpooledUpload } from '../../artifacts/upload-spool.ts'
import type { CheckTools, ReceivedBytes, UnpackedBytes } from '../content-kind.ts'
import type { UnpackedFile } from './archive-contents.ts'
import { isCompressedAlready, MIN_COMPRESSED_BYTES, webContentType } from '../file-types.ts'
import { mayBeHotUpdaterBuild } from './hot-updater-build.ts'

/** What a browser or a web view begins with. */
export const WEB_ENTRY = 'index.html'
/** As many as a list of files may have (Content §4): longer ones are archives like any other. */
const MAX_LISTED_FILES = 20_000
/** More than the list of as many files has. */
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024

/** Content §7: whether devices may be able to take it file by file. */
export function isWorthUnpacking(paths: readonly string[]): boolean {
  return paths.length <= MAX_LISTED_FILES && (paths.includes(WEB_ENTRY) || mayBeHotUpdaterBuild(paths))
}

export interface Unpacked {
  files: ManifestFile[]
  list: ReceivedBytes
  unpacked: UnpackedBytes[]
}

/** Keeps the files of an archive while they are checked, and lists them. */
export function createUnpacking(begin: CheckTools['begin']) {
  const written: { path: string; bytes: SpooledUpload }[] = []
  let manifest: Buffer[] | undefined
  let manifestBytes = 0

  async function open(path: string): Promise<UnpackedFile> {
    const part = await begin()
    if (path === HOT_UPDATER_MANIFEST) manifest = []
    return {
      async write(chunk) {
        if (path === HOT_UPDATER_MANIFEST) keepManifest(chunk)
        await part.write(chunk)
      },
      end: async () => void written.push({ path, bytes: await part.finish() }),
    }
  }

  function keepManifest(chunk: Uint8Array): void {
    manifestBytes += chunk.length
    if (manifestBytes > MAX_MANIFEST_BYTES) manifest = undefined
    // The chunk is the caller's again.
    else manifest?.push(Buffer.from(chunk))
  }

  /** Undefined when nothing was unpacked. */
  async function finish(): Promise<Unpacked | undefined> {
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
    const isWeb = files.some(({ path }) => path === WEB_ENTRY)
    const part = await begin()
    await part.write(Buffer.from(writeFilesManifest({ ...(isWeb && { launch: WEB_ENTRY }), files })))
    const list = await part.finish()
    unpacked.push({ ...list, awaitsCompression: false })
    return { files, list: { sha256: list.sha256, sizeBytes: list.sizeBytes }, unpacked }
  }

  /** The text of the file that hot-updater's tool puts there; undefined when there is none, or it is too long for one. */
  const readManifest = () => manifest && Buffer.concat(manifest).toString('utf8')

  return { open, finish, readManifest }
}
