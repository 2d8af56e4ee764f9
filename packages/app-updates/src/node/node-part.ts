import { constants } from 'node:fs'
import { mkdir, open, readFile, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { PartPort } from '../ground/ports.ts'

/** The part in a folder of its own, which is made when the first thing is written. Nothing else may be in it. */
export function createNodePart(directory: string): PartPort {
  const root = resolve(directory)
  const [note, draft, part, ready] = ['note.json', 'note.json.new', 'download.part', 'ready'].map((name) =>
    join(root, name),
  ) as [string, string, string, string]

  async function makeRoot(): Promise<void> {
    await mkdir(root, { recursive: true, mode: 0o700 })
  }

  return {
    readNote: () => orUndefined(readFile(note, 'utf8')),

    async writeNote(text) {
      await makeRoot()
      const handle = await open(draft, 'w', 0o600)
      try {
        await handle.writeFile(text)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(draft, note)
      await syncDirectory(root)
    },

    async sizeBytes() {
      return (await orUndefined(stat(part)))?.size
    },

    async read(offset, length) {
      const handle = await open(part, 'r')
      try {
        const bytes = new Uint8Array(length)
        const { bytesRead } = await handle.read(bytes, 0, length, offset)
        return bytes.subarray(0, bytesRead)
      } finally {
        await handle.close()
      }
    },

    async append(offset, bytes) {
      await makeRoot()
      const handle = await open(part, constants.O_RDWR | constants.O_CREAT, 0o600)
      try {
        await handle.truncate(offset)
        for (let written = 0; written < bytes.length;) {
          const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, offset + written)
          written += bytesWritten
        }
      } finally {
        await handle.close()
      }
    },

    async sync() {
      const handle = await open(part, 'r+')
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
      await syncDirectory(root)
    },

    async reveal(fileName) {
      await rm(ready, { recursive: true, force: true })
      await mkdir(ready, { mode: 0o700 })
      const path = join(ready, fileName)
      await rename(part, path)
      await syncDirectory(ready)
      await syncDirectory(root)
      return path
    },

    async conceal(fileName) {
      const path = join(ready, fileName)
      if (dirname(path) !== ready || !(await orUndefined(stat(path)))) return
      await rename(path, part)
      await syncDirectory(root)
    },

    async discard() {
      for (const path of [note, draft, part, ready]) await rm(path, { recursive: true, force: true })
      if (await orUndefined(stat(root))) await syncDirectory(root)
    },

    async freeBytes() {
      const found = (await orUndefined(statfs(root))) ?? (await orUndefined(statfs(dirname(root))))
      return found && found.bavail * found.bsize
    },
  }
}

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open a directory; NTFS journals names by itself.
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}
