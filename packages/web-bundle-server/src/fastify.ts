import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { DOWNLOAD_PATH, MANIFEST_PATH } from './bundle-answers.ts'
import { createBundleHandler, type BundleHandlerOptions } from './bundle-handler.ts'

/**
 * A Fastify plugin: the two addresses, below the prefix that it is registered with.
 *
 * @example
 * await app.register(webBundle, { directory: '/srv/bundle', prefix: '/shop' })
 */
export async function webBundle(
  app: FastifyInstance,
  { prefix: _, ...options }: BundleHandlerOptions & { prefix?: string },
): Promise<void> {
  const log = (reason: string) => app.log.warn(`No web bundle is served: ${reason}`)
  const handler = createBundleHandler({ onUnavailable: log, ...options })
  app.addHook('onClose', async () => handler.close())
  for (const path of [MANIFEST_PATH, DOWNLOAD_PATH]) {
    app.route({
      method: ['GET', 'HEAD', 'OPTIONS'],
      url: path,
      async handler(request: FastifyRequest, reply: FastifyReply) {
        reply.hijack()
        // Below its prefix, as other servers hand it on.
        const query = request.raw.url?.indexOf('?') ?? -1
        request.raw.url = query === -1 ? path : `${path}${request.raw.url?.slice(query)}`
        await handler(request.raw, reply.raw)
      },
    })
  }
}
