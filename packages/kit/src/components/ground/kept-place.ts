import { readObject, textFromUtf8, utf8FromText } from '@hotpatch/protocol'
import { followLink, namesOf } from '../../ground/disk-path.ts'
import { folderOf, makeDurableDirectory } from '../../ground/durable-files.ts'
import type { KitDisk } from '../../ground/kit-disk.ts'
import type { ComponentWork } from '../component-adapter.ts'
import { fail, isFull } from './component-errors.ts'
import { writeWork } from './work-folder.ts'

/** What lay at a place before anything was done, written down before anything is. */
export type KeptPlace =
  /** `madeFrom`: the first folder on the way that was not there either. */
  | { kind: 'absent'; madeFrom: string | undefined }
  /** A copy lies in the work folder, with its rights. */
  | { kind: 'file' }
  /** It is moved into the work folder by the apply. */
  | { kind: 'folder' }
  | { kind: 'link'; target: string }

/** Under which a record, and what it is of, lie in the work folder. */
export const KEPT = 'kept'
const recordOf = (name: string) => `${name}.json`

/**
 * Keeps what lies at `path`, once: what a second try finds there may be the new already.
 * @throws KitError path-escapes of a link that leads elsewhere than to a kept version
 */
export async function keepPlace(work: ComponentWork, path: string, name = KEPT): Promise<KeptPlace> {
  const { workPath, ports } = work
  const before = await readKept(work, name)
  if (before) return before
  await makeDurableDirectory(ports.disk, workPath)
  const kept = await lookAt(ports.disk, path)
  if (kept.kind === 'file') {
    await ports.disk.copyFile(path, `${workPath}/${name}`)
    await ports.disk.syncDirectory(workPath)
  }
  await writeWork(work, recordOf(name), utf8FromText(JSON.stringify(kept)))
  return kept
}

/** Undefined before it was kept: then nothing was done. */
export async function readKept(
  { workPath, ports: { disk } }: ComponentWork,
  name = KEPT,
): Promise<KeptPlace | undefined> {
  const bytes = await disk.read(`${workPath}/${recordOf(name)}`)
  return bytes && (readObject(JSON.parse(textFromUtf8(bytes) ?? ''), '') as unknown as KeptPlace)
}

async function lookAt(disk: KitDisk, path: string): Promise<KeptPlace> {
  const stat = await disk.stat(path)
  if (stat?.kind === 'file') return { kind: 'file' }
  if (stat?.kind === 'directory') return { kind: 'folder' }
  if (stat === undefined) return { kind: 'absent', madeFrom: await firstMissing(disk, path) }
  const target = await readOwnLink(disk, path)
  if (target === undefined)
    fail('path-escapes', path, `Expected a file, a folder or nothing at ${path}, found something else.`)
  return { kind: 'link', target }
}

async function firstMissing(disk: KitDisk, path: string): Promise<string | undefined> {
  const names = path.split('/').slice(0, -1)
  for (const [index] of names.entries()) {
    const folder = names.slice(0, index + 1).join('/')
    if ((await disk.stat(folder)) === undefined) return folder
  }
  return undefined
}

/** Where a link leads that the coordinator has made; undefined where there is none. @throws KitError path-escapes */
export async function readOwnLink(disk: KitDisk, path: string): Promise<string | undefined> {
  const target = await disk.readLink(path)
  if (target !== undefined) followLink(namesOf(path), target)
  return target
}

/** A copy of the work folder, or a file that was made there, takes the place at once; durable. */
export async function placeFile(
  { workPath, ports: { disk } }: ComponentWork,
  name: string,
  path: string,
): Promise<void> {
  await makeDurableDirectory(disk, folderOf(path))
  await disk.rename(`${workPath}/${name}`, path)
  await disk.syncDirectory(folderOf(path))
}

/** The file that was kept lies at its place again; of none, and of a link, the same. */
export async function putFileBack(work: ComponentWork, kept: KeptPlace, path: string, name = KEPT): Promise<void> {
  const { disk } = work.ports
  switch (kept.kind) {
    case 'file':
      await putCopyBack(work, path, name)
      return
    case 'absent':
      await removeMade(disk, kept, path)
      return
    case 'link':
      // A file lies there now, which no link takes the place of.
      if ((await disk.readLink(path)) !== kept.target) await removePlace(disk, path)
      await disk.link(kept.target, path)
      await disk.syncDirectory(folderOf(path))
      return
    case 'folder':
  }
}

/** What is kept stays, so that it can be put back twice; on a disk without room for two it goes itself. */
async function putCopyBack(work: ComponentWork, path: string, name: string): Promise<void> {
  const { workPath, ports } = work
  // It has gone to its place by itself.
  if ((await ports.disk.stat(`${workPath}/${name}`)) === undefined) return
  const copy = `${name}.back`
  try {
    await ports.disk.copyFile(`${workPath}/${name}`, `${workPath}/${copy}`)
  } catch (error) {
    if (!isFull(error)) throw error
    await ports.disk.remove(`${workPath}/${copy}`)
    await placeFile(work, name, path)
    return
  }
  await placeFile(work, copy, path)
}

async function removePlace(disk: KitDisk, path: string): Promise<void> {
  if ((await disk.stat(path))?.kind === 'file') await disk.remove(path)
}

/** What was put where nothing was, and the folders that led there and hold nothing else. */
export async function removeMade(
  disk: KitDisk,
  { madeFrom }: Extract<KeptPlace, { kind: 'absent' }>,
  path: string,
): Promise<void> {
  const parent = folderOf(path)
  if ((await disk.stat(path)) !== undefined) {
    await disk.remove(path)
    await disk.syncDirectory(parent)
  }
  if (madeFrom === undefined) return
  for (let folder = parent; folder.length >= madeFrom.length; folder = folderOf(folder)) {
    const names = await disk.list(folder)
    if (names === undefined) continue
    if (names.length > 0) return
    await disk.remove(folder)
    await disk.syncDirectory(folderOf(folder))
  }
}
