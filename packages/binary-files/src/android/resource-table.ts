import { refusal } from '../refusal.ts'
import { bodyOf, chunkAt, chunksIn, STRING_POOL, TABLE, type Chunk } from './chunks.ts'
import { resourceValue, type ResourceValue } from './resource-value.ts'
import { readStringPool, type StringPool } from './string-pool.ts'

/** One value of a resource, for devices of one configuration. */
export interface ConfiguredValue {
  value: ResourceValue
  /** Has none of a language. */
  isForAllLanguages: boolean
  /** In dots per inch; 0 when it is not for one. */
  density: number
}

export interface ResourceTable {
  valuesOf(id: number): ConfiguredValue[]
}

const PACKAGE = 0x0200
const TYPE = 0x0201
const PACKAGE_ID_AT = 8
const IS_SPARSE = 1
const HAS_SHORT_OFFSETS = 2
const NO_ENTRY = 0xffff_ffff
const NO_SHORT_ENTRY = 0xffff
const IS_COMPLEX = 1
const IS_COMPACT = 8

/** Some 50 types in some 200 configurations, in the largest real apps. */
const MAX_TYPES = 50_000

/** Looks at what is asked for alone: a table says that it has as much as it likes. */
export function readResourceTable(bytes: Buffer): ResourceTable {
  let strings: StringPool = () => undefined
  const types = new Map<number, Chunk[]>()
  let count = 0
  for (const chunk of chunksIn(bodyOf(chunkAt(bytes, 0, TABLE)))) {
    if (chunk.type === STRING_POOL) strings = readStringPool(chunk)
    if (chunk.type !== PACKAGE) continue
    const packageId = chunk.whole.readUInt32LE(PACKAGE_ID_AT)
    for (const inner of chunksIn(bodyOf(chunk))) {
      if (inner.type !== TYPE) continue
      if ((count += 1) > MAX_TYPES) throw refusal(`Expected at most ${MAX_TYPES} types of resources, found more.`)
      const key = typeKey(packageId, inner.whole.readUInt8(8))
      const ofType = types.get(key)
      if (!ofType) types.set(key, [inner])
      else if (ofType.length < MAX_CONFIGURATIONS) ofType.push(inner)
    }
  }

  function valuesOf(id: number): ConfiguredValue[] {
    return (types.get(typeKey(id >>> 24, (id >>> 16) & 0xff)) ?? []).flatMap((type) => {
      const value = readValue(type, id & 0xffff, strings)
      return value ? [{ value, ...configurationOf(type) }] : []
    })
  }

  return { valuesOf }
}

const MAX_CONFIGURATIONS = 1_000

function typeKey(packageId: number, typeId: number): number {
  return (packageId & 0xff) * 0x100 + typeId
}

const CONFIGURATION_AT = 20
const LOCALE_AT = CONFIGURATION_AT + 8
const DENSITY_AT = CONFIGURATION_AT + 14

function configurationOf({ whole }: Chunk): Pick<ConfiguredValue, 'isForAllLanguages' | 'density'> {
  const density = whole.readUInt16LE(DENSITY_AT)
  return { isForAllLanguages: whole.readUInt32LE(LOCALE_AT) === 0, density: density >= 0xfffe ? 0 : density }
}

function readValue(type: Chunk, index: number, strings: StringPool): ResourceValue | undefined {
  const { whole } = type
  const offset = offsetOf(type, index)
  if (offset === undefined) return undefined
  const at = whole.readUInt32LE(16) + offset
  const flags = whole.readUInt16LE(at + 2)
  if (flags & IS_COMPLEX) return undefined
  if (flags & IS_COMPACT) return resourceValue(flags >>> 8, whole.readUInt32LE(at + 4), strings)
  const valueAt = at + whole.readUInt16LE(at)
  return resourceValue(whole.readUInt8(valueAt + 3), whole.readUInt32LE(valueAt + 4), strings)
}

/** Of an entry among those of its type; undefined when it has none in this configuration. */
function offsetOf({ whole, headerBytes }: Chunk, index: number): number | undefined {
  const flags = whole.readUInt8(9)
  const count = whole.readUInt32LE(12)
  if (flags & IS_SPARSE) return sparseOffsetOf(whole, headerBytes, { index, count })
  if (index >= count) return undefined
  if (flags & HAS_SHORT_OFFSETS) {
    const offset = whole.readUInt16LE(headerBytes + index * 2)
    return offset === NO_SHORT_ENTRY ? undefined : offset * 4
  }
  const offset = whole.readUInt32LE(headerBytes + index * 4)
  return offset === NO_ENTRY ? undefined : offset
}

/** Pairs of an index and an offset, by rising index. */
function sparseOffsetOf(whole: Buffer, start: number, { index, count }: { index: number; count: number }) {
  let low = 0
  let high = count
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const found = whole.readUInt16LE(start + middle * 4)
    if (found === index) return whole.readUInt16LE(start + middle * 4 + 2) * 4
    if (found < index) low = middle + 1
    else high = middle
  }
  return undefined
}
