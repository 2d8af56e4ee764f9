import { open } from 'node:fs/promises'
import type { BundleFile } from './bundle-files.ts'

/** What the engine is given to run. */
export type EntryKind = { kind: 'hermes'; bytecodeVersion: number } | { kind: 'plain'; isDevelopment: boolean }

/** The first eight bytes of Hermes bytecode, little-endian: "Ἑρμῆ" in UTF-16, as its authors have it. */
const HERMES_MAGIC = 0x1f1903c103bc1fc6n
const HEAD_BYTES = 4096

/** By what stands in it: names say nothing. */
export async function readEntryKind({ path }: Pick<BundleFile, 'path'>): Promise<EntryKind> {
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    if (bytesRead >= 12 && buffer.readBigUInt64LE(0) === HERMES_MAGIC) {
      return { kind: 'hermes', bytecodeVersion: buffer.readUInt32LE(8) }
    }
    // Metro's first line.
    const isDevelopment = /\b__DEV__\s*=\s*(?:true|!0)\b/.test(buffer.toString('latin1', 0, bytesRead))
    return { kind: 'plain', isDevelopment }
  } finally {
    await handle.close()
  }
}

export function describeEntry(entry: EntryKind): string {
  return entry.kind === 'hermes' ? `Hermes bytecode, version ${entry.bytecodeVersion}` : 'plain JavaScript'
}
