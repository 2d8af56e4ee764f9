import { textFromUtf8, utf8FromText } from '@hotpatch/protocol'
import { writeAtomically } from '../ground/durable-files.ts'
import type { KitDisk } from '../ground/kit-disk.ts'
import { COORDINATOR_VERSIONS, POINTER_FILE, readPointer, writePointer } from './launcher.ts'

/**
 * For a coordinator at the end of its first whole run: it works. What `launchedAs` says is the variable that the launcher
 * has set. Then nobody goes back to the one before, whose folder goes.
 */
export async function confirmCoordinator(disk: KitDisk, launchedAs: string | undefined): Promise<boolean> {
  if (!launchedAs) return false
  const pointer = readPointer(textFromUtf8((await disk.read(POINTER_FILE)) ?? new Uint8Array()))
  const { current, probation } = pointer
  if (current?.sha256 !== launchedAs) return false
  if (probation !== null) {
    await writeAtomically(disk, POINTER_FILE, utf8FromText(writePointer({ ...pointer, probation: null })))
  }
  await sweepCoordinators(disk)
  return true
}

/**
 * For a coordinator that ran as it should and reached nobody: whether it works was not found out. That start does not count,
 * so that whoever cuts a machine off brings no older coordinator back.
 */
export async function excuseCoordinator(disk: KitDisk, launchedAs: string | undefined): Promise<void> {
  if (!launchedAs) return
  const pointer = readPointer(textFromUtf8((await disk.read(POINTER_FILE)) ?? new Uint8Array()))
  if (pointer.current?.sha256 !== launchedAs || pointer.probation === null) return
  await writeAtomically(disk, POINTER_FILE, utf8FromText(writePointer({ ...pointer, probation: { starts: 0 } })))
}

/** Every version but the current one and, while that is on probation, the one before. */
async function sweepCoordinators(disk: KitDisk): Promise<void> {
  const { current, previous } = readPointer(textFromUtf8((await disk.read(POINTER_FILE)) ?? new Uint8Array()))
  const kept = new Set([current?.sha256, previous?.sha256])
  const old = ((await disk.list(COORDINATOR_VERSIONS)) ?? []).filter((name) => !kept.has(name))
  for (const name of old) await disk.remove(`${COORDINATOR_VERSIONS}/${name}`)
  if (old.length > 0) await disk.syncDirectory(COORDINATOR_VERSIONS)
}
