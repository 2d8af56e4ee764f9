const FAT = 0xcafebabe
const THIN = [0xfeedface, 0xfeedfacf]
const ARM64 = 0x0100_000c
const NAMES = new Map([
  [ARM64, 'arm64'],
  [0x0000_000c, 'armv7'],
  [0x0100_0007, 'x86_64'],
  [0x0000_0007, 'i386'],
])
const FAT_ENTRY_BYTES = 20
/** Apple's have two or three. */
const MAX_SLICES = 8

/** How much of a program says for which processors it is. */
export const MACH_O_START_BYTES = 8 + MAX_SLICES * FAT_ENTRY_BYTES

/** @param start of the program; none when it is not one */
export function machOArchitectures(start: Buffer): string[] {
  if (start.length < 8) return []
  if (THIN.includes(start.readUInt32LE(0))) return named([start.readUInt32LE(4)])
  if (start.readUInt32BE(0) !== FAT) return []
  const count = Math.min(start.readUInt32BE(4), MAX_SLICES, Math.floor((start.length - 8) / FAT_ENTRY_BYTES))
  return named(Array.from({ length: count }, (_, index) => start.readUInt32BE(8 + index * FAT_ENTRY_BYTES)))
}

function named(types: readonly number[]): string[] {
  return [...new Set(types.flatMap((type) => NAMES.get(type) ?? []))].sort()
}
