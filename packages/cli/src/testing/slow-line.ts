import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Transform } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { onTestFinished } from 'vitest'

interface LineOptions {
  /** Of what is sent, all connections together. */
  bytesPerSecond?: number
  /** The first answer to each request that this fits is lost, after the server has given it. */
  losing?: RegExp
  /** What the sender hears instead. */
  lose?: (response: ServerResponse) => void
}

/** A gateway in front of a server, on a line with limits. */
export async function openLine(target: string, { bytesPerSecond = Infinity, losing, lose }: LineOptions) {
  const requests: string[] = []
  const lost = new Set<string>()
  let freeAt = 0

  /** One after the other through the narrow part. */
  const throttled = () =>
    new Transform({
      async transform(chunk: Buffer, _encoding, done) {
        const now = performance.now()
        freeAt = Math.max(freeAt, now) + (chunk.length / bytesPerSecond) * 1000
        await setTimeout(freeAt - now)
        done(null, chunk)
      },
    })

  function forward(incoming: IncomingMessage, response: ServerResponse) {
    const name = `${incoming.method} ${incoming.url}`
    requests.push(name)
    const isLost = losing?.test(name) && !name.endsWith('/preflight') && !lost.has(name)
    if (isLost) lost.add(name)
    const { method = 'GET', headers } = incoming
    const outgoing = request(new URL(incoming.url ?? '', target), { method, headers }, (answer) => {
      if (isLost) {
        answer.resume()
        answer.on('end', () => lose?.(response))
        return
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.destroy())
    incoming.pipe(throttled()).pipe(outgoing)
  }

  const gateway = createServer(forward).listen(0, '127.0.0.1')
  await once(gateway, 'listening')
  onTestFinished(() => {
    gateway.closeAllConnections()
    gateway.close()
  })
  return { url: `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`, requests }
}
