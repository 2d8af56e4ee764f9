import type { ByteRange } from '../../ground/storage/storage-driver.ts'

const ONE_RANGE = /^bytes=(?:(\d+)-(\d*)|-(\d+))$/i

/**
 * RFC 9110 §14: the single range that a header asks for, cut to the size. Undefined is the whole: for no header, for
 * one that is not understood, and for several ranges, which a server may ignore.
 */
export function readRange(header: string | undefined, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const match = ONE_RANGE.exec(header?.replaceAll(' ', '') ?? '')
  if (!match) return undefined
  const [, first, last, suffix] = match
  const start = first === undefined ? Math.max(0, sizeBytes - Number(suffix)) : Number(first)
  const end = first === undefined || last === '' ? sizeBytes - 1 : Number(last)
  if (last && end < start) return undefined
  return start < sizeBytes ? { start, end: Math.min(end, sizeBytes - 1) } : 'unsatisfiable'
}
