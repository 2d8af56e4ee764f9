import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startCliProcess, type CliResult } from '../../packages/testkit/src/cli-process.ts'

const EXAMPLE = fileURLToPath(new URL('../../examples/kit/', import.meta.url))
const APP = 'shop'
const PORTS = 4
const PORT_ATTEMPTS = 50
/** Below those that systems give away by themselves. */
const FIRST_PORT = 20_000
const LAST_PORT = 32_000

export type Shop = Awaited<ReturnType<typeof openShop>>

/** Somebody who publishes examples/kit, and a machine at home that has it: both with the tool as people run it. */
export async function openShop({
  directory,
  server,
  signal,
}: {
  directory: string
  server: { url: string; ownerToken: string }
  signal?: AbortSignal
}) {
  const home = join(directory, 'home')
  const root = join(directory, 'shop')
  await mkdir(home)
  const publisher = { HOME: home, HOTPATCH_URL: server.url, HOTPATCH_TOKEN: server.ownerToken }

  /** @throws when it does not end with 0 */
  async function publish(...args: string[]): Promise<string> {
    return expectWell(args, await start(args, publisher).ended)
  }

  /** On the machine that has it: it knows no token of the server. */
  function kit(...args: string[]): Promise<CliResult> {
    return startKit(...args).ended
  }

  function startKit(...args: string[]) {
    return start(['kit', ...args, '--root', root], {
      HOME: home,
      PATH: programs(),
      HOTPATCH_TOKEN: '',
      HOTPATCH_URL: '',
    })
  }

  function start(args: readonly string[], env: Record<string, string>) {
    const running = startCliProcess(args, { cwd: directory, env })
    const stop = () => running.kill('SIGINT')
    signal?.addEventListener('abort', stop, { once: true })
    void running.ended.finally(() => signal?.removeEventListener('abort', stop))
    return running
  }

  await publish('keys', 'generate')
  const publicKey = (await publish('keys', 'public', '--format', 'raw')).trim()
  const made = await publish('apps', 'create', APP, '--platforms', 'linux,macos', '--yes', '--json')
  const { id, appKey } = JSON.parse(made) as { id: string; appKey: string }
  await publish('channels', 'create', 'stable', '--app', APP, '--yes')
  const port = await freePorts()
  await runNode([
    join(EXAMPLE, 'install.mjs'),
    '--root',
    root,
    '--server',
    server.url,
    '--app-id',
    id,
    '--app-key',
    appKey,
    '--public-key',
    publicKey,
    '--port',
    String(port),
  ])
  const services = await startServices(root)

  return {
    root,
    appId: id,
    appKey,
    url: `http://127.0.0.1:${port}`,
    kit,
    startKit,
    publishRelease: (number: number) =>
      publish('kit', 'publish', join(EXAMPLE, `release-${number}`, 'kit.release.json'), '--app', APP, '--yes'),
    rollBack: (version: string) =>
      publish('rollback', '--app', APP, '--channel', 'stable', '--platform', 'any', '--to', version, '--yes'),
    tool: publish,
    stop: services.stop,
  }
}

function expectWell(args: readonly string[], { code, stdout, stderr }: CliResult): string {
  if (code === 0) return stdout
  throw new Error(`hotpatch ${args.join(' ')} ended with ${code}:\n${stderr}`)
}

/** What the installation's own services are looked after by, until it is stopped. */
export async function startServices(root: string) {
  const child = spawn(process.execPath, [join(root, 'tools', 'services.mjs')], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const ready = (async () => {
    for await (const line of createInterface({ input: child.stdout })) if (line === 'Ready.') return
  })()
  await Promise.race([ready, ended])
  if (child.exitCode !== null) throw new Error(`${root}/tools/services.mjs ended with ${child.exitCode}.`)
  return {
    async stop(): Promise<void> {
      child.kill('SIGTERM')
      await ended
    },
  }
}

export async function runNode(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, args, { env: environment(), stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}.`)
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: programs() }
}

/** Where nginx may be, though it is not on everybody's path. */
const SYSTEM_PROGRAMS = ['/usr/sbin', '/usr/local/sbin']

/** The pinned Node first: services are started with it. */
export function programs(): string {
  const { NGINX_PATH, PATH = '' } = process.env
  const named = NGINX_PATH === undefined ? [] : [dirname(NGINX_PATH)]
  return [dirname(process.execPath), ...named, PATH, ...SYSTEM_PROGRAMS].join(delimiter)
}

/** The first of four that are free one after the other. */
export async function freePorts(): Promise<number> {
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt += 1) {
    const first = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT))
    const free = await Promise.all(Array.from({ length: PORTS }, (_, index) => isFree(first + index)))
    if (free.every(Boolean)) return first
  }
  throw new Error(`Found no ${PORTS} free ports one after the other.`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  if (listening) await new Promise((resolve) => server.close(resolve))
  return listening
}
