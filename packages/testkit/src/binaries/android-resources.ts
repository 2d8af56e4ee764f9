/** The binary forms of Android's resources, written: what `aapt2` makes, as far as small apps need it. */

const STRING_POOL = 0x0001
const NO_STRING = 0xffff_ffff

export function chunk(type: number, header: Buffer, ...body: readonly Buffer[]): Buffer {
  const content = Buffer.concat(body)
  const start = Buffer.alloc(8)
  start.writeUInt16LE(type, 0)
  start.writeUInt16LE(8 + header.length, 2)
  start.writeUInt32LE(8 + header.length + content.length, 4)
  return Buffer.concat([start, header, content])
}

export function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => bytes.writeUInt32LE(value >>> 0, index * 4))
  return bytes
}

export function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2)
  values.forEach((value, index) => bytes.writeUInt16LE(value, index * 2))
  return bytes
}

/** In UTF-16, each with its length and a zero. */
export function stringPool(strings: readonly string[]): Buffer {
  const encoded = strings.map((text) => Buffer.concat([u16(text.length), Buffer.from(text, 'utf16le'), u16(0)]))
  const offsets: number[] = []
  let at = 0
  for (const bytes of encoded) {
    offsets.push(at)
    at += bytes.length
  }
  const padding = Buffer.alloc((4 - (at % 4)) % 4)
  const header = u32(strings.length, 0, 0, 28 + strings.length * 4, 0)
  return chunk(STRING_POOL, header, u32(...offsets), ...encoded, padding)
}

/** A value as it stands in an attribute or a resource. */
export type WrittenValue = string | number | boolean | { reference: number }

export interface WrittenElement {
  name: string
  /** By name; those of Android's with the id of the attribute. */
  attributes?: readonly { name: string; id?: number; value: WrittenValue }[]
  children?: readonly WrittenElement[]
}

const ANDROID = 'http://schemas.android.com/apk/res/android'

export function binaryXml(root: WrittenElement): Buffer {
  const ids = new Map<string, number>()
  const strings: string[] = []
  const indexOf = (text: string) => {
    const found = strings.indexOf(text)
    return found >= 0 ? found : strings.push(text) - 1
  }
  // Names with an id come first, in the order of the ids' table.
  visit(root, ({ attributes = [] }) => {
    for (const { name, id } of attributes) if (id !== undefined) ids.set(name, id)
  })
  for (const name of ids.keys()) indexOf(name)
  const [prefix, uri] = [indexOf('android'), indexOf(ANDROID)]
  const nodes = writeElement(root, indexOf, uri)
  const node = u32(1, NO_STRING)
  const namespace = (type: number) => chunk(type, node, u32(prefix, uri))
  return chunk(
    0x0003,
    Buffer.alloc(0),
    stringPool(strings),
    chunk(0x0180, Buffer.alloc(0), u32(...ids.values())),
    namespace(0x0100),
    ...nodes,
    namespace(0x0101),
  )
}

function visit(element: WrittenElement, see: (element: WrittenElement) => void): void {
  see(element)
  for (const child of element.children ?? []) visit(child, see)
}

function writeElement(element: WrittenElement, indexOf: (text: string) => number, uri: number): Buffer[] {
  const { name, attributes = [], children = [] } = element
  const node = u32(1, NO_STRING)
  const named = u32(NO_STRING, indexOf(name))
  const written = attributes.map((attribute) =>
    Buffer.concat([
      u32(attribute.id === undefined ? NO_STRING : uri, indexOf(attribute.name)),
      u32(typeof attribute.value === 'string' ? indexOf(attribute.value) : NO_STRING),
      writeValue(attribute.value, indexOf),
    ]),
  )
  const start = Buffer.concat([named, u16(20, 20, attributes.length, 0, 0, 0), ...written])
  return [
    chunk(0x0102, node, start),
    ...children.flatMap((child) => writeElement(child, indexOf, uri)),
    chunk(0x0103, node, named),
  ]
}

export function writeValue(value: WrittenValue, indexOf: (text: string) => number): Buffer {
  const typed = (type: number, data: number) => Buffer.concat([u16(8), Buffer.from([0, type]), u32(data)])
  if (typeof value === 'string') return typed(0x03, indexOf(value))
  if (typeof value === 'number') return typed(0x10, value)
  return typeof value === 'boolean' ? typed(0x12, value ? 0xffff_ffff : 0) : typed(0x01, value.reference)
}

