import type { KitDisk } from './kit-disk.ts'
import { namesOf } from './disk-path.ts'
import { KitError } from './kit-error.ts'
import { KIT_FOLDER } from './kit-layout.ts'

/** With its parents, whose names are durable as well. */
export async function makeDurableDirectory(
  disk: Pick<KitDisk, 'stat' | 'makeDirectory' | 'syncDirectory'>,
  path: string,
): Promise<void> {
  const names = namesOf(path)
  for (const [index] of names.entries()) {
    const parent = names.slice(0, index).join('/')
    const at = names.slice(0, index + 1).join('/')
    const found = await disk.stat(at)
    if (found?.kind === 'directory') continue
    if (found && isOwn(at, found.kind)) throw inTheWay('a folder', at, found.kind)
    await disk.makeDirectory(at)
    await disk.syncDirectory(parent)
  }
}

/** Links are followed elsewhere, into kept versions; none is in the way to those. */
function isOwn(path: string, kind: FileKind): boolean {
  return kind === 'file' || path.split('/')[0] === KIT_FOLDER
}

/**
 * Whoever reads it finds what was there, or this; durable. Its folder must be there.
 * @throws KitError storage-failed, where something lies that is no file
 */
export async function writeAtomically(
  disk: Pick<KitDisk, 'stat' | 'write' | 'rename' | 'syncDirectory'>,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  try {
    await disk.write(`${path}.new`, bytes)
    await disk.rename(`${path}.new`, path)
  } catch (error) {
    throw await saidOf(error, [`${path}.new`, path], disk)
  }
  await disk.syncDirectory(folderOf(path))
}

/** The system's own word for it, such as EISDIR, says nobody what to do. */
async function saidOf(error: unknown, paths: readonly string[], disk: Pick<KitDisk, 'stat'>): Promise<unknown> {
  if (error instanceof KitError) return error
  for (const path of paths) {
    const found = await disk.stat(path).catch(() => undefined)
    if (found && found.kind !== 'file') return inTheWay('a file, or nothing,', path, found.kind, error)
  }
  return error
}

type FileKind = NonNullable<Awaited<ReturnType<KitDisk['stat']>>>['kind']
const FOUND = { file: 'a file', directory: 'a folder', other: 'a link, or something else that is neither' } as const

/** Nobody but the coordinator puts anything there. */
export function inTheWay(expected: string, path: string, found: FileKind, cause?: unknown): KitError {
  const message = `Expected ${expected} at ${path}, found ${FOUND[found]}. Move it away, and start again: what belongs there is made anew.`
  return new KitError('storage-failed', message, cause === undefined ? {} : { cause })
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
