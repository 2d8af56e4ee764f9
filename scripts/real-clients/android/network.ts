import { once } from 'node:events'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { createServer, request, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { run } from './command.ts'

export interface PassedRequest {
  path: string
  headers: IncomingMessage['headers']
  status: number
  /** Of the body. */
  bytes: number
}

/** Of an answer on its way: other bytes, another status, or other headers beside it; or an end after so many bytes. */
export type Meddler = (
  path: string,
  answer: { status: number; body: Buffer },
) => { status: number; body: Buffer; headers?: OutgoingHttpHeaders; cutAt?: number }

/**
 * All that a phone reaches: one host by https, with a certificate that the phone trusts, in front of a server. Whoever asks
 * for another host is refused, so that no client gets as far as its maker.
 */
export async function createNetwork({ host, server, folder }: { host: string; server: string; folder: string }) {
  const { key, cert, trusted } = await certify(host, folder)
  const passed: PassedRequest[] = []
  const refused: string[] = []
  let meddle: Meddler | undefined
  const tunnels = new Set<Socket>()
  let isDown = false
  let held: { isHeld: (path: string) => boolean; reach: () => void; released: Promise<void> } | undefined

  const front = createTlsServer({ key, cert }, (incoming, response) => {
    void pass(incoming, response).catch((error: unknown) => response.destroy(error as Error))
  })
  const gate = createServer((incoming, response) => {
    refused.push(incoming.url ?? '')
    response.writeHead(403).end()
  })
  gate.on('connect', ({ url = '' }: IncomingMessage, socket: Socket) => {
    tunnels.add(socket.on('error', () => socket.destroy()).on('close', () => tunnels.delete(socket)))
    if (isDown) return socket.destroy()
    if (url !== `${host}:443`) {
      refused.push(url)
      return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    }
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    return front.emit('connection', socket)
  })
  gate.listen(0, '127.0.0.1')
  await once(gate, 'listening')

  async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/', headers } = incoming
    if (held?.isHeld(path)) {
      held.reach()
      await held.released
    }
    const onward = request(new URL(path, server), { method, headers: { ...headers, host } })
    incoming.pipe(onward)
    const [answer] = (await once(onward, 'response')) as [IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of answer) chunks.push(chunk as Buffer)
    const given = { status: answer.statusCode ?? 502, body: Buffer.concat(chunks) }
    const { status, body, headers: more, cutAt }: ReturnType<Meddler> = meddle?.(path, given) ?? given
    passed.push({ path, headers, status, bytes: cutAt ?? body.length })
    const { 'transfer-encoding': _, ...kept }: OutgoingHttpHeaders = answer.headers
    response.writeHead(status, { ...kept, ...more, 'content-length': body.length })
    if (cutAt === undefined) response.end(body)
    else response.write(body.subarray(0, cutAt), () => response.destroy())
  }

  const { port } = gate.address() as AddressInfo
  return {
    url: `https://${host}`,
    /** Of the host, in PEM. */
    certificate: cert.toString(),
    /** For the phone's Java. */
    options: [
      `-Djavax.net.ssl.trustStore=${trusted}`,
      `-Djavax.net.ssl.trustStorePassword=${PASSWORD}`,
      ...['http', 'https'].flatMap((scheme) => [`-D${scheme}.proxyHost=127.0.0.1`, `-D${scheme}.proxyPort=${port}`]),
    ],
    /** Since it was last asked. */
    passed: () => passed.splice(0),
    refused: () => [...refused],
    meddle(next: Meddler | undefined) {
      meddle = next
    },
    /** Requests that are not answered until they are released. */
    hold(isHeld: (path: string) => boolean) {
      const reached = Promise.withResolvers<void>()
      const released = Promise.withResolvers<void>()
      held = { isHeld, reach: reached.resolve, released: released.promise }
      return {
        reached: reached.promise,
        release() {
          held = undefined
          released.resolve()
        },
      }
    },
    setDown(next: boolean) {
      isDown = next
      if (isDown) for (const tunnel of tunnels) tunnel.destroy()
    },
    async close() {
      for (const tunnel of tunnels) tunnel.destroy()
      gate.closeAllConnections()
      gate.close()
      await once(gate, 'close')
    },
  }
}

const PASSWORD = 'changeit'

/** A certificate for a day, which nobody else trusts. */
async function certify(host: string, folder: string) {
  const at = join(folder, 'certificates')
  await rm(at, { recursive: true, force: true })
  await mkdir(at, { recursive: true })
  const name = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`]
  const files = ['-keyout', 'key.pem', '-out', 'cert.pem']
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...name, ...files], at)
  const store = ['-keystore', 'trusted.p12', '-storetype', 'PKCS12', '-storepass', PASSWORD]
  await run('keytool', ['-importcert', '-noprompt', '-alias', 'test', '-file', 'cert.pem', ...store], at)
  const [key, cert] = await Promise.all([readFile(join(at, 'key.pem')), readFile(join(at, 'cert.pem'))])
  return { key, cert, trusted: join(at, 'trusted.p12') }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
