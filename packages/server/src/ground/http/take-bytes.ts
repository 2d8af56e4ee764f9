import type { IncomingMessage } from 'node:http'
import { problem } from '@hotpatch/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/** Bodies of these types are streams of the bytes as they come: what reads them has to count them. */
export function takeBytes(app: FastifyInstance, types: string[]): void {
  app.addContentTypeParser(
    types,
    (_request: FastifyRequest, payload: IncomingMessage, done: (error: null, body: IncomingMessage) => void) =>
      done(null, payload),
  )
}

/** Before anything is read: whoever sends more would learn it after minutes. @throws problem body-too-large */
export function requireFits(request: FastifyRequest, maxBytes: number): void {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > maxBytes) throw problem('body-too-large', `Expected at most ${maxBytes} bytes, found ${announced}.`)
}
