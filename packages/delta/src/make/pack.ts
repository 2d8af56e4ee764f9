import { promisify } from 'node:util'
import { brotliCompress, constants, deflateRaw } from 'node:zlib'
import type { Packing } from '../tree/tree-format.ts'

/** Up to there the best is a matter of seconds, beyond it of minutes. */
const BEST_UP_TO_BYTES = 4 * 1024 * 1024
const QUICK_QUALITY = 9

const runBrotli = promisify(brotliCompress)
const runDeflate = promisify<Uint8Array, object, Uint8Array>(deflateRaw)

export const PACKERS: Readonly<Record<Packing, (bytes: Uint8Array) => Promise<Uint8Array>>> = {
  brotli: (bytes) =>
    runBrotli(bytes, {
      params: {
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
        [constants.BROTLI_PARAM_QUALITY]:
          bytes.length <= BEST_UP_TO_BYTES ? constants.BROTLI_MAX_QUALITY : QUICK_QUALITY,
      },
    }),
  deflate: (bytes) => runDeflate(bytes, { level: constants.Z_BEST_COMPRESSION }),
}
