import type { BundleInfo, Host, HttpPort, UpdaterPlugin } from '../ground/ports.ts'
import { newUuid, webVerifyEd25519 } from '../host/web-crypto.ts'
import { webHttp } from '../host/web-http.ts'
import { createManualClock, settle } from './manual-clock.ts'
import { createPluginDisk, createPluginStandIn, DEFAULT_CONFIG, type StandInConfig } from './plugin-stand-in.ts'

/** A page of the app: a bundle in the web view, with what it sees of the phone. */
export interface Page {
  bundle: BundleInfo
  host: Host
}

/**
 * A phone with an app on it: processes that begin and end, pages in them that are gone when the next is loaded, and a disk
 * that outlives both. What a page that is gone still wanted never happens, as in a web view.
 */
export function createAppDevice({
  app,
  nativeVersion = '1.0.0',
  config,
  wrap = (plugin) => plugin,
}: {
  /** The app's own code, at each load of the page. */
  app: (page: Page) => void
  nativeVersion?: string
  config?: Partial<StandInConfig>
  /** For plugins that misbehave. */
  wrap?: (plugin: UpdaterPlugin) => UpdaterPlugin | undefined
}) {
  const disk = createPluginDisk()
  const stored = new Map<string, string>()
  const { clock, advance } = createManualClock()
  let native = nativeVersion
  let session = new Map<string, string>()
  let process: ReturnType<typeof createPluginStandIn> | undefined
  let shown: { isAlive: boolean; listeners: Set<() => void> } | undefined
  let ids = 0

  function loadPage(): void {
    if (shown) shown.isAlive = false
    const page = { isAlive: true, listeners: new Set<() => void>() }
    shown = page
    const standIn = process
    if (!standIn) return
    const plugin = wrap(standIn.plugin)
    const host: Host = {
      plugin: plugin && ofPage(plugin, page),
      http: ofPage<HttpPort>(webHttp(fetch), page),
      storage: {
        get: async (key) => stored.get(key),
        set: async (key, value) => {
          if (page.isAlive) stored.set(key, value)
        },
      },
      session: { get: (key) => session.get(key) ?? null, set: (key, value) => void session.set(key, value) },
      appState: {
        onForeground: (listener) => {
          page.listeners.add(listener)
          return () => page.listeners.delete(listener)
        },
      },
      clock: {
        ...clock,
        after: (ms, run) =>
          clock.after(ms, () => {
            if (page.isAlive) run()
          }),
      },
      newId: newUuid,
      verifyEd25519: webVerifyEd25519,
    }
    const bundle = disk.registry.get(disk.current)
    const builtin = { id: 'builtin', version: native, status: 'success', checksum: '', downloaded: '' } as const
    app({ bundle: bundle ?? builtin, host })
  }

  async function coldStart(): Promise<void> {
    process?.kill()
    session = new Map()
    process = createPluginStandIn({
      disk,
      clock,
      nativeVersion: native,
      config: { ...DEFAULT_CONFIG, ...config },
      fetch: (url) => fetch(url),
      newId: () => `bundle${String((ids += 1)).padStart(4, '0')}`,
      loadPage,
    })
    process.launch()
    await settle()
  }

  return {
    disk,
    stored,
    advance,
    coldStart,
    /** From the background. */
    foreground() {
      process?.foreground()
      for (const listener of shown?.listeners ?? []) listener()
    },
    background: async () => process?.background(),
    /** The page alone begins anew, as by location.reload(). */
    reloadPage: loadPage,
    installNative(version: string) {
      native = version
    },
    /** The system takes a folder away, for room. */
    evict: (id: string) => disk.folders.delete(id),
    bundles: () => [...disk.registry.values()],
  }
}

/** Of a page that is gone, nothing is called and nothing is answered. */
function ofPage<T extends object>(port: T, page: { isAlive: boolean }): T {
  const never = new Promise<never>(() => undefined)
  const gated = Object.entries(port).map(([name, call]) => [
    name,
    (...args: unknown[]) => {
      if (!page.isAlive) return never
      const answer = (call as (...args: unknown[]) => Promise<unknown>)(...args)
      return new Promise((resolve, reject) => {
        answer.then(
          (value) => page.isAlive && resolve(value),
          (cause: unknown) => page.isAlive && reject(cause),
        )
      })
    },
  ])
  return Object.fromEntries(gated) as T
}
