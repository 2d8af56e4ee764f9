import { request as requestHttp, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { HttpPort, HttpRequest, HttpResponse } from '../ports.ts'

/** Not fetch: it follows redirects into places where nobody has looked, and decodes bodies. */
export function createNodeHttp(): HttpPort {
  return {
    open({ method, url, headers, body }: HttpRequest) {
      const send = url.toLowerCase().startsWith('https:') ? requestHttps : requestHttp
      const bytes = body === undefined ? undefined : Buffer.from(body)
      let request: ClientRequest | undefined
      const response = new Promise<HttpResponse>((resolve, reject) => {
        // Parsing the address can throw: that too must reject.
        request = send(url, {
          method,
          headers: { ...headers, ...(bytes && { 'content-length': String(bytes.length) }) },
        })
        request.on('error', reject)
        request.once('response', (message) => resolve(responseOf(message)))
        request.end(bytes)
      })
      // Not a signal: its error comes to a connection that was given back already, where nobody listens (Node 24).
      return { response, abort: () => request?.destroy() }
    },
  }
}

function responseOf(message: IncomingMessage): HttpResponse {
  // An aborted exchange that nobody reads any more must not become an unhandled error.
  message.on('error', () => undefined)
  const headers: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(message.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return { status: message.statusCode ?? 0, headers, body: message }
}
