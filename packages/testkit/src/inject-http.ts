import type { HttpPort, HttpResponse } from '@hotpatch/client'
import { injectRequest } from './inject-request.ts'
import type { TestServer } from './test-server.ts'

/** Where devices believe the server is that is reached by `injectHttp`. */
export const INJECTED_URL = 'http://localhost'

/** A device's way to a server in the same process, without a socket. */
export function injectHttp(server: Pick<TestServer, 'app'>): HttpPort {
  return {
    open: ({ method, url, headers, body }) => {
      const answer = async (): Promise<HttpResponse> => {
        const found = await injectRequest(server.app, {
          method,
          url: url.replace(INJECTED_URL, ''),
          headers: { host: 'localhost', ...headers },
          ...(body !== undefined && { payload: body }),
        })
        const told = Object.entries(found.headers).map(([name, value]) => [name, String(value)])
        return { status: found.statusCode, headers: Object.fromEntries(told), body: inOnePiece(found.rawPayload) }
      }
      return { response: answer(), abort: () => undefined }
    },
  }
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes
}
