import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { CommandError, systemReason } from '../../errors/errors.ts'
import type { ContentFile } from '../content-kind.ts'

/** Not through a link, and never waiting for whoever writes into a pipe: it was a plain file when it was looked at. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** What was looked through is what is published: a file that is another one by now is refused. */
export async function* readUnchanged(file: ContentFile): AsyncGenerator<Buffer> {
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
  const message = `The bundle changed while it was read: ${path}: ${found}. Run it again when nothing writes there.`
  return new CommandError('bundle-changed', message, { cause })
}
