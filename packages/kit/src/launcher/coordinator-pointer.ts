import { textFromUtf8 } from '@hotpatch/protocol'
import type { KitDisk } from '../ground/kit-disk.ts'
import { POINTER_FILE, readPointer, type CoordinatorPointer } from './launcher.ts'

/** As the launcher reads it: where there is none, or a damaged one, it is that of the installed coordinator. */
export async function readPointerOn(disk: KitDisk): Promise<CoordinatorPointer> {
  if ((await disk.stat(POINTER_FILE))?.kind !== 'file') return readPointer(undefined)
  return readPointer(textFromUtf8((await disk.read(POINTER_FILE)) ?? new Uint8Array()))
}
