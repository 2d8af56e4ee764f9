import {
  MAX_FILES_MANIFEST_BYTES,
  readFilesManifest,
  UnexpectedJsonError,
  type FilesManifest,
  type ManifestFile,
  textFromUtf8,
  utf8FromText,
} from '@hotpatch/protocol'
import { messageOf } from '@hotpatch/device-ground'
import { UpdateError } from '../ground/update-error.ts'
import type { Installation, InstallLimits } from '../install/installer.ts'

/**
 * Content §4: the files of a release, from the list whose digest was held against the signed one.
 * @throws UpdateError 'files-invalid'
 */
export async function readList({ ports, download, settings }: Installation): Promise<FilesManifest> {
  if (download.sizeBytes > MAX_FILES_MANIFEST_BYTES) refuseList(`it has ${download.sizeBytes} bytes`)
  const bytes = await ports.files.read(download.path)
  const text = bytes && textFromUtf8(bytes)
  if (text === undefined) refuseList('it is not UTF-8')
  const list = parseList(text)
  expectWithinLimits(list.files, settings.limits)
  return list
}

function parseList(text: string): FilesManifest {
  try {
    return readFilesManifest(text)
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    throw new UpdateError('files-invalid', `the list of files is refused: ${messageOf(cause)}`, { cause })
  }
}

function expectWithinLimits(files: readonly ManifestFile[], limits: InstallLimits): void {
  if (files.length > limits.fileCount) refuseList(`it has ${files.length} files, at most ${limits.fileCount} are taken`)
  let total = 0
  for (const { path, sizeBytes } of files) {
    total += sizeBytes
    if (utf8FromText(path).length > limits.pathBytes) refuseList(`${path} is longer than ${limits.pathBytes} bytes`)
  }
  if (total > limits.unpackedBytes)
    refuseList(`its files have ${total} bytes, at most ${limits.unpackedBytes} are taken`)
}

function refuseList(message: string): never {
  throw new UpdateError('files-invalid', `the list of files is refused: ${message}`)
}
