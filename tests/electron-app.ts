// An Electron app around the real electron-updater, in a process of its own: `electron-app.ts {"platform":"win32",…}`.
// What it does is printed as one line of JSON.
import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { createRequire, registerHooks } from 'node:module'
import { join } from 'node:path'

export interface ElectronRun {
  /** That the updater is to believe it is on. */
  platform: 'linux' | 'win32'
  version: string
  /** What `app-update.yml` has in its `url`: the one line. */
  url: string
  /** The `resources` of a built app, with an `app-update.yml` of its own. */
  resources?: string
  /** The app's own folders; its AppImage, or the installer that it came by, lies there. */
  folder: string
  stagingId: string
  installed?: string
  channel?: string
  download?: boolean
}

export interface ElectronOutcome {
  available: boolean
  version: string | null
  error: string | null
  /** Of the file that it has downloaded. */
  sha256: string | null
  log: string[]
}

const run = JSON.parse(process.argv[2] ?? '') as ElectronRun
const resources = run.resources ?? join(run.folder, 'resources')
const userData = join(run.folder, 'user-data')
const cache = join(run.folder, 'cache')

/** All that the updater takes of Electron: its app, and its requests, which are those of Node. */
const electron = {
  app: Object.assign(new EventEmitter(), {
    isPackaged: true,
    whenReady: () => Promise.resolve(),
    getVersion: () => run.version,
    getName: () => 'demo',
    getAppPath: () => resources,
    getPath: () => userData,
    quit: () => undefined,
  }),
  session: { fromPartition: () => ({}) },
  net: { request },
}

function request({ session: _, ...options }: RequestOptions & { session: unknown }): ClientRequest {
  const sent = http.request(options)
  const emit = sent.emit.bind(sent)
  // Electron tells of a redirect by an event of its own.
  sent.emit = (event: string, ...values: unknown[]) => {
    const [answer] = values as [IncomingMessage | undefined]
    const location = event === 'response' ? answer?.headers.location : undefined
    if (answer?.statusCode === undefined || location === undefined) return emit(event, ...values)
    answer.resume()
    const to = new URL(location, run.url)
    // Where nobody asks for the event, Electron follows by itself.
    if (sent.listenerCount('redirect') === 0) {
      const { method, headers } = options
      const next = http.request(to, { ...(method && { method }), ...(headers && { headers }) })
      next.on('response', (response) => emit('response', response)).on('error', (error) => emit('error', error))
      next.end()
      return true
    }
    return emit('redirect', answer.statusCode, options.method ?? 'GET', to.href, answer.headers)
  }
  return sent
}

/** As the app's packaging would have laid them out. */
function layOut(): void {
  for (const folder of [resources, userData, cache]) mkdirSync(folder, { recursive: true })
  const channel = run.channel === undefined ? '' : `channel: ${run.channel}\n`
  if (run.resources === undefined) {
    writeFileSync(
      join(resources, 'app-update.yml'),
      `provider: generic\nurl: ${run.url}\n${channel}updaterCacheDirName: demo-updater\n`,
    )
  }
  writeFileSync(join(userData, '.updaterId'), run.stagingId)
  Object.defineProperty(process, 'platform', { value: run.platform })
  Object.defineProperty(process, 'resourcesPath', { value: resources })
  Object.assign(process.env, { LOCALAPPDATA: cache, XDG_CACHE_HOME: cache })
  if (run.platform === 'linux') process.env.APPIMAGE = run.installed ?? ''
  else if (run.installed !== undefined) {
    mkdirSync(join(cache, 'demo-updater'), { recursive: true })
    writeFileSync(join(cache, 'demo-updater', 'installer.exe'), readFileSync(run.installed))
  }
}

interface AutoUpdater extends EventEmitter {
  autoDownload: boolean
  autoInstallOnAppQuit: boolean
  logger: Record<'info' | 'warn' | 'error', (line: string) => void>
  checkForUpdates(): Promise<{ isUpdateAvailable: boolean; updateInfo: { version: string } } | null>
  downloadUpdate(): Promise<string[]>
}

function loadUpdater(): AutoUpdater {
  Object.assign(globalThis, { electronStandIn: electron })
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'electron'
        ? {
            url: 'data:text/javascript,export default globalThis.electronStandIn',
            format: 'module',
            shortCircuit: true,
          }
        : next(specifier, context),
    load: (url, context, next) =>
      url.startsWith('data:text/javascript,export default globalThis.electronStandIn')
        ? { format: 'commonjs', source: 'module.exports = globalThis.electronStandIn', shortCircuit: true }
        : next(url, context),
  })
  const require = createRequire(import.meta.url)
  return (require('electron-updater') as { autoUpdater: AutoUpdater }).autoUpdater
}

async function update(): Promise<ElectronOutcome> {
  layOut()
  const log: string[] = []
  const outcome: ElectronOutcome = { available: false, version: null, error: null, sha256: null, log }
  try {
    const updater = loadUpdater()
    const write = (line: unknown) => void log.push(String(line))
    updater.logger = { info: write, warn: write, error: write }
    updater.autoDownload = false
    updater.autoInstallOnAppQuit = false
    updater.on('error', () => undefined)
    const found = await updater.checkForUpdates()
    outcome.available = found?.isUpdateAvailable ?? false
    outcome.version = found?.updateInfo.version ?? null
    if (!outcome.available || !run.download) return outcome
    const [file = ''] = await updater.downloadUpdate()
    outcome.sha256 = createHash('sha256').update(readFileSync(file)).digest('hex')
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    outcome.error = code ?? message
  }
  return outcome
}

process.stdout.write(`${JSON.stringify(await update())}\n`)
process.exit(0)
