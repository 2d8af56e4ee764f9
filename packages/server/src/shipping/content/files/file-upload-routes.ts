import { AskedFiles, MAX_BATCH_BYTES, MAX_BATCH_FILES, MissingFiles, ReceivedFiles } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problem } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'
import { asFormProblem, takeForms } from '../../../ground/http/take-forms.ts'
import { AppParams, type ResolveApp } from '../../../people/authors/resolve-app.ts'
import type { FileUploads, SentFile } from './file-uploads.ts'

const SHA256 = /^[0-9a-f]{64}$/
/** 20,000 files, some 110 bytes each. */
const MAX_ASKED_BYTES = 4 * 1024 * 1024
/** Of the heads of the parts. */
const ROOM_FOR_FORM = 1024 * 1024

/** Content §4.1: what has to be sent of a release of the kind files, and many small files at once. */
export function fileUploadRoutes({
  files,
  resolveApp,
}: {
  files: FileUploads
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    await takeForms(app)

    app.post(
      '/apps/:app/artifacts/missing',
      {
        bodyLimit: MAX_ASKED_BYTES,
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'Which files would have to be sent',
          description:
            'Those that the app has are its releases’ and what it has sent and was not published yet; that waits a day ' +
            'longer by being asked for. What other apps have is not told.',
          params: AppParams,
          body: AskedFiles,
          response: { 200: MissingFiles },
        },
      },
      async (request) => {
        const { id } = await resolveApp(request, request.params.app)
        return { missing: await files.listMissing(id, request.body.files) }
      },
    )

    app.post(
      '/apps/:app/artifacts/batch',
      {
        bodyLimit: MAX_BATCH_BYTES + ROOM_FOR_FORM,
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'Uploads many files of a release at once',
          description:
            `A form of at most ${MAX_BATCH_FILES} files and ${MAX_BATCH_BYTES} bytes; the name of each part is the ` +
            'SHA-256 of its bytes. Each is kept by itself: what has arrived whole stays, whatever becomes of the others.',
          consumes: ['multipart/form-data'],
          params: AppParams,
          response: { 200: ReceivedFiles },
        },
      },
      async (request) => {
        const { id } = await resolveApp(request, request.params.app)
        if (!request.isMultipart()) {
          const found = request.headers['content-type'] ?? 'nothing'
          throw problem('unsupported-media-type', `Expected multipart/form-data, found ${found}.`)
        }
        try {
          return { received: await files.uploadAll(id, sentFiles(request), { maxBytes: MAX_BATCH_BYTES }) }
        } catch (error) {
          throw asFormProblem(error)
        }
      },
    )
  }
}

async function* sentFiles(request: FastifyRequest): AsyncGenerator<SentFile> {
  let count = 0
  const limits = { parts: MAX_BATCH_FILES + 1, fileSize: Number.MAX_SAFE_INTEGER }
  for await (const part of request.parts({ limits })) {
    const { fieldname: sha256 } = part
    if (part.type !== 'file' || !SHA256.test(sha256)) {
      throw problem('invalid-request', `Expected files under their SHA-256, found "${sha256.slice(0, 80)}".`)
    }
    if (++count > MAX_BATCH_FILES) {
      throw problem('invalid-request', `Expected at most ${MAX_BATCH_FILES} files in one request, found more.`)
    }
    yield { sha256, bytes: part.file }
  }
}
