import { refusal } from '../refusal.ts'
import { MAX_PLIST_DEPTH, MAX_PLIST_VALUES, type PlistValue } from './plist-value.ts'

/** Seconds from 1970 to 2001, from which Apple counts. */
const EPOCH_SECONDS = 978_307_200
const TRAILER_BYTES = 32
/** Of a text in it: a length is what it says. */
const MAX_CHARACTERS = 1024 * 1024
/** Of all of them: more than there is in any, as a text counts as often as it is referred to. */
const MAX_TEXT_BYTES = 8 * 1024 * 1024

/**
 * Our own, as the libraries follow every reference: a few hundred bytes in which each list refers twice to the next one
 * would take them for ever.
 */
export function readBinaryPlist(bytes: Buffer): PlistValue {
  if (bytes.length < TRAILER_BYTES) throw refusal(`Expected a property list, found ${bytes.length} bytes of one.`)
  const trailer = bytes.subarray(bytes.length - TRAILER_BYTES)
  const [offsetBytes, referenceBytes] = [trailer.readUInt8(6), trailer.readUInt8(7)]
  const [count, top, table] = [8, 16, 24].map((at) => Number(trailer.readBigUInt64BE(at))) as [number, number, number]
  if (!isWidth(offsetBytes) || !isWidth(referenceBytes)) {
    throw refusal(`Expected offsets of 1 to 6 bytes, found ${offsetBytes} and ${referenceBytes}.`)
  }
  let left = MAX_PLIST_VALUES
  let leftOfText = MAX_TEXT_BYTES

  function valueAt(reference: number, depth: number): PlistValue {
    if (reference >= count) throw refusal(`Expected one of ${count} values, found number ${reference}.`)
    if (depth > MAX_PLIST_DEPTH) throw refusal(`Expected values at most ${MAX_PLIST_DEPTH} deep, found deeper ones.`)
    if ((left -= 1) < 0) throw refusal(`Expected at most ${MAX_PLIST_VALUES} values, found more.`)
    const offset = bytes.readUIntBE(table + reference * offsetBytes, offsetBytes)
    return read(offset, depth)
  }

  function read(offset: number, depth: number): PlistValue {
    const marker = bytes.readUInt8(offset)
    const [type, low] = [marker >> 4, marker & 0xf]
    switch (type) {
      case 0x0:
        return marker === 0x09
      case 0x1:
        return readInteger(offset + 1, 1 << low)
      case 0x2:
        return low === 2 ? bytes.readFloatBE(offset + 1) : bytes.readDoubleBE(offset + 1)
      case 0x3:
        return new Date((bytes.readDoubleBE(offset + 1) + EPOCH_SECONDS) * 1000)
      case 0x8:
        return readInteger(offset + 1, low + 1)
      default:
        return readLong(type, lengthAt(offset, low), depth)
    }
  }

  function readLong(type: number, { at, length }: { at: number; length: number }, depth: number): PlistValue {
    switch (type) {
      case 0x4:
        return slice(at, length)
      case 0x5:
        return textBytes(at, length).toString('latin1')
      case 0x6:
        return Buffer.from(textBytes(at, length * 2))
          .swap16()
          .toString('utf16le')
      case 0xa:
      case 0xc:
        return references(at, length).map((each) => valueAt(each, depth + 1))
      case 0xd: {
        const keys = references(at, length)
        const values = references(at + length * referenceBytes, length)
        return new Map(keys.map((key, index) => [keyAt(key, depth), valueAt(values[index] ?? count, depth + 1)]))
      }
      default:
        throw refusal(`Expected a value of a property list, found the type ${type}.`)
    }
  }

  function keyAt(reference: number, depth: number): string {
    const key = valueAt(reference, depth + 1)
    if (typeof key === 'string') return key
    throw refusal('Expected keys that are texts, found another value.')
  }

  /** In the four bits of the marker, or in an integer behind it. */
  function lengthAt(offset: number, low: number): { at: number; length: number } {
    if (low < 0xf) return { at: offset + 1, length: low }
    const width = 1 << (bytes.readUInt8(offset + 1) & 0xf)
    return { at: offset + 2 + width, length: readInteger(offset + 2, width) }
  }

  function readInteger(at: number, width: number): number {
    if (width <= 6) return bytes.readUIntBE(at, width)
    return width === 8 ? Number(bytes.readBigInt64BE(at)) : Number(bytes.readBigInt64BE(at + width - 8))
  }

  function references(at: number, length: number): number[] {
    if (length > left) throw refusal(`Expected at most ${MAX_PLIST_VALUES} values, found more.`)
    return Array.from({ length }, (_, index) => bytes.readUIntBE(at + index * referenceBytes, referenceBytes))
  }

  function textBytes(at: number, length: number): Buffer {
    if ((leftOfText -= length) < 0) throw refusal(`Expected at most ${MAX_TEXT_BYTES} bytes of text, found more.`)
    return slice(at, length)
  }

  function slice(at: number, length: number): Buffer {
    if (length < 0 || length > MAX_CHARACTERS * 2 || at + length > bytes.length) {
      throw refusal(`Expected a value within ${bytes.length} bytes, found ${length} bytes at ${at}.`)
    }
    return bytes.subarray(at, at + length)
  }

  return valueAt(top, 0)
}

function isWidth(bytes: number): boolean {
  return bytes >= 1 && bytes <= 6
}
