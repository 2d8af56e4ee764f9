import type { MultipartFile } from '@fastify/multipart'
import { problem } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'
import type { SpooledUpload } from '../artifacts/upload-spool.ts'
import type { ContentService } from '../content/content-service.ts'
import type { ReceivedFile } from '../content/receive-files.ts'

/** The parts of an upload. */
export interface ReceivedVariantForm {
  /** Parsed JSON, not validated yet. */
  metadata: unknown
  bundle: SpooledUpload
  files: readonly ReceivedFile[] | undefined
}

/** A checksum for each of 20,000 files. */
const MAX_METADATA_BYTES = 24 * 1024 * 1024
const MAX_PARTS = 3

/**
 * Reads the multipart form: `metadata` (JSON; as a file where it is long), `bundle`, and `files` (a zip) if there are any.
 * When the answer is known, what is left of the upload is gone.
 * @throws problem invalid-request, invalid-archive, body-too-large, unsupported-media-type
 */
export async function withVariantForm<Result>(
  request: FastifyRequest,
  contents: ContentService,
  use: (form: ReceivedVariantForm) => Promise<Result>,
): Promise<Result> {
  if (!request.isMultipart()) {
    const found = request.headers['content-type'] ?? 'nothing'
    throw problem('unsupported-media-type', `Expected multipart/form-data, found ${found}.`)
  }
  let metadata: string | undefined
  let bundle: SpooledUpload | undefined
  let files: ReceivedFile[] | undefined
  try {
    for await (const part of request.parts({ limits: { parts: MAX_PARTS, fileSize: Number.MAX_SAFE_INTEGER } })) {
      const { fieldname } = part
      if (fieldname === 'metadata' && metadata === undefined) {
        metadata = part.type === 'file' ? await readText(part) : textOf(part.value)
      } else if (part.type === 'file' && fieldname === 'bundle' && !bundle) {
        bundle = await contents.receiveBytes(part.file)
      } else if (part.type === 'file' && fieldname === 'files' && !files) {
        files = await contents.receiveFiles(part.file)
      } else {
        throw problem(
          'invalid-request',
          `Expected metadata, one bundle and at most one zip of files; found "${fieldname}".`,
        )
      }
    }
    if (metadata === undefined || !bundle) {
      throw problem('invalid-request', 'Expected the parts "metadata" with JSON and "bundle", found not both.')
    }
    return await use({ metadata: parse(metadata), bundle, files })
  } finally {
    await bundle?.discard()
    await Promise.all((files ?? []).map(({ upload }) => upload.discard()))
  }
}

/** The form reader has parsed what was sent as application/json. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

async function readText(part: MultipartFile): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of part.file as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_METADATA_BYTES) {
      throw problem('body-too-large', `metadata: expected at most ${MAX_METADATA_BYTES} bytes.`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw problem('malformed-json', 'metadata: expected JSON.', {}, { cause })
  }
}
