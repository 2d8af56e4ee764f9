import { App } from '@capacitor/app'
import { Capacitor, CapacitorHttp } from '@capacitor/core'
import { Preferences } from '@capacitor/preferences'
import { CapacitorUpdater } from '@capgo/capacitor-updater'
import { createBundleUpdater, nativeHttp, webHost } from '@hotpatch/capacitor'
import { mountDialogs } from '@hotpatch/capacitor/dom'

const KEY = 'server'

let server: string | undefined

export async function readServer(): Promise<string | undefined> {
  const { value } = await Preferences.get({ key: KEY })
  server = value ?? undefined
  return server
}

export function writeServer(address: string): Promise<void> {
  return Preferences.set({ key: KEY, value: address })
}

/** Tells the plugin that this bundle works, and from then on asks for that of the server. */
export function follow(): void {
  const isNative = Capacitor.isNativePlatform()
  const host = webHost({
    plugin: isNative ? CapacitorUpdater : undefined,
    app: App,
    preferences: Preferences,
    ...(isNative && { http: nativeHttp(CapacitorHttp) }),
  })
  // http: on this machine alone, to try it out.
  const updater = createBundleUpdater(host, { serverUrl: () => server, allowInsecure: 'loopback' })
  mountDialogs(updater)
  void updater.start()
}
