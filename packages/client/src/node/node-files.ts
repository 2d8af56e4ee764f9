import { constants } from 'node:fs'
import { mkdir, open, lstat, readFile, rename, rm, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { FilesPort } from '@hotpatch/device-ground'

/** The files port in a real directory, which is created when the first thing is written. */
export function createNodeFiles(rootDirectory: string): FilesPort {
  const root = resolve(rootDirectory)
  const locate = (path: string) => join(root, path)

  async function sync(path: string): Promise<void> {
    const handle = await open(locate(path), 'r+')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  return {
    locate,
    sync,
    read: (path) => orUndefined(readFile(locate(path))),

    async readRange(path, offset, length) {
      const handle = await open(locate(path), 'r')
      try {
        const bytes = new Uint8Array(length)
        const { bytesRead } = await handle.read(bytes, 0, length, offset)
        return bytes.subarray(0, bytesRead)
      } finally {
        await handle.close()
      }
    },

    async write(path, bytes) {
      const handle = await open(locate(path), 'w', 0o600)
      try {
        await handle.writeFile(bytes)
        await handle.sync()
      } finally {
        await handle.close()
      }
    },

    async append(path, offset, bytes) {
      const handle = await open(locate(path), constants.O_RDWR | constants.O_CREAT, 0o600)
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

    async syncDirectory(path) {
      // Windows cannot open a directory; NTFS journals names by itself.
      if (process.platform === 'win32') return
      const handle = await open(locate(path), 'r')
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    },

    rename: (from, to) => rename(locate(from), locate(to)),
    remove: (path) => rm(locate(path), { recursive: true, force: true }),

    async makeDirectory(path) {
      await mkdir(locate(path), { recursive: true, mode: 0o700 })
    },

    async stat(path) {
      const found = await orUndefined(lstat(locate(path)))
      if (!found) return undefined
      return { kind: found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other', sizeBytes: found.size }
    },

    async freeBytes() {
      const found = (await orUndefined(statfs(root))) ?? (await orUndefined(statfs(dirname(root))))
      return found && found.bavail * found.bsize
    },
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
