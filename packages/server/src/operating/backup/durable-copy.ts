import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { BackupFile } from './backup-manifest.ts'

type Content = Pick<BackupFile, 'sizeBytes' | 'sha256'>

/** In constant memory, for this user's eyes only. Resolves when the bytes survive a power cut, with what they were. */
export async function writeDurably(source: Readable, path: string): Promise<Content> {
  // It may fail while the file is made, when nobody reads it yet; the loop below throws what it failed with.
  source.on('error', () => undefined)
  const file = await open(path, 'wx', 0o600)
  try {
    const hash = createHash('sha256')
    let sizeBytes = 0
    for await (const piece of source as AsyncIterable<Buffer>) {
      hash.update(piece)
      sizeBytes += piece.length
      await file.writeFile(piece)
    }
    await file.sync()
    return { sizeBytes, sha256: hash.digest('hex') }
  } finally {
    source.destroy()
    await file.close()
  }
}

export async function contentOf(path: string): Promise<Content> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(piece)
    sizeBytes += piece.length
  }
  return { sizeBytes, sha256: hash.digest('hex') }
}

/** What is there already, such as what SQLite wrote. */
export async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
