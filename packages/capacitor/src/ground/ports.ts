import type { BundleInfo, CapacitorUpdaterPlugin } from '@capgo/capacitor-updater'
import type { ClockPort } from '@hotpatch/device-ground'

/**
 * What the updater needs of the app around it. Nothing here is looked up by itself: no global is touched before the app
 * builds these, so the package can be imported anywhere, and everything can be replaced.
 */

export type { BundleInfo }

/** What is used of the unmodified `@capgo/capacitor-updater`, in manual mode. */
export type UpdaterPlugin = Pick<
  CapacitorUpdaterPlugin,
  'notifyAppReady' | 'current' | 'list' | 'download' | 'set' | 'delete' | 'getFailedUpdate'
> &
  Partial<Pick<CapacitorUpdaterPlugin, 'getDeviceId'>>

export interface HttpRequest {
  method: 'GET' | 'POST'
  url: string
  headers: Readonly<Record<string, string>>
  body?: string
  /** A longer answer rejects with an `AnswerTooLongError`. */
  maxBytes: number
  /** Where the host can: ends the exchange. */
  signal: AbortSignal
}

export interface HttpAnswer {
  status: number
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>
  text: string
}

/**
 * Not the streaming port of the other clients: a native bridge hands over text, whole. Follows no redirect: it answers with it, or rejects with a `RedirectedError` where the platform hides where it leads. */
export interface HttpPort {
  send(request: HttpRequest): Promise<HttpAnswer>
}

export class RedirectedError extends Error {
  override name = 'RedirectedError'
}

/** What outlives the process: Preferences, localStorage. */
export interface StoragePort {
  /** Null or undefined when there is nothing. */
  get(key: string): Promise<string | null | undefined>
  set(key: string, value: string): Promise<void>
}

/** What outlives a reload of the page, and ends with the process: sessionStorage. */
export interface SessionPort {
  get(key: string): string | null
  set(key: string, value: string): void
}

export interface AppStatePort {
  /** Calls back at every return to the foreground, until the returned function is called. */
  onForeground(listener: () => void): () => void
}

/** `publicKey` is the raw 32 bytes. Rejects where the platform has no Ed25519. */
export type VerifyEd25519 = (
  publicKey: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
) => Promise<boolean>

export interface Host {
  /** Undefined where the app runs without it: then it runs, and nothing else happens. */
  plugin: UpdaterPlugin | undefined
  http: HttpPort
  storage: StoragePort
  /** Without it a reload of the page is a new session. */
  session?: SessionPort
  appState: AppStatePort
  clock: ClockPort
  /** A UUID. */
  newId(): string
  verifyEd25519?: VerifyEd25519
}
