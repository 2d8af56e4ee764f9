import {
  compareNativeVersions,
  compareSemver,
  compareWithBound,
  androidVersion,
  binaryRangeOf,
  isInNativeRange,
  parseBinaryVersion,
  parseNativeRange,
  parseNativeVersion,
  parseSemver,
  readBinaryRange,
} from '@hotpatch/protocol'
import { Broken, type Target } from '../engine/target.ts'

/** Two versions, ranges and bounds, one in each line. */
export const target: Target = {
  reads: 'versions of semver and of stores, ranges of them, of CodePush, too',
  maxBytes: 400,
  read(input) {
    const [left = '', right = ''] = Buffer.from(input).toString('utf8').split('\n')
    orderOf(parseSemver(left), parseSemver(right), compareSemver)
    orderOf(parseNativeVersion(left), parseNativeVersion(right), compareNativeVersions)
    const version = parseBinaryVersion(left)
    const bound = parseBinaryVersion(right)
    if (version && bound) compareWithBound(version, bound)
    const range = parseNativeRange(right)
    if (version && range && typeof isInNativeRange(version, range) !== 'boolean') throw new Broken('neither in nor out')
    const binaries = readBinaryRange(left)
    // What is written may be longer than what is read.
    const written = binaries && binaryRangeOf(binaries)
    if (written !== undefined && written.length <= 256 && !readBinaryRange(written))
      throw new Broken('a range that is written cannot be read')
    androidVersion(left)
  },
  refuses: () => false,
}

function orderOf<Version>(
  a: Version | undefined,
  b: Version | undefined,
  compare: (a: Version, b: Version) => number,
): void {
  if (!a || !b) return
  if (compare(a, a) !== 0) throw new Broken('a version is not the same as itself')
  const [there, back] = [compare(a, b), compare(b, a)]
  if (Number.isNaN(there) || Math.sign(there) !== -Math.sign(back))
    throw new Broken('an order that depends on who asks')
}

export function seeds() {
  return [
    '1.2.3\n1.2.4',
    '1.0.0-beta.2+5\n>=1.2.0 <2.0.0',
    '1.2.3.4\n^1.2',
    '>=1.0.0 <2.0.0\n1.x',
    '34\n~1.2.3',
    '1.2.3-4.5.6\n1.2 - 1.4 || 2.*',
  ]
}
