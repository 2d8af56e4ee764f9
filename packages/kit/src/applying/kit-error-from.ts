import { messageOf } from '@hotpatch/device-ground'
import { isFullDisk } from '../ground/full-disk.ts'
import { KitError } from '../ground/kit-error.ts'
import type { Why } from './journal-record.ts'

/** What the system says, in the words of kits. */
export function kitErrorFrom(error: unknown, component?: string): KitError {
  if (error instanceof KitError) return error
  const code = isFullDisk(error) ? 'storage-full' : 'storage-failed'
  return new KitError(code, messageOf(error), { ...(component !== undefined && { component }), cause: error })
}

export function whyOf(error: unknown, component?: string): Why {
  const { code, message, component: own } = kitErrorFrom(error, component)
  const which = component ?? own
  return { code, message, ...(which !== undefined && { component: which }) }
}
