import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Stands before a port, and can stop saying anything on the connections that there are, and on new ones, which it accepts. */
export async function openTcpProxy(port: number) {
  const sockets = new Set<Socket>()
  let isSilent = false
  const server = createServer((client) => {
    keep(client)
    if (isSilent) return
    const upstream = connect(port, '127.0.0.1')
    keep(upstream)
    client.pipe(upstream).pipe(client)
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const)
      one.on('close', () => other.destroy())
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
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
