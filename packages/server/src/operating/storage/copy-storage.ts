import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import { forEach, spoolTo } from './spool-object.ts'

const COPIES_AT_ONCE = 4

export interface CopyResult {
  copied: number
  /** That were there already, with their size. */
  present: number
  copiedBytes: number
  /** Whose bytes are not what their name says, or that went meanwhile: they were not copied. */
  damaged: string[]
}

/**
 * Copies what is not there yet: what was broken off goes on where it was when it is run again. Each object is held against its
 * name on the way, and shows in its new place when it is whole.
 *
 * @param spoolDirectory where each lies on its way
 */
export async function copyStorage({
  from,
  to,
  spoolDirectory,
  onProgress,
}: {
  from: StorageDriver
  to: StorageDriver
  spoolDirectory: string
  onProgress?: (result: CopyResult) => void
}): Promise<CopyResult> {
  const result: CopyResult = { copied: 0, present: 0, copiedBytes: 0, damaged: [] }
  await mkdir(spoolDirectory, { recursive: true, mode: 0o700 })
  await forEach(from.list(), COPIES_AT_ONCE, async ({ key, sizeBytes }) => {
    if ((await to.stat(key))?.sizeBytes === sizeBytes) result.present += 1
    else await copy(key)
    onProgress?.(result)
  })
  return result

  async function copy(key: string): Promise<void> {
    const stream = await from.open(key)
    const path = join(spoolDirectory, `${randomUUID()}.copy`)
    const spooled = stream && (await spoolTo(path, stream))
    if (spooled?.sha256 !== key) {
      await rm(path, { force: true })
      result.damaged.push(key)
      return
    }
    try {
      await to.put(key, { path, sizeBytes: spooled.sizeBytes })
    } finally {
      await rm(path, { force: true })
    }
    result.copied += 1
    result.copiedBytes += spooled.sizeBytes
  }
}
