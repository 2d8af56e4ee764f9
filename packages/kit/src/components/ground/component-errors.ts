import { UpdateError } from '@hotpatch/client'
import { KitError, type KitCode } from '../../ground/kit-error.ts'

const FULL = new Set<unknown>(['ENOSPC', 'EDQUOT'])

/** What the disk and the archive say, in the words of kits. Anything else stays what it is. */
export async function inWordsOfKits<T>(component: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw asKitError(cause, component)
  }
}

function asKitError(cause: unknown, component: string): unknown {
  if (cause instanceof UpdateError && cause.code === 'archive-invalid') {
    return new KitError('archive-invalid', `Of ${component} ${cause.message}`, { component, cause })
  }
  const isTooFull = isFull(cause) || (cause instanceof UpdateError && cause.code === 'storage-full')
  if (!isTooFull) return cause
  return new KitError('storage-full', `The disk is full, at ${component}: make room, and apply again.`, {
    component,
    cause,
  })
}

export function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && FULL.has(error.code)
}

/** A way back that fails in what people have to look at. What the disk says goes on as it is. */
export async function asRevert<T>(component: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof KitError)) throw cause
    throw new KitError('revert-failed', `${component} could not be taken back. ${cause.message}`, { component, cause })
  }
}

export function fail(code: KitCode, component: string, message: string): never {
  throw new KitError(code, message, { component })
}