export interface WrittenResource {
  /** In its type, from 0 on. */
  entry: number
  value: WrittenValue
}

export interface WrittenType {
  /** From 1 on. */
  id: number
  density?: number
  /** Two letters. */
  language?: string
  /** How entries are found, and written. */
  form?: 'plain' | 'sparse' | 'short' | 'compact'
  resources: readonly WrittenResource[]
}

/** Of one package, 0x7f, whose types and entries have names like `t1` and `k0`. */
export function resourceTable(packageName: string, types: readonly WrittenType[]): Buffer {
  const strings: string[] = []
  const indexOf = (text: string) => {
    const found = strings.indexOf(text)
    return found >= 0 ? found : strings.push(text) - 1
  }
  const ids = [...new Set(types.map(({ id }) => id))].sort((left, right) => left - right)
  const entryCount = 1 + Math.max(...types.flatMap(({ resources }) => resources.map(({ entry }) => entry)))
  const inner = [
    ...ids.map((id) =>
      chunk(0x0202, Buffer.concat([Buffer.from([id, 0, 0, 0]), u32(entryCount)]), Buffer.alloc(entryCount * 4)),
    ),
    ...types.map((type) => writeType(type, entryCount, indexOf)),
  ]
  const typeNames = stringPool(Array.from({ length: Math.max(...ids) }, (_, index) => `t${index + 1}`))
  const keyNames = stringPool(Array.from({ length: entryCount }, (_, index) => `k${index}`))
  const name = Buffer.alloc(256)
  name.write(packageName.slice(0, 127), 'utf16le')
  const header = Buffer.concat([u32(0x7f), name, u32(288, 0, 288 + typeNames.length, 0, 0)])
  const packageChunk = chunk(0x0200, header, typeNames, keyNames, ...inner)
  return chunk(0x0002, u32(1), stringPool(strings), packageChunk)
}

function writeType(
  { id, density = 0, language, resources, form = 'plain' }: WrittenType,
  entryCount: number,
  indexOf: (text: string) => number,
) {
  const configuration = Buffer.alloc(64)
  configuration.writeUInt32LE(64, 0)
  configuration.write(language ?? '', 8, 'latin1')
  configuration.writeUInt16LE(density, 14)
  const entries = resources.map(({ entry, value }) => writeEntry(entry, writeValue(value, indexOf), form))
  const offsetOf = (index: number) => entries.slice(0, index).reduce((sum, { length }) => sum + length, 0)
  const places = new Map(resources.map(({ entry }, index) => [entry, offsetOf(index)]))
  const offsets = writeOffsets(places, entryCount, form)
  const flags = { plain: 0, sparse: 1, short: 2, compact: 0 }[form]
  const count = form === 'sparse' ? places.size : entryCount
  const entriesStart = 8 + 12 + configuration.length + offsets.length
  const header = Buffer.concat([Buffer.from([id, flags, 0, 0]), u32(count, entriesStart), configuration])
  return chunk(0x0201, header, offsets, ...entries)
}

type Form = NonNullable<WrittenType['form']>

function writeEntry(key: number, value: Buffer, form: Form): Buffer {
  if (form !== 'compact') return Buffer.concat([u16(8, 0), u32(key), value])
  return Buffer.concat([u16(key, ((value[3] ?? 0) << 8) | 8), value.subarray(4)])
}

function writeOffsets(places: ReadonlyMap<number, number>, entryCount: number, form: Form): Buffer {
  const all = Array.from({ length: entryCount }, (_, entry) => places.get(entry))
  if (form === 'short') {
    const short = u16(...all.map((offset) => (offset === undefined ? 0xffff : offset / 4)))
    return Buffer.concat([short, Buffer.alloc(short.length % 4)])
  }
  if (form !== 'sparse') return u32(...all.map((offset) => offset ?? 0xffff_ffff))
  const rising = [...places].sort(([left], [right]) => left - right)
  return Buffer.concat(rising.map(([entry, offset]) => u16(entry, offset / 4)))
}
