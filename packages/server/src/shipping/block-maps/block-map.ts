import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { blake2b } from '@noble/hashes/blake2.js'
import { createChunker } from './rabin-chunks.ts'

/** Content §11: what electron-builder writes beside an installer, and electron-updater reads. */
export interface BlockMap {
  version: '2'
  files: readonly [{ name: 'file'; offset: 0; checksums: readonly string[]; sizes: readonly number[] }]
}

const CHECKSUM_BYTES = 18

/** In constant memory but for the map itself: some 30 bytes for each 16 KiB. */
export async function makeBlockMap(bytes: AsyncIterable<Uint8Array>): Promise<BlockMap> {
  const checksums: string[] = []
  const sizes: number[] = []
  const chunker = createChunker((block) => {
    checksums.push(checksumOf(block))
    sizes.push(block.length)
  })
  for await (const chunk of bytes) chunker.write(chunk)
  chunker.finish()
  return { version: '2', files: [{ name: 'file', offset: 0, checksums, sizes }] }
}

export function checksumOf(block: Uint8Array): string {
  return Buffer.from(blake2b(block, { dkLen: CHECKSUM_BYTES })).toString('base64')
}

/** As it lies beside an installer. */
export function packBlockMap(map: BlockMap): Promise<Buffer> {
  return promisify(gzip)(JSON.stringify(map), { level: 9 })
}
