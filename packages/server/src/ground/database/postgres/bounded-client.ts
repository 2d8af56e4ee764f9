import { Socket } from 'node:net'
import pg from 'pg'

/** Who is idle for so long is asked by the system whether he is still there, and given up some ten seconds later. */
const KEEP_ALIVE_MS = 30_000

export type BoundedClientOptions = pg.ClientConfig & {
  /**
   * What PostgreSQL's own timeouts do not bound is a server that says nothing any more: the connection is cut when
   * nothing passed on it for so long. 0: never.
   */
  silenceMs: number
}

/** A connection that can be cut at any time, and that nothing keeps open for ever. */
export class BoundedClient extends pg.Client {
  readonly #socket: Socket

  constructor(options: BoundedClientOptions) {
    const socket = new Socket()
    super({ keepAlive: true, keepAliveInitialDelayMillis: KEEP_ALIVE_MS, ...options, stream: () => socket })
    this.#socket = socket
    // One that breaks while somebody has it is told by the statement that fails, and must not end the process.
    this.on('error', () => undefined)
    const { silenceMs } = options
    if (silenceMs > 0)
      socket.setTimeout(silenceMs, () => this.cut(`PostgreSQL said nothing for ${silenceMs / 1000} seconds.`))
  }

  /** Whatever is under way on it fails, with a network's error of this text. */
  cut(why: string): void {
    this.#socket.destroy(Object.assign(new Error(why), { code: 'ETIMEDOUT' }))
  }
}
