import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { refuse } from './bundle-answers.ts'
import { createBundleHandler, readPublicUrl } from './bundle-handler.ts'

const USAGE = `Usage: web-bundle-server DIR [options]

Serves bundle.zip, bundle.sha256, VERSION and MIN_NATIVE_VERSION of a folder to Capacitor apps.

Options:
  --port <port>        8080 when absent; 0 takes any that is free
  --host <address>     where it listens; 0.0.0.0 when absent
  --base-path <path>   below which it answers, such as /shop
  --public-url <url>   where devices reach it, in the manifest; a path of the server when absent
  --help
`
/** Nobody who is honest needs longer to ask. */
const HEADERS_TIMEOUT_MS = 10_000
const MAX_CONNECTIONS = 10_000
/** Whoever takes nothing for so long would keep its connection, and the copy of its build, for ever. */
const IDLE_TIMEOUT_MS = 60_000
/** When told to stop, downloads that are under way have so long: less than Docker waits before it kills. */
const GRACE_MS = 8_000

interface Settings {
  directory: string
  port: number
  host: string
  basePath: string
  publicUrl: string | undefined
}

/** Runs until it is told to stop. The exit code: 0 done, 1 failed, 2 wrong usage. */
export async function main(argv: readonly string[]): Promise<number> {
  let settings: Settings | undefined
  try {
    settings = readSettings(argv)
  } catch (error) {
    process.stderr.write(`web-bundle-server: ${(error as Error).message}\n`)
    return 2
  }
  if (settings) return serve(settings)
  process.stdout.write(USAGE)
  return 0
}

function readSettings(argv: readonly string[]): Settings | undefined {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      port: { type: 'string', default: '8080' },
      host: { type: 'string', default: '0.0.0.0' },
      'base-path': { type: 'string', default: '' },
      'public-url': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const [directory, ...more] = positionals
  if (directory === undefined || more.length > 0) {
    throw new Error(`Expected one folder, found ${positionals.length}. See --help.`)
  }
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : Number.NaN
  if (!(port <= 65_535)) throw new Error(`Expected a port from 0 to 65535, found "${values.port}".`)
  const basePath = values['base-path'].replace(/\/+$/, '')
  if (!/^(?:\/[^\s?#/]+)*$/.test(basePath))
    throw new Error(`Expected a path such as /shop, found "${values['base-path']}".`)
  const publicUrl = values['public-url']
  return {
    directory: resolve(directory),
    port,
    host: values.host,
    basePath,
    publicUrl: publicUrl === undefined ? undefined : readPublicUrl(publicUrl),
  }
}

async function serve({ directory, port, host, basePath, publicUrl }: Settings): Promise<number> {
  const say = (text: string) => process.stderr.write(`${text}\n`)
  if (!existsSync(directory) || !statSync(directory).isDirectory()) {
    say(`web-bundle-server: Expected a folder, found none at ${directory}.`)
    return 1
  }
  const bundles = createBundleHandler({
    directory,
    publicUrl,
    onUnavailable: (reason) => say(`No web bundle is served: ${reason}.`),
  })
  const told = Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)))
  const server = createServer((request, response) => {
    const url = request.url ?? ''
    request.url = url.startsWith(`${basePath}/`) ? url.slice(basePath.length) : '/'
    const notFound = refuse(404, 'NOT_FOUND', 'There is nothing at this address.')
    void bundles(request, response, () => response.writeHead(404, notFound.headers).end(notFound.body))
  })
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.maxConnections = MAX_CONNECTIONS
  server.timeout = IDLE_TIMEOUT_MS
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    say(`web-bundle-server: Cannot listen on ${host}:${port}: ${(error as Error).message}.`)
    return 1
  }
  const { port: taken } = server.address() as AddressInfo
  process.stdout.write(`Serving ${directory} at http://${host}:${taken}${basePath}/\n`)
  await bundles.look()
  await told
  server.close()
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), GRACE_MS)
  await once(server, 'close')
  clearTimeout(cut)
  bundles.close()
  return 0
}
