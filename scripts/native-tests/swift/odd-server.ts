import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

export interface OddServer {
  url: string
  end(): Promise<void>
}

/** Answers as no server of ours does: for the tests of what asks. */
export async function startOddServer(): Promise<OddServer> {
  const server = createServer((request, response) => {
    switch (request.url) {
      case '/redirect':
        response.writeHead(302, { location: '/target' }).end('elsewhere')
        return
      case '/target':
        response.end('the target')
        return
      case '/packed':
        if (request.headers['accept-encoding']?.includes('gzip')) {
          response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('packed'))
        } else response.end('as it is')
        return
      case '/cookie':
        response.writeHead(200, { 'set-cookie': 'seen=yes' }).end(request.headers.cookie ?? 'none')
        return
      case '/long':
        response.end(Buffer.alloc(8 * 1024 * 1024, 'x'))
        return
      case '/silent':
        // Never anything.
        return
      case '/stops':
        response.writeHead(200, { 'content-length': '100' }).write('the first bytes')
        return
      case '/breaks':
        response.writeHead(200, { 'content-length': '100' }).write('the first bytes', () => response.destroy())
        return
      case '/echo':
        request.setEncoding('utf8')
        {
          let body = ''
          request.on('data', (text: string) => (body += text))
          request.on('end', () => response.writeHead(201, { 'x-method': request.method ?? '' }).end(body))
        }
        return
      default:
        response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    end() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
