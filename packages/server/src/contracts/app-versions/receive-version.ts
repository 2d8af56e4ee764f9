import type { MultipartFile } from '@fastify/multipart'
import { problem } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'
import { asFormProblem } from '../../ground/http/take-forms.ts'
import type { ContentService, ReceivedContent } from '../../shipping/content/content-service.ts'
import { fieldsOfForm } from './read-new-version.ts'

/** What a publish says, and the file that came along. */
export interface ReceivedVersion {
  fields: unknown
  file: { content: ReceivedContent; name: string } | undefined
}

const MAX_PARTS = 30

/** JSON, or a form with the same fields and a part `file`. When the answer is known, what is left of the file is gone. */
export async function withVersion<Result>(
  request: FastifyRequest,
  contents: ContentService,
  use: (received: ReceivedVersion) => Promise<Result>,
): Promise<Result> {
  const received = request.isMultipart()
    ? await receiveForm(request, contents)
    : { fields: request.body, file: undefined }
  try {
    return await use(received)
  } finally {
    await received.file?.content.discard()
  }
}

/** @throws problem invalid-request, invalid-binary, body-too-large */
async function receiveForm(request: FastifyRequest, contents: ContentService): Promise<ReceivedVersion> {
  const texts = new Map<string, string>()
  let file: ReceivedVersion['file']
  try {
    for await (const part of request.parts({ limits: { parts: MAX_PARTS, fileSize: Number.MAX_SAFE_INTEGER } })) {
      if (part.type === 'file') {
        if (part.fieldname !== 'file' || file) throw oneFile(part)
        file = {
          content: await contents.receive(part.file, { kind: 'binary', name: part.filename }),
          name: part.filename,
        }
      } else if (typeof part.value === 'string' && !part.valueTruncated && !texts.has(part.fieldname)) {
        texts.set(part.fieldname, part.value)
      } else {
        throw problem('invalid-request', `${part.fieldname}: expected one text, found something else.`)
      }
    }
    return { fields: fieldsOfForm(texts), file }
  } catch (error) {
    await file?.content.discard()
    throw asFormProblem(error)
  }
}

function oneFile({ fieldname }: MultipartFile) {
  return problem('invalid-request', `Expected one file in the part "file", found another one in "${fieldname}".`)
}
