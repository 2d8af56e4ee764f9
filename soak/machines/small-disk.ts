import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface SmallDisk {
  directory: string
  /** Until nothing more goes on it. */
  fill(): void
  empty(): void
  unmount(): Promise<void>
}

const SIZE_BYTES = 1536 * 1024 * 1024
const PIECE = Buffer.alloc(1024 * 1024, 0x5a)

/** A file system of its own in a file, which can be filled. @throws where nothing may be mounted */
export async function mountSmallDisk(folder: string): Promise<SmallDisk> {
  const [image, directory] = [join(folder, 'disk.image'), join(folder, 'disk')]
  await mkdir(directory)
  await writeFile(image, '')
  await truncate(image, SIZE_BYTES)
  execFileSync('mkfs.ext4', ['-q', '-m', '0', image], { stdio: 'pipe' })
  execFileSync('mount', ['-o', 'loop', image, directory], { stdio: 'pipe' })
  const filler = join(directory, 'filler')

  function fill(): void {
    const file = openSync(filler, 'a')
    try {
      for (const piece of [PIECE, PIECE.subarray(0, 4096), PIECE.subarray(0, 1)]) writeAll(file, piece)
    } finally {
      closeSync(file)
    }
  }

  return {
    directory,
    fill,
    empty: () => rmSync(filler, { force: true }),
    async unmount() {
      execFileSync('umount', ['-l', directory], { stdio: 'pipe' })
      await rm(image, { force: true })
    },
  }
}

/** Whole pieces, until the disk has no room for one. */
function writeAll(file: number, piece: Uint8Array): void {
  for (let written = 0; written < SIZE_BYTES; written += piece.length) {
    try {
      if (writeSync(file, piece) < piece.length) return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return
      throw error
    }
  }
}
