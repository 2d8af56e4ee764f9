import type { FastifyInstance } from 'fastify'
import { createStatusAnswers, KIT_STATUS_PATH, type KitStatusOptions } from './status-handler.ts'

/**
 * A Fastify plugin: `GET /api/v1/system/kit-status`, below the prefix that it is registered with.
 *
 * @example
 * await app.register(kitStatus, { readStatus: nodeKitStatus({ root: '/srv/kit', checks }) })
 */
export async function kitStatus(
  app: FastifyInstance,
  { prefix: _, ...options }: KitStatusOptions & { prefix?: string },
): Promise<void> {
  const answers = createStatusAnswers({
    onFailure: (error) => app.log.error({ err: error }, 'The status of the kit could not be read'),
    ...options,
  })
  app.route({
    // HEAD comes with it, where that is not switched off.
    method: 'GET',
    url: KIT_STATUS_PATH,
    async handler(request, reply) {
      const { status, headers, body } = await answers.answer(request.method)
      return reply.code(status).headers(headers).send(body)
    },
  })
}
