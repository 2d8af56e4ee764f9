/** What an app says of itself, in the binary form of an Android package, which only Google's tools write otherwise. */
export function binaryManifest({ id, versionName, versionCode }: AppIdentity): Buffer {
  const texts = Object.keys(ATTRIBUTES)
  const text = (wanted: string) => {
    const found = texts.indexOf(wanted)
    return found >= 0 ? found : texts.push(wanted) - 1
  }
  const attribute = (name: string, value: string | number) => {
    const space = name in ATTRIBUTES ? text(ANDROID) : NONE
    const [kind, data] = typeof value === 'string' ? [0x03, text(value)] : [0x10, value]
    return words(space, text(name), typeof value === 'string' ? data : NONE, 8 | (kind << 24), data)
  }
  const start = (name: string, given: Record<string, string | number> = {}) => {
    const attributes = Object.entries(given).map(([key, value]) => attribute(key, value))
    const counts = words(20 | (20 << 16), attributes.length, 0)
    return node(0x0102, Buffer.concat([words(NONE, text(name)), counts, ...attributes]))
  }
  const end = (name: string) => node(0x0103, words(NONE, text(name)))
  const space = () => words(text('android'), text(ANDROID))

  const nodes = [
    node(0x0100, space()),
    start('manifest', { versionCode, versionName, package: id }),
    start('uses-sdk', { minSdkVersion: 24, targetSdkVersion: 34 }),
    end('uses-sdk'),
    start('application'),
    end('application'),
    end('manifest'),
    node(0x0101, space()),
  ]
  const numbers = chunk(0x0180, Buffer.alloc(0), words(...Object.values(ATTRIBUTES)))
  return chunk(0x0003, Buffer.alloc(0), Buffer.concat([pool(texts), numbers, ...nodes]))
}

export interface AppIdentity {
  id: string
  versionName: string
  versionCode: number
}

const ANDROID = 'http://schemas.android.com/apk/res/android'
/** Android's numbers of them, ascending within each element. */
const ATTRIBUTES = {
  minSdkVersion: 0x0101020c,
  versionCode: 0x0101021b,
  versionName: 0x0101021c,
  targetSdkVersion: 0x01010270,
}
const NONE = 0xffffffff

function node(type: number, body: Buffer): Buffer {
  return chunk(type, words(1, NONE), body)
}

function pool(texts: readonly string[]): Buffer {
  const written = texts.map((text) => {
    const bytes = Buffer.alloc(4 + 2 * text.length)
    bytes.writeUInt16LE(text.length)
    bytes.write(text, 2, 'utf16le')
    return bytes
  })
  const offsets = written.map((_, index) => written.slice(0, index).reduce((sum, { length }) => sum + length, 0))
  const strings = Buffer.concat(written)
  const padded = Buffer.concat([strings, Buffer.alloc(-strings.length & 3)])
  const head = words(texts.length, 0, 0, 28 + 4 * texts.length, 0)
  return chunk(0x0001, head, Buffer.concat([words(...offsets), padded]))
}

function chunk(type: number, head: Buffer, body: Buffer): Buffer {
  const length = 8 + head.length
  return Buffer.concat([words(type | (length << 16), length + body.length), head, body])
}

function words(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length)
  numbers.forEach((number, index) => bytes.writeUInt32LE(number >>> 0, 4 * index))
  return bytes
}
