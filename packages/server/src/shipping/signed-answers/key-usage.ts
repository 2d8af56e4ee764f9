import type { X509Certificate } from 'node:crypto'

/** RFC 5280 §4.2.1.3: 2.5.29.15, in DER. */
const KEY_USAGE = '551d0f'
const EXTENSIONS = 0xa3
const LONG_LENGTH = 0x80
/** The first bit of a bit string is the highest one. */
const BITS = { digitalSignature: 0x80, keyCertSign: 0x04 } as const

/** Node reads the extended key usage alone. A certificate without the extension is for nothing, as Expo's clients have it. */
export function hasKeyUsage({ raw }: X509Certificate, usage: keyof typeof BITS): boolean {
  const signed = firstIn(firstIn(raw))
  const extensions = partsOf(signed).find(({ tag }) => tag === EXTENSIONS)
  for (const { bytes } of partsOf(firstIn(extensions?.bytes))) {
    const parts = partsOf(bytes)
    if (parts[0]?.bytes.toString('hex') !== KEY_USAGE) continue
    // In front of the bits: how many of the last byte are not used.
    const bits = firstIn(parts.at(-1)?.bytes)[1] ?? 0
    return (bits & BITS[usage]) !== 0
  }
  return false
}

function firstIn(der: Buffer | undefined): Buffer {
  return (der && partsOf(der)[0]?.bytes) ?? Buffer.alloc(0)
}

/** Of DER that has been parsed once already: its lengths are right. */
function partsOf(der: Buffer): { tag: number; bytes: Buffer }[] {
  const parts = []
  for (let at = 0; at + 1 < der.length;) {
    const tag = der.readUInt8(at)
    const short = der.readUInt8(at + 1)
    const more = short < LONG_LENGTH ? 0 : short - LONG_LENGTH
    const start = at + 2 + more
    const length = more === 0 ? short : der.readUIntBE(at + 2, more)
    parts.push({ tag, bytes: der.subarray(start, start + length) })
    at = start + length
  }
  return parts
}
