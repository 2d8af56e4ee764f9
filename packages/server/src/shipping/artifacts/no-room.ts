import { problem, type Problem } from '@hotpatch/protocol'

export function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT'].includes(String(error.code))
}

export function noRoom(cause: unknown): Problem {
  return problem('unavailable', 'There is no room left to store uploads.', {}, { cause })
}
