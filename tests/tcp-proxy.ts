import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { Transform } from 'node:stream'

/**
 * Stands before a port. It can stop saying anything on the connections that there are, and on new ones, which it accepts; and
 * it can cut each of them when so many bytes have come back.
 */
export async function openTcpProxy(port: number) {
  const sockets = new Set<Socket>()
  let isSilent = false
  let cutAfterBytes = Number.POSITIVE_INFINITY
  let cuts = 0
  const server = createServer((client) => {
    keep(client)
    if (isSilent) return
    const upstream = connect(port, '127.0.0.1')
    keep(upstream)
    client.pipe(upstream).pipe(cutting()).pipe(client)
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const)
      one.on('close', () => other.destroy())

    function cutting(): Transform {
      let passedBytes = 0
      return new Transform({
        transform(chunk: Buffer, _, done) {
          passedBytes += chunk.length
          if (passedBytes < cutAfterBytes) return done(null, chunk)
          cuts += 1
          client.destroy()
        },
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  function keep(socket: Socket): void {
    sockets.add(socket)
    socket.on('error', () => undefined) // its other end is gone
    socket.on('close', () => sockets.delete(socket))
  }

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Nothing passes from now on; what is open stays so for good. */
    silence() {
      isSilent = true
      for (const socket of sockets) socket.unpipe().pause()
    },
    /** For new connections. */
    speak: () => void (isSilent = false),
    /** Ends each connection when so many bytes have come back over it. Infinity: no more. */
    cutAfter: (bytes: number) => void (cutAfterBytes = bytes),
    cuts: () => cuts,
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
