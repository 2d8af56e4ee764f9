import multipart from '@fastify/multipart'
import { problem } from '@hotpatch/protocol'
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

/** What the form reader says of a form that is none; it gives its errors neither a code nor a class. */
const BROKEN_FORM = /^(?:Multipart: |The needle |Unexpected end of |Part terminated early|Malformed part header)/

/** Of whatever goes wrong while a form is read. */
export function asFormProblem(error: unknown): unknown {
  if (!(error instanceof Error) || !BROKEN_FORM.test(error.message)) return error
  return problem('invalid-request', `Expected a whole multipart form. ${error.message}.`, {}, { cause: error })
}
