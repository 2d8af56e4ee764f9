import type { MultipartFile, MultipartValue } from '@fastify/multipart'
import { problem } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'
import { asFormProblem } from '../../ground/http/take-forms.ts'
import type { ContentService, ReceivedContent } from '../../shipping/content/content-service.ts'
import type { UploadSignatures } from './upload-signatures.ts'

/** The parts of a publish. */
export interface ReceivedUpload {
  /** Parsed JSON, not validated yet. */
  metadata: unknown
  /** Undefined: its bytes came before. */
  archive: ReceivedContent | undefined
  signatures: UploadSignatures
}

const TEXT_PARTS = [
  'metadata',
  'signature',
  'statement',
  'statementSignature',
  'rollbackStatement',
  'rollbackStatementSignature',
  'earlierRollbackStatement',
  'earlierRollbackStatementSignature',
  'publicKey',
] as const
type TextPart = (typeof TEXT_PARTS)[number]

const MAX_TEXT_BYTES = 256 * 1024
const MAX_PARTS = 12
const SIGNATURE_BYTES = 64

/**
 * Reads the multipart form: `metadata` (JSON), the archive (the one other file, by custom named `bundle`), and for a
 * signed release its signatures in base64. The small parts may be fields or files.
 * @throws problem invalid-request, invalid-archive, body-too-large, unsupported-media-type
 */
async function receiveUpload(request: FastifyRequest, contents: ContentService): Promise<ReceivedUpload> {
  if (isJson(request)) return readJsonUpload(request.body)
  if (!request.isMultipart()) {
    const found = request.headers['content-type'] ?? 'nothing'
    throw problem('unsupported-media-type', `Expected multipart/form-data, found ${found}.`)
  }
  const texts: Partial<Record<TextPart, string>> = {}
  let archive: ReceivedContent | undefined
  try {
    for await (const part of request.parts({ limits: { parts: MAX_PARTS, fileSize: Number.MAX_SAFE_INTEGER } })) {
      if (isTextPart(part.fieldname)) {
        texts[part.fieldname] = part.type === 'file' ? await readSmallFile(part) : readField(part)
      } else if (part.type === 'file' && !archive) {
        archive = await contents.receive(part.file)
      } else {
        throw problem(
          'invalid-request',
          `Expected one archive and ${TEXT_PARTS.join(', ')}; found "${part.fieldname}".`,
        )
      }
    }
    return { metadata: parseMetadata(texts.metadata), archive, signatures: readSignatures(texts) }
  } catch (error) {
    await archive?.discard()
    throw asFormProblem(error)
  }
}

function isJson({ headers }: FastifyRequest): boolean {
  return /^application\/json\b/i.test(headers['content-type'] ?? '')
}

/** The same parts of a publish whose bytes came before. */
function readJsonUpload(body: unknown): ReceivedUpload {
  if (typeof body !== 'object' || body === null) {
    throw problem('invalid-request', 'Expected an object with "metadata", found something else.')
  }
  const { metadata, ...parts } = body as Record<string, unknown>
  const texts: Partial<Record<TextPart, string>> = {}
  for (const [name, value] of Object.entries(parts)) {
    if (!isTextPart(name) || typeof value !== 'string') {
      throw problem('invalid-request', `Expected ${TEXT_PARTS.join(', ')}; found "${name}".`)
    }
    texts[name] = value
  }
  return { metadata, archive: undefined, signatures: readSignatures(texts) }
}

/** As `receiveUpload`; when the answer is known, what is left of the upload is gone. */
export async function withUpload<Result>(
  request: FastifyRequest,
  contents: ContentService,
  use: (upload: ReceivedUpload) => Promise<Result>,
): Promise<Result> {
  const upload = await receiveUpload(request, contents)
  try {
    return await use(upload)
  } finally {
    await upload.archive?.discard()
  }
}

function isTextPart(name: string): name is TextPart {
  return (TEXT_PARTS as readonly string[]).includes(name)
}

function readField(part: MultipartValue): string {
  if (typeof part.value === 'string' && !part.valueTruncated) return part.value
  // The form reader has parsed what was sent as application/json.
  if (typeof part.value === 'object' && part.value !== null) return JSON.stringify(part.value)
  throw problem('invalid-request', `${part.fieldname}: expected text of at most ${MAX_TEXT_BYTES} bytes.`)
}

/** `signature.sig` may hold the 64 bytes themselves. */
async function readSmallFile(part: MultipartFile): Promise<string> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of part.file as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_TEXT_BYTES) {
      throw problem('invalid-request', `${part.fieldname}: expected at most ${MAX_TEXT_BYTES} bytes.`)
    }
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  const isRawSignature = part.fieldname.toLowerCase().endsWith('signature') && bytes.length === SIGNATURE_BYTES
  return isRawSignature ? bytes.toString('base64') : bytes.toString('utf8')
}

function parseMetadata(text: string | undefined): unknown {
  if (text === undefined) throw problem('invalid-request', 'Expected a part "metadata" with JSON, found none.')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw problem('malformed-json', 'metadata: expected JSON.', {}, { cause })
  }
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

function readSignatures(texts: Partial<Record<TextPart, string>>): UploadSignatures {
  const base64 = (name: TextPart) => {
    const text = texts[name]?.trim()
    if (text === undefined || text === '') return undefined
    if (!BASE64.test(text)) throw problem('invalid-request', `${name}: expected base64.`)
    return text
  }
  return {
    signature: base64('signature'),
    statement: base64('statement'),
    statementSignature: base64('statementSignature'),
    rollbackStatement: base64('rollbackStatement'),
    rollbackStatementSignature: base64('rollbackStatementSignature'),
    earlierRollbackStatement: base64('earlierRollbackStatement'),
    earlierRollbackStatementSignature: base64('earlierRollbackStatementSignature'),
    publicKey: base64('publicKey'),
  }
}
