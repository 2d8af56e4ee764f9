import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

const INVALID = '<?xml version="1.0"?><Error><Code>InvalidArgument</Code><Message>Invalid argument.</Message></Error>'

/**
 * Before a store of another make: what Google Cloud Storage is known to do otherwise to clients of S3. Its front end adds to
 * "accept-encoding" on the way, so nobody may sign that; bodies in signed chunks with checksums behind them it does not take; and
 * it had no removal of many at once, which it said by 400 in place of 501.
 */
export async function startLikeGoogle(endpoint: string) {
  const { hostname, port } = new URL(endpoint)
  const refused: string[] = []
  const server = createServer((asked, answer) => {
    const { method, url = '/', headers } = asked
    const isChunked = headers['content-encoding']?.includes('aws-chunked') || headers['x-amz-trailer'] !== undefined
    if (isChunked || (method === 'POST' && new URL(url, endpoint).searchParams.has('delete'))) {
      refused.push(`${method} ${isChunked ? 'in chunks' : 'of many'}`)
      asked.resume().on('end', () => answer.writeHead(400, { 'content-type': 'application/xml' }).end(INVALID))
      return
    }
    const coding = [headers['accept-encoding'], 'gzip(gfe)'].filter(Boolean).join(',')
    const told = { ...headers, 'accept-encoding': coding, connection: 'close' }
    const passed = request({ hostname, port, method, path: url, headers: told, agent: false })
    passed.on('response', (found) => {
      answer.writeHead(found.statusCode ?? 502, found.headers)
      // Swift sends a body after HEAD when there is nothing, which nobody may read.
      if (method === 'HEAD') return void answer.end()
      found.pipe(answer)
      found.on('error', () => answer.destroy())
    })
    passed.on('error', () => {
      if (!answer.headersSent) answer.destroy()
    })
    asked.pipe(passed)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
