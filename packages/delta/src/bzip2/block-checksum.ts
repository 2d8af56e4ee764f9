/** CRC-32 as bzip2 has it: the polynomial of zip, but from the highest bit down. */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24
  for (let bit = 0; bit < 8; bit += 1) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1
  return value
})

export const CHECKSUM_START = -1

export function addToChecksum(checksum: number, bytes: Uint8Array, from: number, to: number): number {
  let value = checksum
  for (let index = from; index < to; index += 1) value = (value << 8) ^ TABLE[(value >>> 24) ^ bytes[index]!]!
  return value
}

export function endChecksum(checksum: number): number {
  return ~checksum
}

/** Of the whole stream, from that of the blocks before. */
export function combineChecksums(stream: number, block: number): number {
  return ((stream << 1) | (stream >>> 31)) ^ block
}
