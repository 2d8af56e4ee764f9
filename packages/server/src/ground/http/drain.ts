import type { Server, ServerResponse } from 'node:http'
import { Server as NetServer } from 'node:net'

/**
 * Takes no more connections, and closes those that there are each with its next answer: whoever is about to ask on a
 * connection that was kept gets that answer. Resolves when there are none any more, or the time is over.
 */
export async function drain(server: Server, limitMs: number): Promise<void> {
  server.prependListener('request', (_request, response: ServerResponse) => {
    response.shouldKeepAlive = false
  })
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const deadline = setTimeout(end, limitMs)
  // The one of http would close at once what was kept open.
  NetServer.prototype.close.call(server, () => end())
  await ended
  clearTimeout(deadline)
}
