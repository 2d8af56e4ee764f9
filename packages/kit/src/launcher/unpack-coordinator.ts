import { openArchive } from '@hotpatch/client'
import { hexFromBytes, type KitFile } from '@hotpatch/protocol'
import type { ComponentWork } from '../components/component-adapter.ts'
import { folderOf, makeDurableDirectory, removeDurably } from '../ground/durable-files.ts'
import { KitError } from '../ground/kit-error.ts'
import { COORDINATOR_ENTRY, COORDINATOR_VERSIONS } from './launcher.ts'

/** A tool with all that it needs is a hundredth of it. */
const LIMITS = { fileCount: 20_000, pathBytes: 512, unpackedBytes: 1024 ** 3 }
const READ_BYTES = 1024 * 1024

/** The folder of a version: whole and durable under its name, or not there. @throws KitError, UpdateError archive-invalid */
export async function unpackCoordinator(work: ComponentWork, file: KitFile, path: string): Promise<void> {
  const { disk, crypto } = work.ports
  const component = work.step.component.id
  // It may have been downloaded before the machine went down.
  const found = await hashOf(work, path)
  if (found !== file.sha256) {
    throw new KitError('hash-mismatch', `Expected ${file.sha256} at ${path}, found ${found ?? 'no file'}.`, {
      component,
    })
  }
  const folder = `${COORDINATOR_VERSIONS}/${file.sha256}`
  const part = `${folder}.part`
  await makeDurableDirectory(disk, COORDINATOR_VERSIONS)
  await removeDurably(disk, part)
  await removeDurably(disk, folder)
  const archive = await openArchive({ files: disk, crypto }, { path, sizeBytes: file.sizeBytes }, LIMITS)
  await disk.makeDirectory(part)
  const files = await archive.writeTo(part)
  for (const executable of archive.executables) await disk.setExecutable(`${part}/${executable}`, true)
  for (const made of foldersOf(files.map((each) => each.path))) await disk.syncDirectory(`${part}${made}`)
  if ((await disk.stat(`${part}/${COORDINATOR_ENTRY}`))?.kind !== 'file') {
    throw new KitError('archive-invalid', `Expected ${COORDINATOR_ENTRY} in the archive, found none.`, { component })
  }
  await disk.rename(part, folder)
  await disk.syncDirectory(COORDINATOR_VERSIONS)
}

/** Each with a "/" before it, the deepest first; '' is the folder itself. */
function foldersOf(paths: readonly string[]): string[] {
  const all = new Set([''])
  for (const path of paths) {
    for (let folder = folderOf(path); folder !== ''; folder = folderOf(folder)) all.add(`/${folder}`)
  }
  return [...all].toSorted((a, b) => b.length - a.length)
}

async function hashOf({ ports: { disk, crypto } }: ComponentWork, path: string): Promise<string | undefined> {
  if ((await disk.stat(path))?.kind !== 'file') return undefined
  const hasher = crypto.sha256()
  for (let offset = 0; ;) {
    const bytes = await disk.readRange(path, offset, READ_BYTES)
    hasher.update(bytes)
    offset += bytes.length
    if (bytes.length < READ_BYTES) return hexFromBytes(await hasher.digest())
  }
}
