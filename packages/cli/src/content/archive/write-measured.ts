import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CommandError, hasCode, systemReason } from '../../errors/errors.ts'

/** Bytes in a file, as they were written. */
export interface MeasuredFile {
  path: string
  /** Lower-case hex. */
  sha256: string
  sizeBytes: number
}

/** @throws CommandError when there is no room for it */
export async function writeMeasured(bytes: Readable, path: string, signal: AbortSignal): Promise<MeasuredFile> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const measured = new PassThrough()
  measured.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    sizeBytes += chunk.length
  })
  try {
    await pipeline(bytes, measured, createWriteStream(path, { mode: 0o600 }), { signal })
  } catch (cause) {
    throw asUnwritable(cause, path)
  }
  return { path, sha256: hash.digest('hex'), sizeBytes }
}

/** Of a write the system does not say where. */
export function asUnwritable(cause: unknown, path: string): unknown {
  if (!hasCode(cause, 'ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO')) return cause
  const message = `The zip cannot be written to ${path}: ${systemReason(cause)}. Another folder: TMPDIR.`
  return new CommandError('zip-unwritable', message, { cause })
}
