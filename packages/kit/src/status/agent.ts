import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { isIP, type AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '@hotpatch/device-ground'
import { isApplicationName } from '../checking/check-record.ts'
import type { CheckLogEntry } from '../checking/check-settings.ts'
import { createInstallationChecks } from '../checking/node/index.ts'
import { readInstallerLink } from '../checking/installer-link.ts'
import type { KitChecks } from '../checking/kit-checks.ts'
import { chooseChannel } from '../checking/channel.ts'
import { createNodeDisk } from '../ground/node-disk.ts'
import type { Installation } from '../installation/installation.ts'
import { loadInstallation } from '../installation/read-installation.ts'
import { nodeKitStatus } from './node-kit-status.ts'
import { createKitStatusHandler, KIT_STATUS_PATH, refuse, send } from './status-handler.ts'

const USAGE = `Usage: hotpatch-kit-agent --root DIR [options]

Answers GET ${KIT_STATUS_PATH} for gateways that are not written for Node. It reads, and never applies.

Options:
  --root <folder>          where the kit is installed, with its kit.json
  --port <port>            8477 when absent; 0 takes any that is free
  --host <address>         where it listens; 127.0.0.1 when absent, so that only this machine asks
  --allow-host <name>      under which it is asked, beside its addresses and localhost: where a proxy hands on the name
                           that it was asked by, as Caddy does; may be repeated
  --application <name>     who checks, in .kit/checks.json; kit-agent when absent
  --installer-link <link>  where people go to install, told in the header "link"
  --no-check               nobody is asked whether there is an update
  --help
`
const DEFAULT_PORT = '8477'
/** Nobody who is honest needs longer to ask, or asks for so much at once. */
const HEADERS_TIMEOUT_MS = 10_000
const IDLE_TIMEOUT_MS = 30_000
/** How often those are looked at who are too slow: by itself every half minute, whatever they are allowed. */
const LOOK_MS = 1_000
const MAX_CONNECTIONS = 200
const MAX_HEADER_BYTES = 8_192

interface AgentSettings {
  root: string
  port: number
  host: string
  allowedHosts: readonly string[]
  application: string
  installerLink: string | undefined
  checks: boolean
}

/** What the process is given; a test has its own. */
export interface AgentProcess {
  environment: Readonly<Record<string, string | undefined>>
  say(text: string): void
  complain(text: string): void
  /** Resolves when it is told to stop. */
  told: Promise<unknown>
}

/** Runs until it is told to stop. The exit code: 0 done, 1 failed, 2 wrong usage. */
export async function runAgent(argv: readonly string[], host: AgentProcess): Promise<number> {
  let settings: AgentSettings | undefined
  try {
    settings = readSettings(argv)
  } catch (error) {
    host.complain(`hotpatch-kit-agent: ${messageOf(error)}`)
    return 2
  }
  if (settings === undefined) {
    host.say(USAGE)
    return 0
  }
  try {
    return await serve(settings, host)
  } catch (error) {
    host.complain(`hotpatch-kit-agent: ${messageOf(error)}`)
    return 1
  }
}

function readSettings(argv: readonly string[]): AgentSettings | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      root: { type: 'string' },
      port: { type: 'string', default: DEFAULT_PORT },
      host: { type: 'string', default: '127.0.0.1' },
      'allow-host': { type: 'string', multiple: true, default: [] },
      application: { type: 'string', default: 'kit-agent' },
      'installer-link': { type: 'string' },
      'no-check': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  if (values.root === undefined) throw new Error('Expected --root with the folder of the kit. See --help.')
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : Number.NaN
  if (!(port <= 65_535)) throw new Error(`Expected a port from 0 to 65535, found "${values.port}".`)
  if (!isApplicationName(values.application)) {
    throw new Error(`Expected a name such as gateway after --application, found "${values.application}".`)
  }
  const link = values['installer-link']
  return {
    root: resolve(values.root),
    port,
    host: values.host,
    allowedHosts: values['allow-host'].map((name) => name.toLowerCase()),
    application: values.application,
    installerLink: link === undefined ? undefined : readInstallerLink(link),
    checks: !values['no-check'],
  }
}

async function serve(settings: AgentSettings, host: AgentProcess): Promise<number> {
  const { root, port, installerLink } = settings
  if (!existsSync(join(root, 'kit.json'))) throw new Error(`Expected a kit.json in ${root}, found none.`)
  const installation = await loadInstallation(createNodeDisk(root))
  const checks = checksOf(settings, installation, host)
  const { channelVariable: variable, channel: profile, releaseFile } = installation
  const channel = chooseChannel({ environment: host.environment, variable, profile })
  const answer = createKitStatusHandler({
    readStatus: nodeKitStatus({ root, channel, releaseFile, ...(checks && { checks }) }),
    installerLink,
    onFailure: (error) => host.complain(`The status could not be read: ${messageOf(error)}`),
  })
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: LOOK_MS },
    (request, response) => {
      // Whoever sends a body is not answered before it is thrown away.
      request.resume()
      if (!isAskedByItsName(request.headers.host, settings.allowedHosts)) {
        const message = 'It is not asked by that name: an address, localhost, or what --allow-host says.'
        return send(request, response, refuse(421, 'host-not-allowed', message))
      }
      const nothing = () =>
        send(request, response, refuse(404, 'not-found', `There is nothing but ${KIT_STATUS_PATH}.`))
      void answer(request, response, nothing)
    },
  )
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.requestTimeout = IDLE_TIMEOUT_MS
  server.timeout = IDLE_TIMEOUT_MS
  server.maxConnections = MAX_CONNECTIONS
  server.listen(port, settings.host)
  await once(server, 'listening')
  const { port: taken } = server.address() as AddressInfo
  const address = settings.host.includes(':') ? `[${settings.host}]` : settings.host
  host.say(`Answering at http://${address}:${taken}${KIT_STATUS_PATH}`)
  const stopChecks = checks?.start() ?? (() => {})
  await host.told
  stopChecks()
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
  return 0
}

/**
 * A page anywhere may give its own name the address of this machine, and would then be of the same origin. It cannot ask by
 * an address, or by localhost.
 */
function isAskedByItsName(host: string | undefined, allowed: readonly string[]): boolean {
  const [, name = ''] = /^(.*?)(?::\d{1,5})?$/.exec(host?.toLowerCase() ?? '') ?? []
  const address = /^\[(.*)\]$/.exec(name)?.[1] ?? name
  return name === 'localhost' || isIP(address) !== 0 || allowed.includes(name)
}

function checksOf(
  { root, application, checks }: AgentSettings,
  installation: Installation,
  { environment, complain }: AgentProcess,
): KitChecks | undefined {
  if (!checks) return undefined
  const log = ({ outcome }: CheckLogEntry) => {
    if (outcome.kind === 'check_failed') complain(`The check failed: ${outcome.code}: ${outcome.message}`)
  }
  return createInstallationChecks({ root, installation, application, environment, ports: { log } })
}
