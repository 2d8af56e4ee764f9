import type { ClientClasses } from '../android/client-classes.ts'
import { startPhones } from '../android/phones.ts'

/** What the binary has built in, as `app.manifest` and the Android manifest say it. */
export interface Binary {
  id: string
  builtAt: number
  bundle: string
}

/** As the client names it: `updateUrl`, `runtimeVersion`, `requestHeaders` and others. */
export type Configuration = Record<string, unknown>

export interface AppState {
  id: string
  isEmbedded: boolean
  isEmergency: boolean
  /** What runs. */
  bundle: string
  /** What is given to the app, by key. */
  assets: Record<string, string>
  updates: { id: string; commitTime: number; status: string; failed: number; launched: number }[]
  restarts: number
  died: string[]
  log: string[]
}

export type Checked =
  | { kind: 'update'; manifest: { id: string; createdAt: string } }
  | { kind: 'roll-back'; commitTime: number }
  | { kind: 'nothing'; reason: string }
  | { kind: 'error'; reasons: string[] }

export type Fetched =
  | { kind: 'update'; id: string }
  | { kind: 'roll-back' }
  | { kind: 'nothing' }
  | { kind: 'error'; reasons: string[] }

/** Phones with Expo's client, as `app.manifest` tells it what its binary is. */
export async function startExpoPhones(
  client: ClientClasses,
  { binary: { id, builtAt, bundle }, ...more }: { binary: Binary; javaOptions: readonly string[]; name: string },
) {
  const phones = await startPhones(client, {
    app: { id: 'com.example.demo', versionName: '1.0.0', versionCode: 1 },
    assets: {
      'app.manifest': JSON.stringify({ id, commitTime: builtAt, assets: [] }),
      'index.android.bundle': bundle,
    },
    phoneClass: 'dev.hotpatch.phone.ExpoPhone',
    ...more,
  })
  const { ask } = phones

  return {
    /** A process of the app on a phone begins; that before it has ended. */
    start: (phone: string, configuration: Configuration) => ask<AppState>({ do: 'start', phone, configuration }),
    state: () => ask<AppState>({ do: 'state' }),
    /** Something is shown: this is what the client takes for a start that went well. */
    appear: () => ask<null>({ do: 'appear' }),
    /** The app's JavaScript throws. */
    crash: (message: string) => ask<AppState>({ do: 'crash', message }),
    check: () => ask<Checked>({ do: 'check' }),
    fetch: () => ask<Fetched>({ do: 'fetch' }),
    reload: () => ask<AppState>({ do: 'reload' }),
    setExtra: (key: string, value: string) => ask<null>({ do: 'extra', key, value }),
    overrideHeaders: (headers: Record<string, string>) => ask<null>({ do: 'headers', headers }),
    folderOf: phones.folderOf,
    end: phones.end,
  }
}
