import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { type PassThrough, Readable } from 'node:stream'
import { ZipFile } from 'yazl'
import type { CliContext } from '../../process/context.ts'
import { CommandError, systemReason } from '../../errors/errors.ts'
import { createProgress, type Progress } from '../../output/progress.ts'
import type { ContentFile } from '../content-kind.ts'
import { writeMeasured, type MeasuredFile } from './write-measured.ts'

/**
 * Writes the files to `path`. The same files give the same bytes: nothing of the machine gets in, neither times nor
 * permissions nor the order of its file system.
 */
export async function zipBundle(
  context: CliContext,
  files: readonly ContentFile[],
  path: string,
): Promise<MeasuredFile> {
  const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  const progress = createProgress(context, 'Zipping', totalBytes)
  try {
    return await writeMeasured(openZip(files, progress), path, context.signal)
  } finally {
    progress.stop()
  }
}

function openZip(files: readonly ContentFile[], progress: Progress): PassThrough {
  const zip = new ZipFile()
  const bytes = zip.outputStream as PassThrough
  const fail = (error: Error) => bytes.destroy(error)
  zip.on('error', fail)
  let readBytes = 0
  let current: Readable | undefined
  // When nobody takes the rest, the file that is being read is closed, too.
  bytes.on('close', () => current?.destroy())
  for (const file of files) {
    zip.addReadStreamLazy(file.name, { ...entryOptions(), size: file.sizeBytes }, (start) => {
      const content = Readable.from(readUnchanged(file), { objectMode: false })
      content.on('data', (chunk: Buffer) => progress.advanceTo((readBytes += chunk.length)))
      content.on('error', fail)
      current = content
      start(null, content)
    })
  }
  zip.end()
  return bytes
}

/** Not through a link, and never waiting for whoever writes into a pipe: it was a plain file when it was looked at. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** What was looked through is what is published: a file that is another one by now is refused. */
async function* readUnchanged(file: ContentFile): AsyncGenerator<Buffer> {
  const handle = await openUnchanged(file)
  try {
    await requireUnchanged(handle, file)
    let leftBytes = file.sizeBytes
    for await (const chunk of handle.createReadStream({ autoClose: false, end: file.sizeBytes })) {
      leftBytes -= (chunk as Buffer).length
      if (leftBytes < 0) break
      yield chunk as Buffer
    }
    if (leftBytes !== 0) throw changed(file, 'it has another size')
    await requireUnchanged(handle, file)
  } finally {
    await handle.close()
  }
}

async function openUnchanged(file: ContentFile): Promise<FileHandle> {
  try {
    return await open(file.path, OPEN_FLAGS)
  } catch (cause) {
    throw changed(file, systemReason(cause), cause)
  }
}

async function requireUnchanged(handle: FileHandle, file: ContentFile): Promise<void> {
  const stats = await handle.stat()
  if (!stats.isFile()) throw changed(file, 'it is no plain file any more')
  if (stats.size !== file.sizeBytes) throw changed(file, 'it has another size')
  if (file.modifiedAtMs !== undefined && stats.mtimeMs !== file.modifiedAtMs) throw changed(file, 'it was written to')
}

function changed({ path }: ContentFile, found: string, cause?: unknown): CommandError {
  const message = `The bundle changed while it was zipped: ${path}: ${found}. Run it again when nothing writes there.`
  return new CommandError('bundle-changed', message, { cause })
}

function entryOptions() {
  // Zip's own clock counts local time from 1980. The second kind of time stamp, in UTC, is left out.
  return { mtime: new Date(1980, 0, 1), forceDosTimestamp: true, mode: 0o100644, compressionLevel: 9 }
}
