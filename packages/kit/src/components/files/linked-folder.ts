import { folderOf, makeDurableDirectory } from '../../ground/durable-files.ts'
import { VERSIONS_FOLDER } from '../../ground/kit-layout.ts'
import type { ComponentWork } from '../component-adapter.ts'
import { pathOf } from '../ground/component-facts.ts'
import { expectArtifact } from '../ground/component-artifact.ts'
import { fail } from '../ground/component-errors.ts'
import { KEPT, keepPlace, readOwnLink, removeMade, type KeptPlace } from '../ground/kept-place.ts'
import { nameOf } from '../ground/paths.ts'
import { removeFolder, unpackFolder } from '../ground/unpack.ts'

/**
 * Kits §3.1: a folder that is exchanged at once: its place is a link to a version of it, which never changes once it is
 * unpacked.
 */
export async function prepareFolder(work: ComponentWork): Promise<void> {
  const { disk } = work.ports
  const path = pathOf(work)
  const { id } = work.step.component
  const kept = await keepPlace(work, path)
  if (kept.kind === 'file') fail('installation-invalid', id, `Expected a folder at ${path}, or nothing; found a file.`)
  const version = versionOf(work)
  if ((await disk.readLink(path)) === linkTo(version, path)) return
  const artifact = await expectArtifact(work)
  // It may be of an earlier apply, and somebody may have changed it since.
  await removeFolder(disk, version)
  await unpackFolder(work.ports, artifact, { folder: version, component: id })
}

export async function exchangeFolder(work: ComponentWork): Promise<void> {
  const { disk } = work.ports
  const path = pathOf(work)
  const parent = folderOf(path)
  await makeDurableDirectory(disk, parent)
  if ((await disk.stat(path))?.kind === 'directory') {
    // At both places after a power cut, on disks that make folders durable one by one.
    await disk.remove(`${work.workPath}/${KEPT}`)
    await disk.rename(path, `${work.workPath}/${KEPT}`)
    // It has to be somewhere, whatever happens.
    await disk.syncDirectory(work.workPath)
    await disk.syncDirectory(parent)
  }
  await disk.link(linkTo(versionOf(work), path), path)
  await disk.syncDirectory(parent)
}

/** The old folder is where it was. */
export async function putFolderBack(work: ComponentWork, kept: KeptPlace): Promise<void> {
  const { disk } = work.ports
  const { path } = work.place
  if (kept.kind === 'link' && (await disk.readLink(path)) !== kept.target) {
    await disk.link(kept.target, path)
    await disk.syncDirectory(folderOf(path))
  }
  if (kept.kind === 'absent') await removeMade(disk, kept, path)
  if (kept.kind === 'folder') await moveBack(work)
}

async function moveBack({ place: { path }, workPath, ports: { disk } }: ComponentWork): Promise<void> {
  const aside = `${workPath}/${KEPT}`
  // It never went, or is back.
  if ((await disk.stat(aside)) === undefined || (await disk.stat(path))?.kind === 'directory') return
  if ((await disk.readLink(path)) !== undefined) await disk.remove(path)
  await disk.rename(aside, path)
  await disk.syncDirectory(folderOf(path))
  await disk.syncDirectory(workPath)
}

/** The new version goes, if it is not what was there before. */
export async function forgetVersion(work: ComponentWork, kept: KeptPlace): Promise<void> {
  const version = versionOf(work)
  if (kept.kind === 'link' && kept.target === linkTo(version, work.place.path)) return
  await removeFolder(work.ports.disk, version)
  await removeIfEmpty(work)
}

async function removeIfEmpty({ step, ports: { disk } }: ComponentWork): Promise<void> {
  const folder = `${VERSIONS_FOLDER}/${step.component.id}`
  if ((await disk.list(folder))?.length !== 0) return
  await disk.remove(folder)
  await disk.syncDirectory(VERSIONS_FOLDER)
}

/** Every version but the one that is in use. */
export async function sweepVersions(work: ComponentWork): Promise<void> {
  const { disk } = work.ports
  const current = await readOwnLink(disk, work.place.path)
  if (current === undefined) return
  const folder = `${VERSIONS_FOLDER}/${work.step.component.id}`
  const old = ((await disk.list(folder)) ?? []).filter((name) => name !== nameOf(current))
  for (const name of old) await disk.remove(`${folder}/${name}`)
  if (old.length > 0) await disk.syncDirectory(folder)
}

/** Which version lies there, by the link; undefined where it is none of the coordinator's. */
export async function linkedDigest(work: Pick<ComponentWork, 'place' | 'ports'>): Promise<string | undefined> {
  const target = await work.ports.disk.readLink(work.place.path)
  const name = target === undefined ? '' : nameOf(target)
  return /^[0-9a-f]{64}$/.test(name) ? name : undefined
}

function versionOf({ step }: ComponentWork): string {
  const { component, file } = step
  if (!file) fail('no-file-for-machine', component.id, `The release has no file of ${component.id} for this machine.`)
  return `${VERSIONS_FOLDER}/${component.id}/${file.sha256}`
}

function linkTo(version: string, path: string): string {
  return '../'.repeat(path.split('/').length - 1) + version
}
