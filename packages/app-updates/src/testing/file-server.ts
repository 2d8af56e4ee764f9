import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FileServer {
  url: string
  requests: { path: string; range: string | undefined }[]
  answerWith(path: string, answer: (request: IncomingMessage, response: ServerResponse) => void): void
  /** With ranges and an ETag, as this server and others serve files. */
  serveFile(path: string, bytes: Uint8Array, options?: { etag?: string; breakAfter?: number }): void
  serveJson(path: string, body: unknown, status?: number): void
  stop(): Promise<void>
}

export async function startFileServer(): Promise<FileServer> {
  const answers = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>()
  const requests: FileServer['requests'] = []
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    requests.push({ path, range: request.headers.range })
    const answer = answers.get(path)
    if (answer) answer(request, response)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    answerWith: (path, answer) => void answers.set(path, answer),
    serveFile(path, bytes, { etag = '"v1"', breakAfter = Infinity } = {}) {
      answers.set(path, (request, response) => {
        const isSame = request.headers['if-range'] === undefined || request.headers['if-range'] === etag
        const [, from = '0', to = String(bytes.length - 1)] =
          (isSame && /^bytes=(\d+)-(\d+)?$/.exec(request.headers.range ?? '')) || []
        const isRange = isSame && request.headers.range !== undefined
        const [start, end] = [Number(from), Number(to)]
        const body = bytes.subarray(start, end + 1)
        response.writeHead(isRange ? 206 : 200, {
          etag,
          'content-length': body.length,
          ...(isRange && { 'content-range': `bytes ${start}-${end}/${bytes.length}` }),
        })
        if (body.length <= breakAfter) return void response.end(body)
        response.write(body.subarray(0, breakAfter), () => response.destroy())
      })
    },
    serveJson(path, body, status = 200) {
      answers.set(path, (_request, response) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      })
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}
