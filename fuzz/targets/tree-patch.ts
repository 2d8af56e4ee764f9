import { createHash } from 'node:crypto'
import { brotliDecompressSync, inflateRawSync } from 'node:zlib'
import { patchSource, PatchError, readTreePatch } from '@hotpatch/delta'
import { hexFromBytes } from '@hotpatch/protocol'
import { readIndex } from '../../packages/delta/src/tree/read-index.ts'
import { Broken, type Target } from '../engine/target.ts'
import { readerFor } from '../reading/texts.ts'

const sha256 = () => {
  const hash = createHash('sha256')
  return { update: (bytes: Uint8Array) => void hash.update(bytes), digest: () => new Uint8Array(hash.digest()) }
}
const digestOf = (text: string) => createHash('sha256').update(text).digest('hex')
const CONTENT = { 'a.js': 'console.log("one");\n'.repeat(8), 'b/c.txt': 'hello', 'b/d.txt': 'to be moved' }
const BASE = Object.entries(CONTENT).map(([path, text]) => ({ path, sizeBytes: text.length, sha256: digestOf(text) }))
const LIMITS = { maxFileBytes: 100_000, maxTargetBytes: 300_000 }

const unpacking = {
  deflate: (packed: Uint8Array, sizeBytes: number) =>
    inflateRawSync(packed, { maxOutputLength: Math.max(1, sizeBytes) }),
  brotli: (packed: Uint8Array, sizeBytes: number) =>
    brotliDecompressSync(packed, { maxOutputLength: Math.max(1, sizeBytes) }),
}

const READERS: readonly ((bytes: Uint8Array) => void | Promise<void>)[] = [
  (index) => {
    const { files } = readIndex(index, BASE, LIMITS)
    const sum = files.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0)
    if (sum > LIMITS.maxTargetBytes) throw new Broken('a target above its bound')
  },
  async (patch) => {
    // What it says that it makes is what was announced.
    const targetSha256 = hexFromBytes(patch.subarray(9 + 32, 9 + 64))
    const { make } = await readTreePatch({
      patch: patchSource(patch),
      base: BASE,
      targetSha256,
      sha256,
      unpacking,
      limits: LIMITS,
    })
    for await (const { file, bytes } of make(({ path }) => Buffer.from(CONTENT[path as keyof typeof CONTENT]))) {
      if (bytes.length !== file.sizeBytes) throw new Broken('a file of another size')
    }
  },
]

export const target: Target = {
  reads: 'patches of whole trees, and the lists in them',
  maxBytes: 2_000,
  read(input) {
    const [read, bytes] = readerFor(READERS, input)
    return read(bytes)
  },
  refuses: (error) => error instanceof PatchError,
}

export async function seeds() {
  const { makeTreePatch } = await import('@hotpatch/delta/make')
  const source = (files: Readonly<Record<string, string>>) =>
    Object.entries(files).map(([path, text]) => ({
      path,
      sizeBytes: text.length,
      sha256: digestOf(text),
      read: () => Promise.resolve(Buffer.from(text)),
    }))
  const changed = {
    'a.js': CONTENT['a.js'].replace('one', 'two'),
    'b/e.txt': CONTENT['b/d.txt'],
    'b/c.txt': 'hello',
    'new.txt': 'new',
  }
  const { patches } = await makeTreePatch(source(CONTENT), source(changed), {
    packings: ['deflate', 'brotli'],
    maxMemoryBytes: 2 ** 28,
  })
  const header = 9 + 64 + 8
  return patches.flatMap(({ packing, bytes }) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const packed = bytes.subarray(header, header + view.getUint32(9 + 64 + 4, true))
    return [
      Buffer.concat([Buffer.of(1), bytes]),
      Buffer.concat([Buffer.of(0), packing === 'deflate' ? inflateRawSync(packed) : brotliDecompressSync(packed)]),
    ]
  })
}
