import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { NewRelease, ReleaseSignatures, StreamedForm } from '@hotpatch/api'
import type { ZippedBundle } from '../bundle/zip-bundle.ts'

interface ReleaseForm {
  metadata: NewRelease
  signatures: ReleaseSignatures | undefined
  bundle: ZippedBundle
  onProgress: (sentBytes: number) => void
}

const BUNDLE_HEADERS =
  'Content-Disposition: form-data; name="bundle"; filename="bundle.zip"\r\nContent-Type: application/zip\r\n\r\n'

/**
 * RFC 7578. The facts come before the bytes, so that a server can refuse before it has stored anything, and the length
 * is known, so that it can refuse before it has read anything.
 */
export function createReleaseForm({ metadata, signatures, bundle, onProgress }: ReleaseForm): StreamedForm {
  const boundary = `hotpatch-${randomUUID()}`
  const texts = Object.entries({ metadata: JSON.stringify(metadata), ...signatures }).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  const start = Buffer.from(`${texts.join('')}--${boundary}\r\n${BUNDLE_HEADERS}`)
  const end = Buffer.from(`\r\n--${boundary}--\r\n`)

  async function* parts(): AsyncGenerator<Uint8Array> {
    yield start
    yield* createReadStream(bundle.path, { highWaterMark: 256 * 1024 })
    yield end
  }

  async function* body() {
    let sentBytes = 0
    for await (const part of parts()) {
      yield part
      sentBytes += part.length
      onProgress(sentBytes)
    }
  }

  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    sizeBytes: start.length + bundle.sizeBytes + end.length,
    body: ReadableStream.from(body()),
  }
}
