import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { CommandError } from '../errors/errors.ts'

/** More than any project's own files have that people write by hand. */
const MAX_BYTES = 4 * 1024 * 1024

/**
 * A file of a project, which somebody else may have put there: never waits for whoever writes into a pipe, and never
 * reads a device without end. A link may lead to it.
 * @throws CommandError file-unreadable when it is no plain file or too large, else what the system says
 */
export async function readPlainText(path: string): Promise<string> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const stats = await handle.stat()
    // Node itself says best what is wrong with a folder.
    if (stats.isDirectory()) return await handle.readFile('utf8')
    if (!stats.isFile()) throw unreadable(path, 'something that is no plain file')
    const chunks: Buffer[] = []
    let sizeBytes = 0
    for await (const chunk of handle.createReadStream({ autoClose: false, end: MAX_BYTES })) {
      chunks.push(chunk as Buffer)
      sizeBytes += (chunk as Buffer).length
    }
    if (sizeBytes > MAX_BYTES) throw unreadable(path, `more than ${MAX_BYTES} bytes`)
    return Buffer.concat(chunks).toString('utf8')
  } finally {
    await handle.close()
  }
}

function unreadable(path: string, found: string): CommandError {
  return new CommandError('file-unreadable', `${path} cannot be read: expected a text file, found ${found}.`)
}
