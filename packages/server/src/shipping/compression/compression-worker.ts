import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from 'node:zlib'
import { answerQuestions } from '../../ground/threads/answer-questions.ts'
import { giveWay } from '../../ground/threads/give-way.ts'
import type { Coding } from '../../ground/http/codings.ts'
import type { CompressionAnswer, CompressionQuestion } from './compression.ts'

giveWay()

/** Up to there the best is a second's work; beyond it is one of minutes. */
const BEST_UP_TO_BYTES = 1024 * 1024
/** The best that is quick. */
const QUICK_QUALITY = 9
/** Content §8. */
const MIN_SAVED_BYTES = 10
const MIN_SAVED_SHARE = 0.05

answerQuestions(compress)

async function compress({ source, target, sha256, coding }: CompressionQuestion): Promise<CompressionAnswer> {
  const bytes = await readFile(source)
  const packed = pack(bytes, coding)
  const saved = bytes.length - packed.length
  if (saved <= MIN_SAVED_BYTES || saved < bytes.length * MIN_SAVED_SHARE) return { bytes: undefined }
  // A device that unpacks something else would throw its update away.
  const back = digestOf(unpack(packed, coding, bytes.length))
  if (back !== sha256) throw new Error(`Expected the bytes ${sha256} back from their compression, found ${back}.`)
  await writeFile(target, packed)
  return { bytes: { sha256: digestOf(packed), sizeBytes: packed.length } }
}

function pack(bytes: Buffer, coding: Coding): Buffer {
  if (coding === 'gzip') return gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION })
  return brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      [constants.BROTLI_PARAM_QUALITY]: bytes.length <= BEST_UP_TO_BYTES ? constants.BROTLI_MAX_QUALITY : QUICK_QUALITY,
    },
  })
}

function unpack(packed: Buffer, coding: Coding, maxOutputLength: number): Buffer {
  // Nothing is no length that zlib takes.
  const options = { maxOutputLength: Math.max(1, maxOutputLength) }
  return coding === 'gzip' ? gunzipSync(packed, options) : brotliDecompressSync(packed, options)
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
