import type { KitDisk } from './kit-disk.ts'
import { namesOf } from './disk-path.ts'

/** With its parents, whose names are durable as well. */
export async function makeDurableDirectory(
  disk: Pick<KitDisk, 'stat' | 'makeDirectory' | 'syncDirectory'>,
  path: string,
): Promise<void> {
  const names = namesOf(path)
  for (const [index] of names.entries()) {
    const parent = names.slice(0, index).join('/')
    const at = names.slice(0, index + 1).join('/')
    if ((await disk.stat(at))?.kind === 'directory') continue
    await disk.makeDirectory(at)
    await disk.syncDirectory(parent)
  }
}

/** Whoever reads it finds what was there, or this; durable. Its folder must be there. */
export async function writeAtomically(
  disk: Pick<KitDisk, 'write' | 'rename' | 'syncDirectory'>,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  await disk.write(`${path}.new`, bytes)
  await disk.rename(`${path}.new`, path)
  await disk.syncDirectory(folderOf(path))
}

/** Does nothing, durably, when it is absent. */
export async function removeDurably(
  disk: Pick<KitDisk, 'stat' | 'remove' | 'syncDirectory'>,
  path: string,
): Promise<void> {
  if (!(await disk.stat(path))) return
  await disk.remove(path)
  await disk.syncDirectory(folderOf(path))
}

export function folderOf(path: string): string {
  return namesOf(path).slice(0, -1).join('/')
}
