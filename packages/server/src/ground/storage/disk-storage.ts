import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import {
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  utimes,
  type FileHandle,
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import type { Clock } from '../clock.ts'
import {
  assertStorageKey,
  isStorageKey,
  type ByteRange,
  type SpooledFile,
  type StorageDriver,
} from './storage-driver.ts'

const SHARD = /^[0-9a-f]{2}$/
/** What a put or a removal is working on: not visible, and removed when it is found much later. */
const LEFTOVER = /^[0-9a-f]{64}\.[0-9a-f-]{36}\.part$/
const PIECE_BYTES = 64 * 1024

/** Objects as files `ab/abcdef…`. Puts and removals are safe against each other in any number of processes. */
export function createDiskStorage({ directory, clock }: { directory: string; clock: Clock }): StorageDriver {
  function pathOf(key: string): string {
    assertStorageKey(key)
    return join(directory, key.slice(0, 2), key)
  }

  async function put(key: string, file: SpooledFile) {
    const path = pathOf(key)
    if (await refresh(path, file.sizeBytes)) {
      await rm(file.path, { force: true })
    } else {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await moveInto(path, file.path)
    }
    // A name survives a power cut when its folder is flushed. Also for an object that another put is still making.
    await flush(dirname(path))
    await flush(directory)
  }

  /**
   * Makes an existing object count as just put. One of another size was damaged since, and is replaced. One that is moved
   * out of sight between being found and being touched is touched there, too late for who removes it: so a second look.
   */
  async function refresh(path: string, sizeBytes: number): Promise<boolean> {
    const isThere = async () => (await fileStats(path))?.size === sizeBytes
    return (await isThere()) && (await didUnless('ENOENT', touch(path))) && (await isThere())
  }

  async function touch(path: string) {
    const now = new Date(clock.now())
    await utimes(path, now, now)
  }

  /** A rename is atomic but stays on one file system; a copy from another one becomes visible by a rename, too. */
  async function moveInto(path: string, source: string) {
    await makeDurable(source)
    if (await didUnless('EXDEV', rename(source, path))) return
    const part = partPath(path)
    try {
      await copyFile(source, part, constants.COPYFILE_EXCL)
      await makeDurable(part)
      await rename(part, path)
    } catch (error) {
      await rm(part, { force: true })
      throw error
    }
    await rm(source)
  }

  async function makeDurable(path: string) {
    await chmod(path, 0o600)
    await touch(path)
    await flush(path)
  }

  async function stat(key: string) {
    const stats = await fileStats(pathOf(key))
    return stats && { sizeBytes: stats.size, modifiedAt: stats.mtime }
  }

  async function openObject(key: string, ...ranges: readonly ByteRange[]) {
    const handle = await undefinedOn('ENOENT', open(pathOf(key), 'r'))
    if (ranges.length <= 1) return handle?.createReadStream(ranges[0] ?? {})
    return handle && readRanges(handle, ranges)
  }

  async function remove(keys: readonly string[], condition?: { unmodifiedSince: Date }) {
    for (const path of keys.map(pathOf)) {
      if (condition) await removeUnmodified(path, condition.unmodifiedSince)
      else await rm(path, { force: true })
    }
  }

  /**
   * A put may refresh the object between the look at its age and its removal. So it is first moved out of sight: a put
   * that came before shows in its time and it goes back, one that comes after does not find it and writes it anew.
   */
  async function removeUnmodified(path: string, unmodifiedSince: Date) {
    const stats = await fileStats(path)
    if (!stats || stats.mtime >= unmodifiedSince) return
    const aside = partPath(path)
    if (!(await didUnless('ENOENT', rename(path, aside)))) return
    const { mtime } = await lstat(aside)
    if (mtime >= unmodifiedSince) await didUnless('EEXIST', link(aside, path))
    await rm(aside)
  }

  async function* list() {
    for await (const { shard, name } of names()) {
      const stats = isStorageKey(name) && name.startsWith(shard) && (await fileStats(pathOf(name)))
      if (stats) yield { key: name, sizeBytes: stats.size, modifiedAt: stats.mtime }
    }
  }

  async function removeLeftovers(before: Date) {
    for await (const { shard, name } of names()) {
      const path = join(directory, shard, name)
      const stats = LEFTOVER.test(name) && (await fileStats(path))
      if (stats && stats.mtime < before) await rm(path, { force: true })
    }
  }

  async function* names() {
    for (const shard of (await undefinedOn('ENOENT', readdir(directory))) ?? []) {
      if (!SHARD.test(shard)) continue
      const found = await undefinedOn('ENOTDIR', readdir(join(directory, shard)))
      for (const name of found ?? []) yield { shard, name }
    }
  }

  /** There is none: the server streams the bytes itself. */
  async function downloadUrl(key: string) {
    assertStorageKey(key)
    return undefined
  }

  return { put, stat, open: openObject, downloadUrl, remove, list, removeLeftovers }
}

/** To open a file for each of hundreds of small ranges takes many times as long as to read them. */
function readRanges(handle: FileHandle, ranges: readonly ByteRange[]): Readable {
  async function* read() {
    for (const { start, end } of ranges) {
      for (let at = start; at <= end;) {
        const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end + 1 - at))
        const { bytesRead } = await handle.read(piece, { position: at })
        if (bytesRead === 0) throw new Error(`Expected a stored file of ${end + 1} bytes or more, found ${at}.`)
        yield piece.subarray(0, bytesRead)
        at += bytesRead
      }
    }
  }
  const stream = Readable.from(read(), { objectMode: false, highWaterMark: PIECE_BYTES })
  // Also when nobody read anything of it.
  return stream.once('close', () => void handle.close())
}

function partPath(path: string): string {
  return join(dirname(path), `${basename(path)}.${randomUUID()}.part`)
}

/** Undefined when there is nothing there, or a link, folder or device, which this driver does not make. */
async function fileStats(path: string): Promise<Stats | undefined> {
  const stats = await undefinedOn('ENOENT', lstat(path))
  return stats?.isFile() ? stats : undefined
}

async function flush(path: string) {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function undefinedOn<T>(code: string, result: Promise<T>): Promise<T | undefined> {
  try {
    return await result
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return undefined
    throw error
  }
}

async function didUnless(code: string, action: Promise<void>): Promise<boolean> {
  return (
    (await undefinedOn(
      code,
      action.then(() => true),
    )) ?? false
  )
}
