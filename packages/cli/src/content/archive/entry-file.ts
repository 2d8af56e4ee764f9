import { open } from 'node:fs/promises'
import type { ContentFile } from '../content-kind.ts'

/** What is there to run. */
export type EntryKind =
  | { kind: 'hermes'; bytecodeVersion: number }
  | { kind: 'plain'; isDevelopment: boolean }
  | { kind: 'web' }

/** The first eight bytes of Hermes bytecode, little-endian: "Ἑρμῆ" in UTF-16, as its authors have it. */
const HERMES_MAGIC = 0x1f1903c103bc1fc6n
const HEAD_BYTES = 4096

/** What React Native's engine is given. By what stands in it: names say nothing. */
export async function readEntryKind({ path }: Pick<ContentFile, 'path'>): Promise<EntryKind> {
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
  switch (entry.kind) {
    case 'hermes':
      return `Hermes bytecode, version ${entry.bytecodeVersion}`
    case 'plain':
      return 'plain JavaScript'
    case 'web':
      return 'the page that a web view begins with'
  }
}
