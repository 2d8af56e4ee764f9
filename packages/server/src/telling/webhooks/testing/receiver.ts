import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Received {
  headers: IncomingHttpHeaders
  path: string
  body: string
}

/** Answers one request; leaving it open is an answer, too. */
export type Answer = (response: ServerResponse, received: Received) => void

export const answering =
  (status: number, headers: Record<string, string> = {}, body = ''): Answer =>
  (response) =>
    void response.writeHead(status, headers).end(body)

/** A receiver of webhooks: a real server on a free port, which keeps what it gets. */
export async function startReceiver() {
  const received: Received[] = []
  let answer = answering(204)
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const one = { headers: request.headers, path: request.url ?? '', body }
      received.push(one)
      answer(response, one)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    port,
    url: `http://127.0.0.1:${port}/hook`,
    received,
    answerWith(next: Answer) {
      answer = next
    },
    /** Breaks off what was left open. */
    end: () => server.closeAllConnections(),
    close() {
      server.closeAllConnections()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
