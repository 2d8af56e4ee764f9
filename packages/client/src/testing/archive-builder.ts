import { deflateSync } from 'fflate'
import { crc32 } from '../archive/crc32.ts'
import { concat, utf8FromText } from '../bytes.ts'

export interface BuiltEntry {
  name: string | Uint8Array
  content?: string | Uint8Array
  /** Of the local header, where it is to differ. */
  localName?: string
  deflated?: boolean
  flags?: number
  method?: number
  mode?: number
  crc?: number
  sizeBytes?: number
  packedBytes?: number
  packed?: Uint8Array
  /** Points to another entry's header. */
  headerOffset?: number
}

/** A ZIP archive in which everything can be a lie. */
export function buildArchive(
  entries: readonly BuiltEntry[],
  end: { count?: number; comment?: string } = {},
): Uint8Array {
  const locals: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let offset = 0
  for (const entry of entries) {
    const content =
      typeof entry.content === 'string' ? utf8FromText(entry.content) : (entry.content ?? utf8FromText('x'))
    const packed = entry.packed ?? (entry.deflated ? deflateSync(content) : content)
    const name = typeof entry.name === 'string' ? utf8FromText(entry.name) : entry.name
    const common = [
      [2, entry.flags ?? 0x800],
      [2, entry.method ?? (entry.deflated ? 8 : 0)],
      [4, 0],
      [4, entry.crc ?? crc32(content)],
      [4, entry.packedBytes ?? packed.length],
      [4, entry.sizeBytes ?? content.length],
    ] as const
    const localName = entry.localName === undefined ? name : utf8FromText(entry.localName)
    const local = concat([
      fields([4, 0x04034b50], [2, 20], ...common, [2, localName.length], [2, 0]),
      localName,
      packed,
    ])
    const position = entry.headerOffset ?? offset
    const rest = [
      [2, 0],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, ((entry.mode ?? 0o100644) << 16) >>> 0],
      [4, position],
    ] as const
    directory.push(fields([4, 0x02014b50], [2, 0x314], [2, 20], ...common, [2, name.length], ...rest), name)
    locals.push(local)
    offset += local.length
  }
  const table = concat(directory)
  const count = end.count ?? entries.length
  const comment = utf8FromText(end.comment ?? '')
  const tail = fields(
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, count],
    [2, count],
    [4, table.length],
    [4, offset],
    [2, comment.length],
  )
  return concat([...locals, table, tail, comment])
}

function fields(...values: readonly (readonly [size: 2 | 4, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(values.reduce((length, [size]) => length + size, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const [size, value] of values) {
    if (size === 2) view.setUint16(at, value, true)
    else view.setUint32(at, value, true)
    at += size
  }
  return bytes
}
