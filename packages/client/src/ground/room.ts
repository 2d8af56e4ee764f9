import type { FilesPort } from '@hotpatch/device-ground'
import { UpdateError } from './update-error.ts'

/** @throws UpdateError 'storage-full' where the disk says that it is too small; one that says nothing is tried */
export async function expectRoom(files: FilesPort, neededBytes: number, what: string): Promise<void> {
  const free = await files.freeBytes?.()
  if (free !== undefined && free < neededBytes) {
    throw new UpdateError('storage-full', `${free} bytes are free, ${what} has ${neededBytes}`)
  }
}
