import type { AllowInsecure } from '@hotpatch/device-ground'
/** Every wait, loop and buffer has its bound here. */
export interface Limits {
  /** An answer to a check, from the request to its last byte. */
  checkTimeoutMs: number
  answerBytes: number
  checkAttempts: number
  /** Full jitter: a wait is random between 0 and backOffMs · 2^attempt, at most backOffMaxMs. */
  backOffMs: number
  backOffMaxMs: number
  /** The longest Retry-After that is believed. */
  retryAfterMaxMs: number
  fileBytes: number
  /** Of a download: how long nothing may come, and how long the whole may take. */
  idleTimeoutMs: number
  downloadTimeoutMs: number
  downloadAttempts: number
  redirects: number
}

export const DEFAULT_LIMITS: Readonly<Limits> = {
  checkTimeoutMs: 15_000,
  answerBytes: 256 * 1024,
  checkAttempts: 3,
  backOffMs: 1_000,
  backOffMaxMs: 30_000,
  retryAfterMaxMs: 60 * 60_000,
  fileBytes: 4 * 1024 ** 3,
  idleTimeoutMs: 30_000,
  downloadTimeoutMs: 6 * 60 * 60_000,
  downloadAttempts: 4,
  redirects: 5,
}

export type UpdatePlatform = 'android' | 'ios' | 'macos' | 'windows' | 'linux'

/** What rules and requirements may be about. */
export interface DeviceFacts {
  osVersion?: string
  model?: string
  locale?: string
  sdkVersion?: string
  isEmulator?: boolean
  isProduction?: boolean
  installSource?: string
}

export interface AppUpdaterOptions {
  /** Such as "https://updates.example.com/apps/my-app", or the root of a server, which then knows the app by its key. */
  serverUrl: string
  appKey?: string
  /** `production` when absent. */
  channel?: string
  platform: UpdatePlatform
  /** MAJOR.MINOR.PATCH+BUILD of the app that runs. */
  installedVersion: string
  /** Stable for this installation; without it the app is in no partial rollout. */
  deviceId?: string
  /** Such as "arm64". */
  architecture?: string
  /** What the host's installer takes, best first; else what is usual on the platform. */
  formats?: readonly string[]
  cohorts?: readonly string[]
  device?: DeviceFacts
  allowInsecure?: AllowInsecure
  limits?: Partial<Limits>
}
