import { problem, readBinaryRange, type BinaryRange } from '@hotpatch/protocol'

/** @throws problem invalid-request */
export function requirementOf(appVersion: string): BinaryRange {
  const range = readBinaryRange(appVersion)
  if (range) return range
  throw problem('invalid-request', `appVersion: expected a version or range of the binary, found "${appVersion}".`)
}
