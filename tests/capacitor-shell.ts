import { createPluginDisk, createPluginStandIn, DEFAULT_CONFIG, type PluginDisk } from '@hotpatch/capacitor/testing'
import { extname } from 'node:path'
import type { Browser, Page } from 'playwright-core'

/** Where a web view on Android finds its page. */
const ORIGIN = 'https://localhost'

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

/** The plugins that the shell has, as it tells the page. Listeners are called back, everything else answers once. */
const PLUGINS = {
  CapacitorUpdater: [
    'notifyAppReady',
    'current',
    'list',
    'download',
    'set',
    'delete',
    'getFailedUpdate',
    'getDeviceId',
  ],
  Preferences: ['get', 'set'],
  CapacitorHttp: ['request'],
  App: ['addListener', 'removeListener'],
}

interface Call {
  plugin: string
  method: string
  options?: Record<string, unknown>
}

/**
 * The shell of a Capacitor app around a real browser: its web view, and the bridge to the plugins, as Capacitor's own page
 * side speaks it. The page's code is the app's own. The update plugin is the stand-in for its native half; its files are
 * those that the web view gets.
 */
export async function installShell(
  browser: Browser,
  { files, nativeVersion }: { files: ReadonlyMap<string, Uint8Array>; nativeVersion: string },
) {
  const disk = createPluginDisk()
  const preferences = new Map<string, string>()
  const timers = new Set<{ run: () => void }>()
  const complaints: string[] = []
  let calls: string[] = []
  let process: { page: Page; standIn: ReturnType<typeof createPluginStandIn>; close: () => Promise<void> } | undefined
  let ids = 0

  async function coldStart(): Promise<Page> {
    await process?.close()
    timers.clear()
    calls = []
    const context = await browser.newContext()
    const page = await context.newPage()
    page.on('pageerror', (error) => complaints.push(error.message))
    const standIn = createPluginStandIn({
      disk,
      nativeVersion,
      config: DEFAULT_CONFIG,
      clock: {
        now: () => Date.now(),
        elapsed: () => performance.now(),
        random: () => Math.random(),
        // Time passes when the test says so.
        after: (_ms, run) => {
          const timer = { run }
          timers.add(timer)
          return () => timers.delete(timer)
        },
      },
      fetch: (url) => fetch(url),
      newId: () => `bundle${String((ids += 1)).padStart(4, '0')}`,
      loadPage: () => void page.goto(`${ORIGIN}/`).catch(() => undefined), // another load may overtake it
    })
    await context.route(`${ORIGIN}/**`, (route) => {
      const path = new URL(route.request().url()).pathname.slice(1) || 'index.html'
      const body = filesOf(disk, files).get(path)
      if (!body) return route.fulfill({ status: 404 })
      return route.fulfill({ body: Buffer.from(body), contentType: TYPES[extname(path)] ?? 'application/octet-stream' })
    })
    await page.exposeFunction('callShell', async (call: Call) => {
      const answered = await answer(call, { standIn, preferences })
      calls.push(call.method)
      return answered
    })
    await page.addInitScript(putBridge, PLUGINS)
    process = { page, standIn, close: () => context.close() }
    standIn.launch()
    return page
  }

  return {
    disk,
    complaints,
    coldStart,
    /** What the page has called since the process began, and got an answer to. */
    calls: () => calls,
    /** As long as the plugin waits for a bundle to say that it works. */
    passReadyTimeout() {
      const [...due] = timers
      timers.clear()
      for (const { run } of due) run()
    },
    stop: async () => process?.close(),
  }
}

function filesOf(disk: PluginDisk, builtin: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  return disk.folders.get(disk.current) ?? builtin
}

/** The native half of the bridge. Errors come as values, as they do over a bridge. */
async function answer(
  { plugin, method, options }: Call,
  { standIn, preferences }: { standIn: ReturnType<typeof createPluginStandIn>; preferences: Map<string, string> },
): Promise<{ value: unknown } | { error: string }> {
  try {
    if (plugin === 'CapacitorUpdater') {
      const call = Reflect.get(standIn.plugin, method) as (options: unknown) => Promise<unknown>
      return { value: await call(options) }
    }
    const { key, value, url } = options as Record<string, string>
    if (plugin === 'CapacitorHttp') return { value: await request(url ?? '') }
    if (method === 'get') return { value: { value: preferences.get(key ?? '') ?? null } }
    return { value: void preferences.set(key ?? '', value ?? '') }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

async function request(url: string) {
  const response = await fetch(url, { redirect: 'manual' })
  return { status: response.status, headers: Object.fromEntries(response.headers), data: await response.text() }
}

/** In the page, before anything of the app: what Capacitor's native side puts there on Android. */
function putBridge(plugins: Record<string, string[]>): void {
  const page = globalThis as unknown as Record<string, unknown> & {
    callShell: (call: object) => Promise<{ value?: unknown; error?: string }>
  }
  page['androidBridge'] = {}
  page['Capacitor'] = {
    PluginHeaders: Object.entries(plugins).map(([name, methods]) => ({
      name,
      methods: methods.map((method) => ({ name: method, rtype: method === 'addListener' ? 'callback' : 'promise' })),
    })),
    nativePromise: async (plugin: string, method: string, options: unknown) => {
      const { value, error } = await page.callShell({ plugin, method, options })
      if (error !== undefined) throw new Error(error)
      return value
    },
    // The app stays in the foreground.
    nativeCallback: () => Promise.resolve('listener'),
  }
}
