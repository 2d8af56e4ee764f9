import { createHash } from 'node:crypto'
import { EdgeOfApp, NewEdgeKeyDocument } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { isPlatform, problem } from '@hotpatch/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { authorOf } from '../../people/authors/author.ts'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { EDGE_CACHE, EDGE_CONTENT_TYPE } from './edge-names.ts'
import type { EdgeReader } from './edge-reader.ts'
import type { EdgeService } from './edge-service.ts'

export function edgeRoutes({
  edge,
  resolveApp,
}: {
  edge: EdgeService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/apps/:app/edge',
      {
        config: { access: 'apps:read' },
        schema: {
          tags: ['edge'],
          summary: 'What devices can decide by without the server, and which rollouts they must ask it for',
          params: AppParams,
          response: { 200: EdgeOfApp },
        },
      },
      async (request) => edge.describe(await resolveApp(request, request.params.app)),
    )

    app.post(
      '/apps/:app/edge/keys',
      {
        config: { access: 'keys:change' },
        schema: {
          tags: ['edge'],
          summary: 'Makes another key for the server to speak by; it says nothing before a publisher has signed for it',
          params: AppParams,
          response: { 201: EdgeOfApp },
        },
      },
      async (request, reply) =>
        reply.code(201).send(await edge.addKey(await resolveApp(request, request.params.app), authorOf(request))),
    )

    app.put(
      '/apps/:app/edge/key-document',
      {
        config: { access: 'keys:change' },
        schema: {
          tags: ['edge'],
          summary:
            'Takes what a publisher has signed of the server’s keys: from then on there is an edge, or none with no key',
          params: AppParams,
          body: NewEdgeKeyDocument,
          response: { 200: EdgeOfApp },
        },
      },
      async (request) =>
        edge.putDocument(await resolveApp(request, request.params.app), request.body, authorOf(request)),
    )
  }
}

const PlaceParams = Type.Object({ app: Type.String(), platform: Type.String(), channel: Type.String() })
const FileParams = Type.Object({ app: Type.String(), file: Type.String() })
const CATALOG_FILE = /^([0-9a-f]{64})\.json$/

/** Static edge §2: the same files at the same paths as beside the artifacts, so that a CDN may stand in front of either. */
export function publicEdgeRoutes({ reader }: { reader: EdgeReader }): FastifyPluginAsyncTypebox {
  const config = { access: 'public', isForDevices: true } as const
  return async (app) => {
    app.get('/edge/v1/:app/keys.json', { config, schema: { params: AppParams } }, async (request, reply) =>
      send(request, reply, 'keys', await reader.keys(request.params.app)),
    )

    app.get(
      '/edge/v1/:app/:platform/:channel/latest.json',
      { config, schema: { params: PlaceParams } },
      async (request, reply) => {
        const { app: appId, platform, channel } = request.params
        const text = isPlatform(platform) ? await reader.pointer({ appId, platform, channel }) : undefined
        return send(request, reply, 'pointer', text)
      },
    )

    app.get('/edge/v1/:app/catalogs/:file', { config, schema: { params: FileParams } }, async (request, reply) => {
      const [, sha256] = CATALOG_FILE.exec(request.params.file) ?? []
      const text = sha256 === undefined ? undefined : await reader.catalog(request.params.app, sha256)
      return send(request, reply, 'catalog', text)
    })
  }
}

function send(
  { headers }: Pick<FastifyRequest, 'headers'>,
  reply: FastifyReply,
  document: keyof typeof EDGE_CACHE,
  text: string | undefined,
) {
  if (text === undefined) throw problem('not-found', 'This app has no such file at its edge.')
  const tag = `"${createHash('sha256').update(text).digest('hex')}"`
  reply.headers({
    etag: tag,
    'cache-control': EDGE_CACHE[document],
    'x-content-type-options': 'nosniff',
    'access-control-allow-origin': '*',
  })
  const known = headers['if-none-match']?.split(',').map((each) => each.trim().replace(/^W\//, '')) ?? []
  if (known.includes(tag)) return reply.code(304).send()
  return reply.header('content-type', EDGE_CONTENT_TYPE).send(text)
}
