import { Problem, UnexpectedJsonError } from '@hotpatch/protocol'

/** What readers of the server and of devices throw at what they do not take. */
export function isReaderRefusal(error: unknown): boolean {
  return error instanceof UnexpectedJsonError || error instanceof Problem
}
