import type { AllowInsecure } from '@hotpatch/device-ground'

/** Every wait, loop and buffer has its bound here. */
export interface Limits {
  /** A manifest, from the request to the last byte of its answer. */
  manifestTimeoutMs: number
  manifestBytes: number
  /** Of one manifest, the first included. */
  manifestAttempts: number
  /** Full jitter: a wait is random between 0 and backOffMs · 2^attempt, at most backOffMaxMs. */
  backOffMs: number
  backOffMaxMs: number
  /** The longest Retry-After that is believed. */
  retryAfterMaxMs: number
  /** Every call of the plugin that only reads or notes something. */
  pluginTimeoutMs: number
  downloadTimeoutMs: number
  /** Of the same bytes, until the next cold start: more would fail as well, and cost the user's data. */
  downloadAttempts: number
  /** The plugin waits for the new bundle for 30 s and more; after this the question is open again. */
  switchTimeoutMs: number
  /** Bundles that were rolled back, and ids of others, that are remembered. */
  rememberedBundles: number
  /** Undelivered events; the oldest are dropped beyond it. */
  events: number
  eventsAtOnce: number
}

export const DEFAULT_LIMITS: Readonly<Limits> = {
  manifestTimeoutMs: 10_000,
  manifestBytes: 64 * 1024,
  manifestAttempts: 3,
  backOffMs: 1_000,
  backOffMaxMs: 15_000,
  retryAfterMaxMs: 60 * 60_000,
  pluginTimeoutMs: 10_000,
  downloadTimeoutMs: 15 * 60_000,
  downloadAttempts: 3,
  switchTimeoutMs: 60_000,
  rememberedBundles: 20,
  events: 100,
  eventsAtOnce: 50,
}

/** The app's bundles come from a HotPatch server: it is asked for this app and channel, and told how updates went. */
export interface HotPatchConnection {
  /** Not needed when the app is open, or the address names the app. */
  appKey?: string
  /** `production` when absent. */
  channel?: string
  platform: 'ios' | 'android' | 'web'
  /** Stable for this installation; the plugin's own when absent. */
  deviceId?: string
}

export interface UpdaterOptions {
  /**
   * The server whose bundle the app follows, such as "https://example.com" or "https://example.com/sub/path". A function
   * where the user chooses it; undefined while there is none.
   */
  serverUrl: string | (() => string | undefined)
  /** Left out in directory mode: then nothing is ever sent. */
  hotPatch?: HotPatchConnection
  /** Base64 of raw 32-byte Ed25519 keys. With any, the manifest's checksum must be signed by one of them. */
  publicKeys?: readonly string[]
  /** `true` allows http: servers, "loopback" those on this machine. */
  allowInsecure?: AllowInsecure
  limits?: Partial<Limits>
}
