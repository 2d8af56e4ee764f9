import { sha256Of } from '../../packages/testkit/src/signing.ts'
import { zipOf } from '../../packages/testkit/src/zip-of.ts'
import type { Random } from '../random.ts'

export interface Bundle {
  bytes: Buffer
  sha256: string
}

/** More than a compressor looks back. */
const PIECE_BYTES = 64 * 1024

/** A zip that is about so large, and like no other. */
export async function makeBundle(random: Random, version: string, sizeBytes: number): Promise<Bundle> {
  const piece = random.bytes(Math.min(sizeBytes, PIECE_BYTES))
  const filler = Buffer.alloc(sizeBytes)
  for (let at = 0; at < sizeBytes; at += piece.length) piece.copy(filler, at)
  const bytes = await zipOf({
    'index.html': `<p>This is ${version}. ${random.next()}</p>`,
    'assets/picture.bin': filler,
  })
  return { bytes, sha256: sha256Of(bytes) }
}
