import { connect } from 'node:net'
import type { TcpPort } from './tcp-port.ts'

export function createNodeTcp(): TcpPort {
  return {
    open({ host, port }) {
      const socket = connect({ host, port })
      const connected = new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve)
        socket.on('error', reject)
      })
      return { connected, close: () => socket.destroy() }
    },
  }
}
