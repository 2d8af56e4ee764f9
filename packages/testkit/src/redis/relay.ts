import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Stands before a port: passes on what comes, or swallows it and says nothing, as a network does that lost its way. */
export async function startRelay(port: number) {
  let isSwallowing = false
  const sockets = new Set<Socket>()

  function keep(socket: Socket): Socket {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined) // it ends, which is passed on
    return socket
  }

  function passOn(from: Socket, to: Socket): void {
    from.on('data', (chunk: Buffer) => {
      if (!isSwallowing) to.write(chunk)
    })
    from.on('close', () => to.destroy())
  }

  const server = createServer((client) => {
    const upstream = keep(connect(port, '127.0.0.1'))
    keep(client)
    passOn(client, upstream)
    passOn(upstream, client)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    port: (server.address() as AddressInfo).port,
    swallow: () => void (isSwallowing = true),
    pass: () => void (isSwallowing = false),
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
