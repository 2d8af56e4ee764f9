/** What `writeBinaryPlist` takes. */
export type WrittenPlist =
  | string
  | number
  | boolean
  | Date
  | Buffer
  | readonly WrittenPlist[]
  | { [key: string]: WrittenPlist }

export function writeBinaryPlist(value: WrittenPlist): Buffer {
  const objects: Buffer[] = []
  const add = (each: WrittenPlist): number => {
    const index = objects.push(Buffer.alloc(0)) - 1
    objects[index] = written(each, add)
    return index
  }
  const top = add(value)
  return packBinaryPlist(objects, top)
}

/** Of objects that refer to each other by numbers of two bytes. */
export function packBinaryPlist(objects: readonly Buffer[], top = 0): Buffer {
  const head = Buffer.from('bplist00')
  const table = Buffer.alloc(objects.length * 4)
  let at = head.length
  objects.forEach((object, index) => {
    table.writeUInt32BE(at, index * 4)
    at += object.length
  })
  const trailer = Buffer.alloc(32)
  trailer.writeUInt8(4, 6)
  trailer.writeUInt8(2, 7)
  trailer.writeBigUInt64BE(BigInt(objects.length), 8)
  trailer.writeBigUInt64BE(BigInt(top), 16)
  trailer.writeBigUInt64BE(BigInt(at), 24)
  return Buffer.concat([head, ...objects, table, trailer])
}

function written(value: WrittenPlist, add: (value: WrittenPlist) => number): Buffer {
  if (typeof value === 'boolean') return Buffer.from([value ? 9 : 8])
  if (typeof value === 'number') return Buffer.concat([Buffer.from([0x12]), u32(value)])
  if (typeof value === 'string') {
    const isAscii = /^[\x20-\x7e]*$/.test(value)
    const bytes = isAscii ? Buffer.from(value) : Buffer.from(value, 'utf16le').swap16()
    return Buffer.concat([marker(isAscii ? 5 : 6, value.length), bytes])
  }
  if (value instanceof Date) {
    const seconds = Buffer.alloc(8)
    seconds.writeDoubleBE(value.getTime() / 1000 - 978_307_200)
    return Buffer.concat([Buffer.from([0x33]), seconds])
  }
  if (Buffer.isBuffer(value)) return Buffer.concat([marker(4, value.length), value])
  if (Array.isArray(value)) return listOf((value as readonly WrittenPlist[]).map(add))
  const entries = Object.entries(value)
  const keys = entries.map(([key]) => add(key))
  return Buffer.concat([
    marker(0xd, entries.length),
    references(keys),
    references(entries.map(([, each]) => add(each))),
  ])
}

export function listOf(indexes: readonly number[]): Buffer {
  return Buffer.concat([marker(0xa, indexes.length), references(indexes)])
}

function marker(type: number, length: number): Buffer {
  if (length < 0xf) return Buffer.from([(type << 4) | length])
  return Buffer.concat([Buffer.from([(type << 4) | 0xf, 0x12]), u32(length)])
}

function references(indexes: readonly number[]): Buffer {
  const bytes = Buffer.alloc(indexes.length * 2)
  indexes.forEach((index, place) => bytes.writeUInt16BE(index, place * 2))
  return bytes
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
