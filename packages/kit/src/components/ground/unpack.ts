import { openArchive } from '@hotpatch/client'
import { folderOf, makeDurableDirectory } from '../../ground/durable-files.ts'
import type { KitDisk } from '../../ground/kit-disk.ts'
import type { ComponentPorts } from '../component-adapter.ts'
import type { ComponentArtifact } from './component-artifact.ts'
import { fail } from './component-errors.ts'

/** Kits §3.1: of what an archive may become. */
const MAX_FILES = 50_000
const MAX_PATH_BYTES = 512
const MAX_UNPACKED_BYTES = 8 * 1024 ** 3
/** More than what people pack becomes, and far less than what a bomb does. */
const MAX_GROWTH = 100
const GROWS_ANYWAY_BYTES = 64 * 1024 ** 2

/**
 * A folder with the files of a zip, whole and durable, or none at all.
 * @param expects a file that has to be in it
 * @throws UpdateError archive-invalid, KitError storage-full
 */
export async function unpackFolder(
  { disk, crypto }: ComponentPorts,
  { path, file }: ComponentArtifact,
  { folder, component, expects }: { folder: string; component: string; expects?: string },
): Promise<void> {
  const unpackedBytes = Math.min(MAX_UNPACKED_BYTES, GROWS_ANYWAY_BYTES + MAX_GROWTH * file.sizeBytes)
  const limits = { fileCount: MAX_FILES, pathBytes: MAX_PATH_BYTES, unpackedBytes }
  const archive = await openArchive({ files: disk, crypto }, { path, sizeBytes: file.sizeBytes }, limits)
  const freeBytes = await disk.freeBytes?.()
  if (freeBytes !== undefined && freeBytes < archive.unpackedBytes) {
    const message = `${freeBytes} bytes are free, ${component} has ${archive.unpackedBytes} unpacked: make room, and apply again.`
    fail('storage-full', component, message)
  }
  const part = `${folder}.part`
  await makeDurableDirectory(disk, folderOf(folder))
  await disk.remove(part)
  await disk.makeDirectory(part)
  const files = await archive.writeTo(part)
  for (const executable of archive.executables) await disk.setExecutable(`${part}/${executable}`, true)
  for (const made of foldersOf(files.map((each) => each.path))) await disk.syncDirectory(`${part}${made}`)
  if (expects !== undefined && (await disk.stat(`${part}/${expects}`))?.kind !== 'file') {
    fail('archive-invalid', component, `Expected ${expects} in the archive of ${component}, found none.`)
  }
  await disk.rename(part, folder)
  await disk.syncDirectory(folderOf(folder))
}

/** Each with a "/" before it, the deepest first; '' is the folder itself. */
function foldersOf(paths: readonly string[]): string[] {
  const all = new Set([''])
  for (const path of paths) {
    for (let folder = folderOf(path); folder !== ''; folder = folderOf(folder)) all.add(`/${folder}`)
  }
  return [...all].toSorted((a, b) => b.length - a.length)
}

/** Removes a folder that nothing leads to, with what was begun of it. */
export async function removeFolder(disk: KitDisk, folder: string): Promise<void> {
  const parent = folderOf(folder)
  if ((await disk.stat(parent)) === undefined) return
  await disk.remove(`${folder}.part`)
  await disk.remove(folder)
  await disk.syncDirectory(parent)
}
