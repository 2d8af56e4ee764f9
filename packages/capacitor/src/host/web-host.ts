import { systemClock } from '@hotpatch/device-ground/system-clock'
import type { AppStatePort, Host, HttpPort, StoragePort, UpdaterPlugin, VerifyEd25519 } from '../ground/ports.ts'
import { webVerifyEd25519, newUuid } from './web-crypto.ts'
import { webHttp } from './web-http.ts'

/** What is used of `App` of `@capacitor/app`. */
export interface AppPlugin {
  addListener(
    name: 'appStateChange',
    listener: (state: { isActive: boolean }) => void,
  ): Promise<{ remove(): Promise<void> }>
}

/** What is used of `Preferences` of `@capacitor/preferences`. */
export interface PreferencesPlugin {
  get(options: { key: string }): Promise<{ value: string | null }>
  set(options: { key: string; value: string }): Promise<void>
}

export interface WebHostParts {
  plugin: UpdaterPlugin | undefined
  /** Else the page's own visibility tells of the foreground. */
  app?: AppPlugin
  /** Else localStorage, which iOS empties when it needs room. */
  preferences?: PreferencesPlugin
  /** Else fetch, for which the server has to allow the app's origin. */
  http?: HttpPort
  /** Else the web view's own, which older ones do not have. */
  verifyEd25519?: VerifyEd25519
}

/** The host of an app in a web view. Reaches for globals when it is called, and not before. */
export function webHost({ plugin, app, preferences, http, verifyEd25519 }: WebHostParts): Host {
  return {
    plugin,
    http: http ?? webHttp((url, init) => fetch(url, init)),
    storage: preferences ? preferencesStorage(preferences) : localStorageOf(globalThis),
    session: {
      get: (key) => sessionStorage.getItem(key),
      set: (key, value) => sessionStorage.setItem(key, value),
    },
    appState: app ? appStateOf(app) : visibilityOf(document),
    clock: systemClock(),
    newId: newUuid,
    verifyEd25519: verifyEd25519 ?? webVerifyEd25519,
  }
}

function preferencesStorage(preferences: PreferencesPlugin): StoragePort {
  return {
    get: async (key) => (await preferences.get({ key })).value,
    set: (key, value) => preferences.set({ key, value }),
  }
}

function localStorageOf(page: { localStorage: Storage }): StoragePort {
  return {
    get: async (key) => page.localStorage.getItem(key),
    set: async (key, value) => page.localStorage.setItem(key, value),
  }
}

function appStateOf(app: AppPlugin): AppStatePort {
  return {
    onForeground(listener) {
      const handle = app.addListener('appStateChange', ({ isActive }) => {
        if (isActive) listener()
      })
      // Without the plugin the app looks at launch only.
      handle.catch(() => undefined)
      return () => void handle.then((given) => given.remove()).catch(() => undefined)
    },
  }
}

function visibilityOf(page: Document): AppStatePort {
  return {
    onForeground(listener) {
      const listen = () => {
        if (page.visibilityState === 'visible') listener()
      }
      page.addEventListener('visibilitychange', listen)
      return () => page.removeEventListener('visibilitychange', listen)
    },
  }
}
