import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { HttpPort, HttpRequest, HttpResponse } from '../ports.ts'

/** Not fetch: it follows redirects into places where nobody has looked, and decodes bodies. */
export function createNodeHttp(): HttpPort {
  return {
    open({ method, url, headers, body }: HttpRequest) {
      const send = url.toLowerCase().startsWith('https:') ? requestHttps : requestHttp
      const controller = new AbortController()
      const bytes = body === undefined ? undefined : Buffer.from(body)
      const response = new Promise<HttpResponse>((resolve, reject) => {
        // Parsing the address can throw: that too must reject.
        const request = send(url, {
          method,
          headers: { ...headers, ...(bytes && { 'content-length': String(bytes.length) }) },
          signal: controller.signal,
        })
        request.on('error', reject)
        request.once('response', (message) => resolve(responseOf(message)))
        request.end(bytes)
      })
      return { response, abort: () => controller.abort() }
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
