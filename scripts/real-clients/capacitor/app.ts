import type { Host, UpdaterPlugin } from '../../../packages/capacitor/src/ground/ports.ts'
import { webVerifyEd25519 } from '../../../packages/capacitor/src/host/web-crypto.ts'
import { webHttp } from '../../../packages/capacitor/src/host/web-http.ts'
import type { UpdateOutcome } from '../../../packages/capacitor/src/updater/updater-state.ts'
import { createBundleUpdater, type BundleUpdater } from '../../../packages/capacitor/src/updater/updater.ts'
import type { AndroidClasses } from '../android/android-classes.ts'
import type { Page } from '../android/page.ts'
import { createPhone, type PhoneApp } from '../android/phone.ts'

export const PLUGIN = 'CapacitorUpdater'
/** Beneath the app's data. */
export const VERSIONS = 'files/versions'

/**
 * An app that follows its server by `@hotpatch/capacitor`, over Capgo's plugin in manual mode: each page that comes up
 * runs our updater, whose calls of the plugin go to its Java by Capacitor's own bridge.
 */
export function createFollowingApp({
  android,
  name,
  serverUrl,
  javaOptions,
}: {
  android: AndroidClasses
  name: string
  serverUrl: string
  javaOptions: string[]
}) {
  const stored = new Map<string, string>()
  let session = new Map<string, string>()
  let foreground = new Set<() => void>()
  let shown: { updater: BundleUpdater; started: Promise<UpdateOutcome> } | undefined
  let isConnected = true
  /** Versions whose page never gets to say that it works. */
  const broken = new Set<string>()
  const app: PhoneApp = {
    id: `com.example.${name}`,
    versionName: '1.0.0',
    versionCode: 1,
    plugins: ['ee.forgr.capacitor_updater.CapacitorUpdaterPlugin'],
    configuration: { [PLUGIN]: { autoUpdate: false, statsUrl: '' } },
    web: { 'index.html': pageOf('shipped') },
  }
  const phone = createPhone({ android, name: `capacitor-${name}`, app, javaOptions, onPage: come })

  function come(page: Page): void {
    shown = undefined
    foreground = new Set()
    if ([...broken].some((version) => page.html.includes(`>${version}<`))) return
    const connection = isConnected ? { hotPatch: { platform: 'android' } as const } : {}
    const updater = createBundleUpdater(hostOf(page), { serverUrl, allowInsecure: 'loopback', ...connection })
    shown = { updater, started: updater.start() }
  }

  function hostOf(page: Page): Host {
    const listeners = foreground
    return {
      plugin: page.plugin(PLUGIN) as unknown as UpdaterPlugin,
      // What a page that is gone still wants is neither asked nor written down.
      http: webHttp(async (url, init) => (page.isGone() ? new Promise<never>(() => undefined) : fetch(url, init))),
      storage: {
        get: async (key) => stored.get(key),
        set: async (key, value) => {
          if (!page.isGone()) stored.set(key, value)
        },
      },
      session: { get: (key) => session.get(key) ?? null, set: (key, value) => void session.set(key, value) },
      appState: {
        onForeground: (listener) => {
          listeners.add(listener)
          return () => listeners.delete(listener)
        },
      },
      clock: {
        now: () => Date.now(),
        elapsed: () => performance.now(),
        after: (ms, run) => {
          const timer = setTimeout(() => {
            if (!page.isGone()) run()
          }, ms).unref()
          return () => clearTimeout(timer)
        },
        random: () => Math.random(),
      },
      newId: () => crypto.randomUUID(),
      verifyEd25519: webVerifyEd25519,
    }
  }

  function current() {
    if (!shown) throw new Error('no page that works is shown')
    return shown
  }

  async function start(): Promise<UpdateOutcome | undefined> {
    session = new Map()
    await phone.start()
    return shown?.started
  }

  return {
    phone,
    broken,
    /** From the next page on it asks as anybody, and tells nothing. */
    disconnect() {
      isConnected = false
    },
    start,
    updater: () => current().updater,
    state: () => current().updater.state(),
    shows: (version: string) => phone.until(`shows ${version}`, () => phone.shows().includes(`>${version}<`)),
    /** What the check of the page that is shown came to. */
    outcome: async () => current().started,
    async comeBack(): Promise<UpdateOutcome> {
      phone.background()
      phone.foreground()
      for (const listener of foreground) listener()
      return current().updater.check()
    },
    /** What the plugin has, by its own words. */
    async bundles() {
      const { bundles } = await phone.call<{ bundles: { id: string; version: string; status: string }[] }>(
        PLUGIN,
        'list',
      )
      return bundles
    },
    async install() {
      stored.clear()
      await phone.wipe()
      await start()
    },
  }
}

export type FollowingApp = ReturnType<typeof createFollowingApp>

export const pageOf = (version: string) => `<html><head></head><body>${version}</body></html>`
