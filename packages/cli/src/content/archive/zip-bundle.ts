import { createHash } from 'node:crypto'
import { type PassThrough, Readable } from 'node:stream'
import type { ManifestFile } from '@hotpatch/protocol'
import { ZipFile } from 'yazl'
import type { CliContext } from '../../process/context.ts'
import { createProgress, type Progress } from '../../output/progress.ts'
import type { ContentFile } from '../content-kind.ts'
import { readUnchanged } from '../folder/read-unchanged.ts'
import { writeMeasured, type MeasuredFile } from './write-measured.ts'

/** A zip, and the files that are in it. */
export interface UnpackedZip extends MeasuredFile {
  unpacked: readonly ManifestFile[]
}

/**
 * Writes the files to `path`. The same files give the same bytes: nothing of the machine gets in, neither times nor
 * permissions nor the order of its file system; with `keepsExecutables` whether a file can be executed, and no more.
 */
export async function zipBundle(
  context: CliContext,
  files: readonly ContentFile[],
  path: string,
  { keepsExecutables = false }: { keepsExecutables?: boolean } = {},
): Promise<UnpackedZip> {
  const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  const progress = createProgress(context, 'Zipping', totalBytes)
  const unpacked: ManifestFile[] = []
  try {
    const kept = keepsExecutables ? files : files.map((file) => ({ ...file, isExecutable: false }))
    return { ...(await writeMeasured(openZip(kept, progress, unpacked), path, context.signal)), unpacked }
  } finally {
    progress.stop()
  }
}

function openZip(files: readonly ContentFile[], progress: Progress, unpacked: ManifestFile[]): PassThrough {
  const zip = new ZipFile()
  const bytes = zip.outputStream as PassThrough
  const fail = (error: Error) => bytes.destroy(error)
  zip.on('error', fail)
  let readBytes = 0
  let current: Readable | undefined
  // When nobody takes the rest, the file that is being read is closed, too.
  bytes.on('close', () => current?.destroy())
  for (const file of files) {
    zip.addReadStreamLazy(file.name, { ...entryOptions(file), size: file.sizeBytes }, (start) => {
      const content = Readable.from(readUnchanged(file), { objectMode: false })
      const hash = createHash('sha256')
      content.on('data', (chunk: Buffer) => {
        hash.update(chunk)
        progress.advanceTo((readBytes += chunk.length))
      })
      content.on('end', () => {
        unpacked.push({ path: file.name, sha256: hash.digest('hex'), sizeBytes: file.sizeBytes })
      })
      content.on('error', fail)
      current = content
      start(null, content)
    })
  }
  zip.end()
  return bytes
}

function entryOptions({ isExecutable = false }: ContentFile) {
  // Zip's own clock counts local time from 1980. The second kind of time stamp, in UTC, is left out.
  return {
    mtime: new Date(1980, 0, 1),
    forceDosTimestamp: true,
    mode: isExecutable ? 0o100755 : 0o100644,
    compressionLevel: 9,
  }
}
