import { BINARY_FORMATS, formatOfName, type BinaryFormatName } from '@hotpatch/api'
import type { FileHandle } from 'node:fs/promises'
import { readPiece } from './package-zip.ts'
import { refusal } from './refusal.ts'

interface FormatRow {
  /** In words. */
  magic: string
  hasMagic(start: Buffer, end: Buffer): boolean
}

const startsWith = (bytes: string | number[]) => (start: Buffer) =>
  start.subarray(0, bytes.length).equals(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes))

const aZip = { magic: 'a zip', hasMagic: startsWith('PK\x03\x04') }
const anElf = startsWith('\x7fELF')

const FORMATS: Readonly<Record<BinaryFormatName, FormatRow>> = {
  apk: { ...aZip },
  aab: { ...aZip },
  ipa: { ...aZip },
  dmg: {
    magic: 'a disk image with its trailer "koly"',
    hasMagic: (_start, end) => end.length === TRAILER_BYTES && end.subarray(0, 4).equals(Buffer.from('koly')),
  },
  pkg: {
    magic: 'an archive that begins with "xar!"',
    hasMagic: startsWith('xar!'),
  },
  zip: { ...aZip },
  'tar.gz': {
    magic: 'a gzip',
    hasMagic: startsWith([0x1f, 0x8b, 8]),
  },
  delta: {
    magic: 'a delta of Sparkle that begins with "spk!", as BinaryDelta writes it from version 3 on,',
    hasMagic: startsWith('spk!'),
  },
  exe: {
    magic: 'a program that begins with "MZ" and has a "PE" header',
    hasMagic: isPortableExecutable,
  },
  msi: {
    magic: 'a compound file',
    hasMagic: startsWith([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]),
  },
  msix: { ...aZip },
  appimage: {
    magic: 'an ELF program with the mark "AI" of an AppImage',
    hasMagic: (start) => anElf(start) && start.subarray(8, 10).toString('latin1') === 'AI',
  },
  deb: {
    magic: 'an archive that begins with "!<arch>" and "debian-binary"',
    hasMagic: startsWith('!<arch>\ndebian-binary'),
  },
  rpm: {
    magic: 'a package that begins with the bytes ed ab ee db',
    hasMagic: startsWith([0xed, 0xab, 0xee, 0xdb]),
  },
}

/** @throws problem invalid-binary */
export function requireFormat(name: string): BinaryFormatName {
  const format = formatOfName(name)
  if (format) return format
  const endings = Object.values(BINARY_FORMATS).flatMap((each) => each.endings.map((ending) => `.${ending}`))
  throw refusal(`Expected a name that ends in one of ${endings.join(' ')}, found another one.`)
}

/** The place of the offset of the PE header. */
const PE_OFFSET_AT = 0x3c
/** Enough for the header of a program, which follows a small one for DOS. */
const START_BYTES = 4096
/** Of a disk image. */
const TRAILER_BYTES = 512

/**
 * That a file is what its name says, by what every program of that kind looks at first.
 * @throws problem invalid-binary
 */
export async function requireMagic(handle: FileHandle, format: BinaryFormatName): Promise<void> {
  const { size } = await handle.stat()
  const start = await readPiece(handle, 0, START_BYTES)
  const end = await readPiece(handle, Math.max(0, size - TRAILER_BYTES), TRAILER_BYTES)
  const { magic, hasMagic } = FORMATS[format]
  if (hasMagic(start, end)) return
  const found = start.length === 0 ? 'an empty file' : `one that begins with ${start.subarray(0, 8).toString('hex')}`
  throw refusal(`Expected ${magic}, as the name says, found ${found}. Upload the file under the name of what it is.`)
}

function isPortableExecutable(start: Buffer): boolean {
  if (!startsWith('MZ')(start) || start.length < PE_OFFSET_AT + 4) return false
  const offset = start.readUInt32LE(PE_OFFSET_AT)
  return start.subarray(offset, offset + 4).equals(Buffer.from('PE\0\0'))
}
