import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A gateway in front of a server, whose line breaks in the middle of uploads. */
export async function openCutLine(target: string) {
  /** After how many bytes each of the next ones ends. */
  const cuts: number[] = []
  /** Where each went on from. */
  const offsets: number[] = []
  const begun: string[] = []

  function forward(incoming: IncomingMessage, response: ServerResponse) {
    const { method = 'GET', headers, url = '' } = incoming
    if (method === 'POST' && url.endsWith('/uploads')) begun.push(url)
    if (method === 'PATCH') offsets.push(Number(headers['upload-offset']))
    const outgoing = request(new URL(url, target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.destroy())
    const cut = method === 'PATCH' ? cuts.shift() : undefined
    if (cut === undefined) return void incoming.pipe(outgoing)
    let passed = 0
    incoming.on('data', (chunk: Buffer) => {
      if (passed < cut) outgoing.write(chunk, () => passed >= cut && end())
      passed += chunk.length
    })

    function end() {
      outgoing.destroy()
      incoming.socket.destroy()
    }
  }

  const gateway = createServer(forward).listen(0, '127.0.0.1')
  await once(gateway, 'listening')
  onTestFinished(() => {
    gateway.closeAllConnections()
    gateway.close()
  })
  return { url: `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`, cuts, offsets, begun }
}
