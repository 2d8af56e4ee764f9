import { constants, existsSync, realpathSync, type Stats } from 'node:fs'
import { lstat, mkdir, open, readdir, readlink, rename, rm, statfs, symlink, type FileHandle } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { expectFewLinks, followLink, namesOf } from './disk-path.ts'
import type { KitDisk } from './kit-disk.ts'
import { KitError } from './kit-error.ts'
import { KIT_FOLDER, VERSIONS_FOLDER } from './kit-layout.ts'
import { inTheWay } from './durable-files.ts'

/** Windows, where links need rights that few have, knows neither of the first two: they are 0 then. */
const { O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY, O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC } = constants
/** Linux: a folder to go on from, which does not have to be readable. Node has no name for it. */
const O_PATH = 0o10000000
/** Where Linux names what a process has open; elsewhere, and where it is not mounted, folders are named by their paths. */
const OPENED = '/proc/self/fd'
const NAMES_OPENED = process.platform === 'linux' && existsSync(OPENED)

/** Takes the place of a link at once when it is renamed; one apply at a time, so one is enough. */
const NEW_LINK = `${KIT_FOLDER}/link.new`

const COPIED_AT_ONCE = 1 << 20

/** The disk of a kit in a real folder, which has to be there. */
export function createNodeDisk(rootDirectory: string): KitDisk {
  // The folder itself may lie behind links: where it is, whoever starts this says.
  const root = realpathSync(resolve(rootDirectory))
  const at = (names: readonly string[]) => join(root, ...names)

  /**
   * Where a path leads after each of its names was looked at. Names that are not there yet are taken as they are.
   * @throws KitError path-escapes
   */
  async function find(path: string, { followsLast }: { followsLast: boolean }): Promise<string[]> {
    let left = namesOf(path)
    let found: string[] = []
    for (let links = 0; left.length > 0;) {
      const [name = '', ...others] = left
      const next = [...found, name]
      const isFollowed = others.length > 0 || followsLast
      if (isFollowed && (await statOf(at(next)))?.isSymbolicLink()) {
        expectFewLinks((links += 1), path)
        left = [...followLink(next, await readlink(at(next))), ...others]
        found = []
        continue
      }
      found = next
      left = others
    }
    return found
  }

  /** For reading: through links to kept versions. */
  const through = (path: string) => find(path, { followsLast: true })
  /** For changing: what lies there itself. */
  const itself = (path: string) => find(path, { followsLast: false })

  /**
   * Works in the very folder that was found. Whoever may write into one above it may put a link there between two steps: so
   * it is opened, looked at once more, and named by what was opened.
   */
  async function inFolder<T>(names: readonly string[], work: (where: string) => Promise<T>): Promise<T> {
    const folder = at(names)
    if (!NAMES_OPENED) return work(folder)
    const handle = await open(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW)
    const where = `${OPENED}/${handle.fd}`
    try {
      if ((await readlink(where)) !== folder) {
        throw new KitError('path-escapes', `Expected the folder ${folder}, found that it was exchanged meanwhile.`)
      }
      return await work(where)
    } catch (error) {
      // People are told its name.
      if (error instanceof Error) error.message = error.message.replaceAll(`${where}/`, join(folder, '/'))
      throw error
    } finally {
      await handle.close()
    }
  }

  /** The same for what lies in it; of the root itself, where it is. */
  async function inFolderOf<T>(names: readonly string[], work: (where: string) => Promise<T>): Promise<T> {
    const name = names.at(-1)
    return name === undefined ? work(root) : inFolder(names.slice(0, -1), (where) => work(`${where}/${name}`))
  }

  const lookAt = (names: readonly string[]) => orUndefined(inFolderOf(names, (where) => lstat(where)))

  /** Never waits for whoever is at the other end of a pipe. */
  async function openFile(path: string, where: string, flags: number, mode?: number): Promise<FileHandle> {
    const handle = await open(where, flags | O_NOFOLLOW | O_NONBLOCK, mode).catch((error: unknown) => {
      if (codeOf(error) !== 'ELOOP') throw error
      throw new KitError('path-escapes', `Expected a file at ${path}, found a link.`, { cause: error })
    })
    try {
      if ((await handle.stat()).isFile()) return handle
      throw Object.assign(new Error(`expected a file at ${path}, found something else`), { code: 'EISDIR' })
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async function withFile<T>(
    path: string,
    { flags, mode, isChanged }: { flags: number; mode?: number; isChanged: boolean },
    work: (handle: FileHandle) => Promise<T>,
  ): Promise<T> {
    const names = isChanged ? await itself(path) : await through(path)
    const handle = await inFolderOf(names, (where) => openFile(path, where, flags, mode))
    try {
      return await work(handle)
    } finally {
      await handle.close()
    }
  }

  /** What does not have to be readable to be changed: its folder decides, or its rights. */
  async function changeRights(path: string, change: (handle: FileHandle, found: Stats) => Promise<void>) {
    await withFile(path, { flags: O_RDONLY, isChanged: true }, async (handle) => {
      await change(handle, await handle.stat())
      await handle.sync()
    })
  }

  async function writeAll(handle: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, offset + written)
      written += bytesWritten
    }
  }

  const disk: KitDisk = {
    locate: (path) => at(namesOf(path)),

    async read(path) {
      return orUndefined(withFile(path, { flags: O_RDONLY, isChanged: false }, (handle) => handle.readFile()))
    },

    async readRange(path, offset, length) {
      return withFile(path, { flags: O_RDONLY, isChanged: false }, async (handle) => {
        const bytes = new Uint8Array(length)
        let read = 0
        while (read < length) {
          const { bytesRead } = await handle.read(bytes, read, length - read, offset + read)
          if (bytesRead === 0) break
          read += bytesRead
        }
        return bytes.subarray(0, read)
      })
    },

    async write(path, bytes) {
      const flags = O_WRONLY | O_CREAT | O_TRUNC
      await withFile(path, { flags, mode: modeOf(path).file, isChanged: true }, async (handle) => {
        await writeAll(handle, 0, bytes)
        await handle.sync()
      })
    },

    async create(path, bytes) {
      const flags = O_WRONLY | O_CREAT | O_EXCL
      try {
        await withFile(path, { flags, mode: modeOf(path).file, isChanged: true }, async (handle) => {
          await writeAll(handle, 0, bytes)
          await handle.sync()
        })
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return false
        throw error
      }
      await disk.syncDirectory(namesOf(path).slice(0, -1).join('/'))
      return true
    },

    async append(path, offset, bytes) {
      const flags = O_RDWR | O_CREAT
      await withFile(path, { flags, mode: modeOf(path).file, isChanged: true }, async (handle) => {
        await handle.truncate(offset)
        await writeAll(handle, offset, bytes)
      })
    },

    async sync(path) {
      await withFile(path, { flags: O_RDONLY, isChanged: false }, (handle) => handle.sync())
    },

    async syncDirectory(path) {
      // Windows cannot open a directory; NTFS journals names by itself.
      if (process.platform === 'win32') return
      const handle = await inFolder(await through(path), (where) => open(where, O_RDONLY))
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    },

    async rename(from, to) {
      const [source, target] = [await itself(from), await itself(to)]
      await inFolderOf(source, (old) =>
        inFolderOf(target, async (made) => {
          if ((await statOf(made))?.isDirectory()) {
            throw Object.assign(new Error(`there is a directory at ${to}`), { code: 'EISDIR' })
          }
          await rename(old, made)
        }),
      )
    },

    async remove(path) {
      if (path === '') throw new KitError('path-escapes', 'Expected something in the root to remove, found the root.')
      const names = await itself(path)
      await orUndefined(inFolderOf(names, (where) => rm(where, { recursive: true, force: true })))
    },

    async makeDirectory(path) {
      const names = await find(path, { followsLast: true })
      for (const [index] of names.entries()) {
        const made = names.slice(0, index + 1)
        await inFolderOf(made, async (where) => {
          if ((await statOf(where))?.isDirectory()) return
          await mkdir(where, { mode: modeOf(made.join('/')).directory })
        })
      }
    },

    async stat(path) {
      const found = await lookAt(await itself(path))
      if (!found) return undefined
      return { kind: found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other', sizeBytes: found.size }
    },

    async list(path) {
      const names = await through(path)
      return orUndefined(inFolder(names, (where) => readdir(where))).then((found) => found?.sort())
    },

    async readLink(path) {
      const names = await itself(path)
      return orUndefined(
        inFolderOf(names, async (where) => ((await statOf(where))?.isSymbolicLink() ? readlink(where) : undefined)),
      )
    },

    async link(target, path) {
      const names = await find(path, { followsLast: false })
      followLink(names, target)
      await disk.makeDirectory(KIT_FOLDER)
      await inFolderOf(names, async (where) => {
        const found = await statOf(where)
        if (found && !found.isSymbolicLink()) {
          throw Object.assign(new Error(`expected a link or nothing at ${path}, found something else`), {
            code: 'EEXIST',
          })
        }
        await inFolderOf(await itself(NEW_LINK), async (made) => {
          if ((await statOf(made))?.isDirectory()) throw inTheWay('a link, or nothing,', NEW_LINK, 'directory')
          await rm(made, { force: true })
          await symlink(target, made)
          await rename(made, where)
        })
      })
    },

    async setExecutable(path, isExecutable) {
      await changeRights(path, (handle, { mode }) =>
        // Whoever may read it may execute it.
        handle.chmod((mode & 0o666) | (isExecutable ? (mode & 0o444) >> 2 : 0)),
      )
    },

    async rights(path) {
      const found = await lookAt(await itself(path))
      return found?.isFile() ? { mode: found.mode & 0o777, owner: found.uid, group: found.gid } : undefined
    },

    async setRights(path, { mode, owner, group }) {
      await changeRights(path, async (handle, found) => {
        const [toOwner, toGroup] = [owner ?? found.uid, group ?? found.gid]
        const changes = toOwner !== found.uid || toGroup !== found.gid
        // Nobody but root gives a file away. First: it takes away bits of the mode.
        if (changes) await handle.chown(toOwner, toGroup).catch(ignoreForbidden)
        await handle.chmod(mode & 0o777)
      })
    },

    async copyFile(from, to) {
      await withFile(from, { flags: O_RDONLY, isChanged: false }, async (source) => {
        const found = await source.stat()
        const flags = O_WRONLY | O_CREAT | O_TRUNC
        await withFile(to, { flags, mode: found.mode & 0o777, isChanged: true }, async (target) => {
          const buffer = new Uint8Array(Math.max(1, Math.min(COPIED_AT_ONCE, found.size)))
          for (let offset = 0; ;) {
            const { bytesRead } = await source.read(buffer, 0, buffer.length, offset)
            if (bytesRead === 0) break
            await writeAll(target, offset, buffer.subarray(0, bytesRead))
            offset += bytesRead
          }
          const { uid, gid } = await target.stat()
          if (uid !== found.uid || gid !== found.gid) await target.chown(found.uid, found.gid).catch(ignoreForbidden)
          await target.chmod(found.mode & 0o777)
          await target.sync()
        })
      })
    },

    async freeBytes() {
      const found = (await orUndefined(statfs(root))) ?? (await orUndefined(statfs(dirname(root))))
      return found && found.bavail * found.bsize
    },
  }
  return disk
}

/**
 * Kits §8.1: nobody else looks into the coordinator's folder, but for versions that a web server of another user serves.
 * What lies deeper is behind its folder, and has the rights that it will have where it is moved to.
 */
function modeOf(path: string): { file: number; directory: number } {
  const [first, ...below] = namesOf(path)
  if (first !== KIT_FOLDER) return { file: 0o666, directory: 0o777 }
  if (below.length === 0) return { file: 0o600, directory: 0o711 }
  const isServed = path === VERSIONS_FOLDER || path.startsWith(`${VERSIONS_FOLDER}/`)
  if (below.length === 1) return { file: 0o600, directory: isServed ? 0o755 : 0o700 }
  return { file: 0o666, directory: 0o777 }
}

function statOf(path: string): Promise<Stats | undefined> {
  return orUndefined(lstat(path))
}

function ignoreForbidden(error: unknown): void {
  if (codeOf(error) !== 'EPERM') throw error
}

async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
