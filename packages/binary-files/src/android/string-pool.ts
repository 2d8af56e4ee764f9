import { refusal } from '../refusal.ts'
import type { Chunk } from './chunks.ts'

/** Undefined for the index that stands for none. */
export type StringPool = (index: number) => string | undefined

export const NO_STRING = 0xffff_ffff
const IS_UTF8 = 0x100
/** Long labels and permissions have some hundred characters. */
const MAX_STRING_BYTES = 64 * 1024
/** Of all that is asked for: a long one may be meant by as many places as there are. */
const MAX_POOL_BYTES = 16 * 1024 * 1024

/** Decodes a string when it is asked for: a pool says that it has as many as it likes, all of them at one place. */
export function readStringPool({ whole, headerBytes }: Chunk): StringPool {
  const count = whole.readUInt32LE(8)
  const isUtf8 = (whole.readUInt32LE(16) & IS_UTF8) !== 0
  const stringsStart = whole.readUInt32LE(20)
  let left = MAX_POOL_BYTES
  return (index) => {
    if (index === NO_STRING) return undefined
    if (index >= count) throw refusal(`Expected one of ${count} strings, found number ${index}.`)
    const at = stringsStart + whole.readUInt32LE(headerBytes + index * 4)
    const text = isUtf8 ? utf8At(whole, at) : utf16At(whole, at)
    if ((left -= text.length) < 0) throw refusal(`Expected at most ${MAX_POOL_BYTES} bytes of text, found more.`)
    return text.toString(isUtf8 ? 'utf8' : 'utf16le')
  }
}

/** Its length in characters, and then in bytes, each of one or two bytes. */
function utf8At(whole: Buffer, at: number): Buffer {
  const lengthAt = at + (whole.readUInt8(at) & 0x80 ? 2 : 1)
  const first = whole.readUInt8(lengthAt)
  const isLong = (first & 0x80) !== 0
  const length = isLong ? ((first & 0x7f) << 8) | whole.readUInt8(lengthAt + 1) : first
  return slice(whole, lengthAt + (isLong ? 2 : 1), length)
}

function utf16At(whole: Buffer, at: number): Buffer {
  const first = whole.readUInt16LE(at)
  const isLong = (first & 0x8000) !== 0
  const length = isLong ? (first & 0x7fff) * 0x1_0000 + whole.readUInt16LE(at + 2) : first
  return slice(whole, at + (isLong ? 4 : 2), length * 2)
}

function slice(whole: Buffer, start: number, bytes: number): Buffer {
  if (bytes > MAX_STRING_BYTES || start + bytes > whole.length) {
    throw refusal(`Expected a string within its pool of ${whole.length} bytes, found ${bytes} bytes at ${start}.`)
  }
  return whole.subarray(start, start + bytes)
}
