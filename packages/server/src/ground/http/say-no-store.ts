import type { FastifyInstance } from 'fastify'

/** What is true now and for whoever asks. A route that knows better says so later. */
export function sayNoStore(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('cache-control', 'no-store')
    done()
  })
}
