import { Z_BUF_ERROR, Z_NO_FLUSH, Z_OK, Z_STREAM_END, zlibInflate, zlibInflateInit2, ZStream } from 'pako'
import { refuseArchive } from './archive-entry.ts'

/** Bounds what is handed on at a time, whatever comes in. */
const OUTPUT_BYTES = 32 * 1024
const RAW_DEFLATE = -15

/**
 * Hands what comes out to `take`. A port of zlib, because devices have to refuse exactly what zlib refuses on the
 * server: other readers of deflate pass over damage that changes nothing for them.
 */
export function createInflater(path: string, take: (bytes: Uint8Array) => void) {
  const stream = new ZStream()
  const output = new Uint8Array(OUTPUT_BYTES)
  let isFinished = false
  zlibInflateInit2(stream, RAW_DEFLATE)

  function push(bytes: Uint8Array): void {
    stream.input = bytes
    stream.next_in = 0
    stream.avail_in = bytes.length
    // A full piece may have left more to come, without more input.
    for (let isFull = true; isFull && !isFinished;) isFull = step()
    if (stream.avail_in > 0) refuseArchive(`${path} goes on after its end`)
  }

  /** Whether the output was full. */
  function step(): boolean {
    stream.output = output
    stream.next_out = 0
    stream.avail_out = OUTPUT_BYTES
    const status = zlibInflate(stream, Z_NO_FLUSH)
    // Z_BUF_ERROR only asks for more input.
    if (status !== Z_OK && status !== Z_STREAM_END && status !== Z_BUF_ERROR) refuseArchive(`${path} is damaged`)
    if (stream.next_out > 0) take(output.slice(0, stream.next_out))
    isFinished = status === Z_STREAM_END
    return stream.avail_out === 0
  }

  function end(): void {
    if (!isFinished) refuseArchive(`${path} ends too early`)
  }

  return { push, end }
}
