import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { UnexpectedJsonError } from '@hotpatch/protocol'

/**
 * Undefined when there is none.
 * @throws UnexpectedJsonError of what is no file, or longer than that; and what the system says
 */
export async function readSmallFile(path: string, maxBytes: number): Promise<string | undefined> {
  const file = await openToRead(path)
  if (file === undefined) return undefined
  try {
    const found = await file.stat()
    const expected = `a file of at most ${maxBytes} bytes`
    if (!found.isFile()) throw new UnexpectedJsonError('', expected, 'something else')
    // One byte more says that it has become longer since.
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(found.size, maxBytes) + 1), 0)
    if (bytesRead > maxBytes) throw new UnexpectedJsonError('', expected, found.size)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

async function openToRead(path: string) {
  try {
    // A pipe is not waited for.
    return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
