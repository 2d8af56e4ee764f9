import { Readable } from 'node:stream'
import { createHash } from 'node:crypto'
import { problem, writeFilesManifest, type ManifestFile } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'
import { asFormProblem } from '../../ground/http/take-forms.ts'
import { createValidator } from '../../ground/http/validate.ts'
import type { AppRow } from '../../shipping/apps/app-service.ts'
import { webContentType } from '../../shipping/content/file-types.ts'
import type { ContentService } from '../../shipping/content/content-service.ts'
import type { FileUploads, SentFile } from '../../shipping/content/files/file-uploads.ts'
import { NewUpdate } from './update-shapes.ts'

/** What a publish says, for which app, and what lists its files. */
export interface ReceivedUpdate {
  app: AppRow
  fields: NewUpdate
  list: { sha256: string; sizeBytes: number }
}

interface Receiver {
  contents: ContentService
  files: FileUploads
  resolveApp: (request: FastifyRequest, named: string | undefined) => Promise<AppRow>
  maxBytes: number
}

const MAX_FORM_FILES = 20_000
const MAX_METADATA_BYTES = 256 * 1024
const validate = createValidator(NewUpdate, 'body')
const validateMetadata = createValidator(NewUpdate, 'metadata')

/**
 * Asset updates §8: JSON that names what was uploaded, or a form of `metadata` and then every file under its path.
 * What has arrived whole waits for its release, whatever becomes of the others.
 * @throws problem invalid-request, artifact-missing, size-mismatch, body-too-large
 */
export async function receiveUpdate(request: FastifyRequest, receiver: Receiver): Promise<ReceivedUpdate> {
  if (request.isMultipart()) return receiveForm(request, receiver)
  const fields = validate(request.body)
  const app = await receiver.resolveApp(request, fields.projectId)
  const { list, assets, launch } = fields
  if (list && (assets || launch !== undefined)) {
    throw problem('invalid-request', 'Expected either list or assets with launch, found both.')
  }
  if (list) return { app, fields, list }
  if (!assets) throw problem('invalid-request', 'Expected assets, list, or the files in a form; found none of them.')
  const files = assets.map(({ path, checksum: sha256, size: sizeBytes, contentType }) =>
    listed({ path, sha256, sizeBytes, ...(contentType !== undefined && { contentType }) }),
  )
  return { app, fields, list: await keepList(receiver, app, launch, files) }
}

async function receiveForm(request: FastifyRequest, receiver: Receiver): Promise<ReceivedUpdate> {
  try {
    const parts = request.parts({ limits: { parts: MAX_FORM_FILES + 1, fileSize: Number.MAX_SAFE_INTEGER } })
    const first = await parts.next()
    const fields = readMetadata(first.done ? undefined : first.value)
    if (fields.assets || fields.list) {
      throw problem('invalid-request', 'metadata: expected no assets and no list beside the files themselves.')
    }
    const app = await receiver.resolveApp(request, fields.projectId)
    const paths: string[] = []
    const sent = sentFiles(parts, paths)
    const received = await receiver.files.uploadAll(app.id, sent, { maxBytes: receiver.maxBytes })
    const files = received.map((file, index) => listed({ path: paths[index] ?? '', ...file }))
    if (files.length === 0) throw problem('invalid-request', 'Expected a file for every asset, found none.')
    return { app, fields, list: await keepList(receiver, app, fields.launch, files) }
  } catch (error) {
    throw asFormProblem(error)
  }
}

type FormPart = Awaited<ReturnType<ReturnType<FastifyRequest['parts']>['next']>>['value']

/** Before the files: for which app they are is known first. */
function readMetadata(part: FormPart): NewUpdate {
  const isMetadata = part && typeof part === 'object' && part.type === 'field' && part.fieldname === 'metadata'
  if (!isMetadata) throw problem('invalid-request', 'Expected the part "metadata" first, found something else.')
  const { value, valueTruncated } = part
  if (typeof value === 'object' && value !== null) return validateMetadata(value)
  if (typeof value !== 'string' || valueTruncated) {
    throw problem('invalid-request', `metadata: expected JSON of at most ${MAX_METADATA_BYTES} bytes.`)
  }
  try {
    return validateMetadata(JSON.parse(value))
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw problem('malformed-json', 'metadata: expected JSON.', {}, { cause })
  }
}

/** @param paths gets that of each file, in their order */
async function* sentFiles(parts: ReturnType<FastifyRequest['parts']>, paths: string[]): AsyncGenerator<SentFile> {
  for await (const part of parts) {
    if (part.type !== 'file') {
      throw problem('invalid-request', `Expected files under their paths, found the field "${part.fieldname}".`)
    }
    paths.push(part.fieldname)
    yield { sha256: undefined, bytes: part.file }
  }
}

function listed(file: ManifestFile): ManifestFile {
  return { ...file, contentType: file.contentType ?? webContentType(file.path) }
}

/** The manifest of ours, in the order of the paths: the same files are the same release. */
async function keepList(
  { contents }: Receiver,
  app: AppRow,
  launch: string | undefined,
  files: readonly ManifestFile[],
): Promise<ReceivedUpdate['list']> {
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  const bytes = Buffer.from(writeFilesManifest({ ...(launch !== undefined && { launch }), files: sorted }))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await contents.upload(app.id, Readable.from([bytes]), sha256, { kind: 'files' })
  return { sha256, sizeBytes: bytes.length }
}
