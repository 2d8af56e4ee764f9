import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { freePort } from '../free-port.ts'
import { makeTemporaryDirectory } from '../make-temporary-directory.ts'

/** Those of these that the machine has: both speak the same. */
export const REDIS_SERVERS = ['redis-server', 'valkey-server'].filter(
  (program) => spawnSync(program, ['--version']).status === 0,
)

export const REDIS_MISSING = 'needs redis-server or valkey-server of Debian'

/** Somebody else may take a port that was free a moment ago. */
const MAX_TRIES = 5

export type RedisServer = Awaited<ReturnType<typeof startRedis>>

/**
 * A process of its own, which keeps nothing.
 * @param settings such as `--requirepass secret`; `%` stands for the port
 */
export async function startRedis(program = REDIS_SERVERS[0] ?? '', settings: readonly string[] = []) {
  const directory = await makeTemporaryDirectory()
  let { child, port } = await startOnFreePort()

  async function startOnFreePort(): Promise<{ child: ChildProcess; port: number }> {
    for (let tries = 1; ; tries++) {
      const port = await freePort()
      try {
        return { child: await start(port), port }
      } catch (error) {
        if (tries === MAX_TRIES) throw error
      }
    }
  }

  async function start(port: number): Promise<ChildProcess> {
    const given = settings.map((setting) => setting.replaceAll('%', String(port)))
    const listening = settings.includes('--tls-port') ? ['--port', '0'] : ['--port', String(port)]
    const keepsNothing = ['--save', '', '--appendonly', 'no', '--dir', directory]
    const process = spawn(program, ['--bind', '127.0.0.1', ...listening, ...keepsNothing, ...given], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const printed: string[] = []
    for await (const line of createInterface({ input: process.stdout })) {
      printed.push(line)
      if (/Ready to accept connections/.test(line)) {
        process.stdout.resume()
        return process
      }
    }
    throw new Error(`${program} did not start:\n${printed.join('\n')}`)
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    child.kill(signal)
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }

  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    kill: () => end('SIGKILL'),
    /** Its sockets stay open, and nothing is answered. */
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    /** After it was killed: with nothing in it, at the same address. */
    async startAgain() {
      child = await start(port)
    },
    /** Sends commands on a connection, one after the other. @returns what came, as it came */
    command: (...commands: (string | Buffer)[][]) => sendCommands(port, commands),
    async stop() {
      await end('SIGKILL')
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** In Redis's own protocol: tests need no client of their own for it. */
async function sendCommands(port: number, commands: (string | Buffer)[][]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const received: Buffer[] = []
  socket.on('data', (chunk: Buffer) => received.push(chunk))
  await once(socket, 'connect')
  for (const words of [...commands, ['QUIT']]) {
    socket.write(`*${words.length}\r\n`)
    for (const word of words) {
      socket.write(`$${Buffer.byteLength(word)}\r\n`)
      socket.write(word)
      socket.write('\r\n')
    }
  }
  await once(socket, 'close')
  return Buffer.concat(received).toString()
}
