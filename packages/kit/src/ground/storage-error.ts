import { isFullDisk } from './full-disk.ts'
import { KitError } from './kit-error.ts'

const FORBIDDEN = new Set<unknown>(['EACCES', 'EPERM', 'EROFS'])

/** What a disk says, in the words of kits. Anything else is a bug, and stays what it is. */
export function asStorageError(error: unknown): unknown {
  if (error instanceof KitError || !(error instanceof Error) || !('code' in error)) return error
  const { code, message } = error
  if (isFullDisk(error)) {
    return new KitError('storage-full', 'the disk is full: make room and try again', { cause: error })
  }
  if (FORBIDDEN.has(code)) {
    const advice = 'run it as the user who owns the installation, on a disk that can be written'
    return new KitError('storage-failed', `${message}: ${advice}. See: hotpatch kit doctor`, { cause: error })
  }
  const isOfSystem = /^E(?!RR_)[A-Z0-9]+$/.test(String(code))
  return isOfSystem ? new KitError('storage-failed', `the disk failed: ${message}`, { cause: error }) : error
}

export async function inWordsOfDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asStorageError(error)
  }
}
