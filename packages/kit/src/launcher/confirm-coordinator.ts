import { utf8FromText } from '@hotpatch/protocol'
import { writeAtomically } from '../ground/durable-files.ts'
import type { KitDisk } from '../ground/kit-disk.ts'
import { readPointerOn } from './coordinator-pointer.ts'
import { COORDINATOR_VERSIONS, POINTER_FILE, writePointer, type CoordinatorPointer } from './launcher.ts'

/**
 * For a coordinator at the end of its first whole run: it works. What `launchedAs` says is the variable that the launcher
 * has set. Then nobody goes back to the one before, whose folder goes.
 */
export async function confirmCoordinator(disk: KitDisk, launchedAs: string | undefined): Promise<boolean> {
  if (!(await isCurrent(disk, launchedAs))) return false
  await change(disk, () => null)
  await sweepCoordinators(disk)
  return true
}

/**
 * For a coordinator that ran as it should and reached nobody: whether it works was not found out. That start does not count,
 * so that whoever cuts a machine off brings no older coordinator back.
 */
export async function excuseCoordinator(disk: KitDisk, launchedAs: string | undefined): Promise<void> {
  if (await isCurrent(disk, launchedAs)) await change(disk, () => ({ starts: 0 }))
}

/** It was started to look at something, which does not count. */
export async function noteLook(disk: KitDisk, launchedAs: string | undefined): Promise<void> {
  if (await isCurrent(disk, launchedAs)) await change(disk, ({ starts }) => ({ starts: Math.max(0, starts - 1) }))
}

async function isCurrent(disk: KitDisk, launchedAs: string | undefined): Promise<boolean> {
  return Boolean(launchedAs) && (await readPointerOn(disk)).current?.sha256 === launchedAs
}

type Probation = NonNullable<CoordinatorPointer['probation']>

async function change(disk: KitDisk, to: (probation: Probation) => Probation | null): Promise<void> {
  const pointer = await readPointerOn(disk)
  if (pointer.probation === null) return
  const probation = to(pointer.probation)
  await writeAtomically(disk, POINTER_FILE, utf8FromText(writePointer({ ...pointer, probation })))
}

/** Every version but the current one and, while that is on probation, the one before. */
async function sweepCoordinators(disk: KitDisk): Promise<void> {
  const { current, previous } = await readPointerOn(disk)
  const kept = new Set([current?.sha256, previous?.sha256])
  const old = ((await disk.list(COORDINATOR_VERSIONS)) ?? []).filter((name) => !kept.has(name))
  for (const name of old) await disk.remove(`${COORDINATOR_VERSIONS}/${name}`)
  if (old.length > 0) await disk.syncDirectory(COORDINATOR_VERSIONS)
}
