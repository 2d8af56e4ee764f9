import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UpdateError } from '@hotpatch/client'
import { unpackArchive } from '@hotpatch/client/node'
import { CommandError } from '../../errors/errors.ts'
import type { CliContext } from '../../process/context.ts'
import type { ContentFile } from '../content-kind.ts'
import { BUNDLE_LIMITS } from '../folder/bundle-files.ts'
import { asUnwritable, writeMeasured } from './write-measured.ts'
import type { UnpackedZip } from './zip-bundle.ts'

/** In the working folder. */
const ZIP = 'bundle.zip'
const UNPACKED = 'unpacked'

/**
 * A copy of a zip that somebody made, and its files: unpacked as devices do it, which refuse what the server refuses. What
 * is looked through, hashed and sent are the copy's bytes, whatever becomes of the original.
 */
export async function unpackZip(
  context: CliContext,
  path: string,
  directory: string,
): Promise<{ zip: UnpackedZip; files: ContentFile[] }> {
  const { size } = await stat(path)
  if (size > BUNDLE_LIMITS.totalBytes) throw refusal(path, `more than ${BUNDLE_LIMITS.totalBytes} bytes`)
  const original = createReadStream(path, { end: Math.max(0, size - 1) })
  const zip = await writeMeasured(original, join(directory, ZIP), context.signal)
  const limits = {
    fileCount: BUNDLE_LIMITS.files,
    unpackedBytes: BUNDLE_LIMITS.totalBytes,
    pathBytes: BUNDLE_LIMITS.nameBytes,
  }
  try {
    const found = await unpackArchive(directory, { zip: ZIP, root: UNPACKED, limits, signal: context.signal })
    const files = found.map((file) => ({
      name: file.path,
      path: join(directory, UNPACKED, file.path),
      sizeBytes: file.sizeBytes,
    }))
    return { zip: { ...zip, unpacked: found }, files: files.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
  } catch (cause) {
    if (!(cause instanceof UpdateError)) throw asUnwritable(cause, join(directory, UNPACKED))
    throw refusal(path, `what no device unpacks: ${cause.message}`, cause)
  }
}

function refusal(path: string, found: string, cause?: unknown): CommandError {
  const advice = 'Make it again, with a zip tool that writes no ZIP64, or give the folder: --bundle-dir.'
  return new CommandError('bundle-invalid', `${path} cannot be published: found ${found}. ${advice}`, { cause })
}
