import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import type { CliContext } from '../../process/context.ts'
import { CommandError, hasCode, systemReason } from '../../errors/errors.ts'
import { createProgress, type Progress } from '../../output/progress.ts'
import type { BundleFile } from './bundle-files.ts'

export interface ZippedBundle {
  path: string
  /** Lower-case hex. */
  sha256: string
  sizeBytes: number
}

/**
 * Writes the files to `path`. The same files give the same bytes: nothing of the machine gets in, neither times nor
 * permissions nor the order of its file system.
 */
export async function zipBundle(
  context: CliContext,
  files: readonly BundleFile[],
  path: string,
): Promise<ZippedBundle> {
  const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  const progress = createProgress(context, 'Zipping', totalBytes)
  const hash = createHash('sha256')
  let sizeBytes = 0
  const measured = new PassThrough()
  measured.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    sizeBytes += chunk.length
  })
  try {
    const zip = openZip(files, progress)
    await pipeline(zip, measured, createWriteStream(path, { mode: 0o600 }), { signal: context.signal })
  } catch (cause) {
    if (!hasCode(cause, 'ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO')) throw cause
    // Of a write the system does not say where.
    const message = `The zip cannot be written to ${path}: ${systemReason(cause)}. Another folder: TMPDIR.`
    throw new CommandError('zip-unwritable', message, { cause })
  } finally {
    progress.stop()
  }
  return { path, sha256: hash.digest('hex'), sizeBytes }
}

function openZip(files: readonly BundleFile[], progress: Progress): PassThrough {
  const zip = new ZipFile()
  const bytes = zip.outputStream as PassThrough
  zip.on('error', (cause: Error) => {
    const message = `The bundle changed while it was zipped: ${cause.message}. Run it again when nothing writes there.`
    bytes.destroy(new CommandError('bundle-changed', message, { cause }))
  })
  let readBytes = 0
  for (const { name, path, sizeBytes } of files) {
    zip.addReadStreamLazy(name, { ...entryOptions(), size: sizeBytes }, (start) => {
      // One byte more than there was: a file that grew is noticed, and not published in part.
      const file = createReadStream(path, { end: sizeBytes })
      file.on('data', (chunk) => progress.advanceTo((readBytes += chunk.length)))
      file.on('error', (error) => bytes.destroy(error))
      start(null, file)
    })
  }
  zip.end()
  return bytes
}

function entryOptions() {
  // Zip's own clock counts local time from 1980. The second kind of time stamp, in UTC, is left out.
  return { mtime: new Date(1980, 0, 1), forceDosTimestamp: true, mode: 0o100644, compressionLevel: 9 }
}
