import { UnexpectedJsonError } from '@hotpatch/protocol'

/** @throws UnexpectedJsonError */
export function readOneOf<const T extends string>(value: unknown, pointer: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value)
  if (found === undefined) throw new UnexpectedJsonError(pointer, `one of ${allowed.join(', ')}`, value)
  return found
}
