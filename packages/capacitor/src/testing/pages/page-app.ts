import { createBundleUpdater, webHost, type BundleUpdater } from '../../index.ts'
import { createPluginDisk, createPluginStandIn, DEFAULT_CONFIG } from '../plugin-stand-in.ts'

declare global {
  interface Window {
    /** What a test looks at, and reaches into. */
    app: { updater: BundleUpdater; evict: () => void; loads: number }
  }
}

/** An app on this page, with the real updater over the plugin's stand-in; the server is that of the page. */
export function startApp(): BundleUpdater {
  const disk = createPluginDisk()
  const host = webHost({ plugin: undefined })
  const standIn = createPluginStandIn({
    disk,
    clock: host.clock,
    nativeVersion: '1.0.0',
    config: DEFAULT_CONFIG,
    fetch: (url) => fetch(url),
    newId: () => crypto.randomUUID().replaceAll('-', '').slice(0, 10),
    loadPage: () => {
      if (window.app) window.app.loads += 1
    },
  })
  standIn.launch()
  const updater = createBundleUpdater(webHost({ plugin: standIn.plugin }), {
    serverUrl: location.origin,
    allowInsecure: 'loopback',
  })
  window.app = { updater, evict: () => disk.folders.clear(), loads: 0 }
  return updater
}
