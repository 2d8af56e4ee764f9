import type { ByteRange } from '../../ground/storage/storage-driver.ts'

/** A client that takes only what changed asks for some five hundred at once. */
export const MAX_RANGES = 1_000

const BYTES = /^bytes=(.*)$/i
const RANGE = /^(?:(\d+)-(\d*)|-(\d+))$/

/**
 * RFC 9110 §14: the ranges that a header asks for, in its order, cut to the size. Undefined is the whole: for no header,
 * for one that is not understood, for too many ranges, and for ranges that together are more than the whole (§17.15).
 */
export function readRanges(
  header: string | undefined,
  sizeBytes: number,
): readonly ByteRange[] | 'unsatisfiable' | undefined {
  const set = BYTES.exec(header?.replaceAll(/[ \t]/g, '') ?? '')?.[1]
  // Empty members of a list mean nothing (§5.6.1.2).
  const members = set?.split(',').filter((member) => member !== '') ?? []
  if (members.length === 0 || members.length > MAX_RANGES) return undefined
  const ranges: ByteRange[] = []
  let asked = 0
  for (const member of members) {
    const range = readRange(member, sizeBytes)
    if (range === undefined) return undefined
    if (range === 'unsatisfiable') continue
    asked += range.end - range.start + 1
    if (asked > sizeBytes) return undefined
    ranges.push(range)
  }
  return ranges.length > 0 ? ranges : 'unsatisfiable'
}

function readRange(member: string, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const match = RANGE.exec(member)
  if (!match) return undefined
  const [, first, last, suffix] = match
  const start = first === undefined ? Math.max(0, sizeBytes - Number(suffix)) : Number(first)
  const end = first === undefined || last === '' ? sizeBytes - 1 : Number(last)
  if (last && end < start) return undefined
  return start < sizeBytes ? { start, end: Math.min(end, sizeBytes - 1) } : 'unsatisfiable'
}
