import multipart from '@fastify/multipart'
import type { FastifyInstance } from 'fastify'

const MAX_FIELD_BYTES = 256 * 1024
const MAX_HEADER_PAIRS = 50

/**
 * Lets the routes of this plugin read multipart forms. Not for the whole server: the reader's hooks would make
 * every check half again as expensive.
 */
export async function takeForms(app: FastifyInstance): Promise<void> {
  await app.register(multipart, { limits: { fieldSize: MAX_FIELD_BYTES, headerPairs: MAX_HEADER_PAIRS } })
  // After whoever sends it was let in: the server's own hook comes first.
  app.addHook('onRequest', (request, _reply, done) => {
    app.connections.expectUpload(request.raw)
    done()
  })
}
