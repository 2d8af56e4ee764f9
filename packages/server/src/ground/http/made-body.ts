import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { takenCodings } from './accept-encoding.ts'
import type { Coding } from './codings.ts'

/** A body that many are sent: its bytes are made once, and compressed once. */
export interface MadeBody {
  readonly bytes: Buffer
  /** Null while it is on its way, and where that failed. */
  readonly packed: Map<Coding, Buffer | null>
}

/** What an answer carries: short text is cheapest to send as it is, in one piece with the headers. */
export type Body = string | MadeBody

const MIN_MADE_BYTES = 8 * 1024

/** Of an answer that is sent again. Whatever text is so long, compression shortens it. */
export function madeBody(text: string): Body {
  return text.length < MIN_MADE_BYTES ? text : { bytes: Buffer.from(text), packed: new Map() }
}

export function textOf(body: Body): string {
  return typeof body === 'string' ? body : body.bytes.toString()
}

/** What a memory of bodies has to reckon with: compressed, none is larger than it was. */
export function heldBytes(body: Body): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : 3 * body.bytes.length
}

export interface SentBytes {
  bytes: Buffer
  coding: Coding | undefined
}

/** Nearly all digests and addresses: more effort takes ten times as long, for a tenth. */
const QUALITY = 5
/** Of what clients say that they read: few things, unless somebody invents them. */
const MAX_TOLD = 100

const brotliAsync = promisify(brotliCompress)
const gzipAsync = promisify(gzip)

/**
 * Chooses the bytes that a client is sent. What it reads is made when the first asks for it, on a thread of the pool, and
 * sent from then on; one at a time, so that nobody takes more than that thread by asking for many bodies.
 */
export function createBodyPacker({ onFailed }: { onFailed: (error: unknown) => void }) {
  const told = new Map<string, readonly Coding[]>()
  let isPacking = false

  function bytesFor(body: MadeBody, acceptEncoding: string | undefined): SentBytes {
    const [coding] = acceptEncoding === undefined ? [] : codingsOf(acceptEncoding)
    if (coding === undefined) return { bytes: body.bytes, coding }
    const packed = body.packed.get(coding)
    if (packed) return { bytes: packed, coding }
    if (packed === undefined && !isPacking) void pack(body, coding)
    return { bytes: body.bytes, coding: undefined }
  }

  function codingsOf(acceptEncoding: string): readonly Coding[] {
    const known = told.get(acceptEncoding)
    if (known) return known
    if (told.size >= MAX_TOLD) told.clear()
    const codings = takenCodings(acceptEncoding)
    told.set(acceptEncoding, codings)
    return codings
  }

  /** Never rejects. */
  async function pack({ bytes, packed }: MadeBody, coding: Coding): Promise<void> {
    isPacking = true
    packed.set(coding, null)
    try {
      packed.set(coding, await compress(bytes, coding))
    } catch (error) {
      onFailed(error)
    }
    isPacking = false
  }

  return { bytesFor }
}

function compress(bytes: Buffer, coding: Coding): Promise<Buffer> {
  if (coding === 'gzip') return gzipAsync(bytes)
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = constants
  return brotliAsync(bytes, { params: { [BROTLI_PARAM_QUALITY]: QUALITY, [BROTLI_PARAM_SIZE_HINT]: bytes.length } })
}
