import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { PublicUrl } from '../../../ground/http/public-url.ts'
import { takeBytes } from '../../../ground/http/take-bytes.ts'
import { AppParams, type ResolveApp } from '../../../people/authors/resolve-app.ts'
import type { ResumableUploads } from './resumable-uploads.ts'

const UploadParams = Type.Object({ ...AppParams.properties, id: Type.String({ maxLength: 80 }) })

/** tus 1.0: https://tus.io/protocols/resumable-upload */
export function resumableUploadRoutes({
  uploads,
  resolveApp,
  publicUrl,
}: {
  uploads: ResumableUploads
  resolveApp: ResolveApp
  publicUrl: PublicUrl
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    takeBytes(app, ['application/offset+octet-stream'])

    async function answer(request: FastifyRequest<{ Params: { app: string; id?: string } }>, reply: FastifyReply) {
      const { app: named, id } = request.params
      const found = await resolveApp(request, named)
      const response = await uploads.handle(asWebRequest(request), found.id, id).finally(() => {
        // Nobody reads the rest: what comes next on this connection would be taken for it.
        if (!request.raw.complete) reply.header('connection', 'close')
      })
      const begun = response.headers.get('location')
      if (begun !== null) {
        const location = `${publicUrl(request)}/manage/v1/apps/${encodeURIComponent(named)}/uploads/${begun}`
        response.headers.set('location', location)
      }
      response.headers.delete('content-length')
      return reply.code(response.status).headers(Object.fromEntries(response.headers)).send()
    }

    app.post(
      '/apps/:app/uploads',
      {
        config: { access: 'releases:publish' },
        schema: {
          tags: ['releases'],
          summary: 'Begins an upload that can go on where it broke off (tus 1.0)',
          description:
            '`Upload-Length` and `Upload-Metadata` with `sha256`, `kind` (archive or binary) and, of a binary, ' +
            '`filename`. The answer names the upload in `Location`, and in `Upload-Expires` how long it may take.',
          params: AppParams,
          response: { 201: Type.Null({ description: 'Begun' }) },
        },
      },
      answer,
    )

    const upload = { url: '/apps/:app/uploads/:id', config: { access: 'releases:publish' }, handler: answer } as const
    const schema = { tags: ['releases'], params: UploadParams }
    app.route({ ...upload, method: 'HEAD', schema })
    app.route({
      ...upload,
      method: 'PATCH',
      schema: {
        ...schema,
        summary: 'Goes on with an upload, from where HEAD says that it is',
        description: 'When the last byte has arrived the bytes are checked, and wait for their release for a day.',
        response: { 204: Type.Null({ description: 'How far it is now: `Upload-Offset`' }) },
      },
    })
    app.route({
      ...upload,
      method: 'DELETE',
      schema: { ...schema, summary: 'Ends an upload', response: { 204: Type.Null({ description: 'Ended' }) } },
    })
  }
}

function asWebRequest({ raw, method, body }: FastifyRequest): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(raw.headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name)) headers.set(name, String(value))
  }
  const stream = body instanceof Readable ? (Readable.toWeb(body) as ReadableStream) : null
  const init = { method, headers, body: stream, duplex: 'half' }
  return new Request('http://localhost/uploads', init as RequestInit)
}

/** Of the connection, and no part of what is asked. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'transfer-encoding',
  'expect',
  'keep-alive',
  'authorization',
])
