import type { AllowInsecure } from '@hotpatch/device-ground'
import { MAX_FILE_PATH_BYTES } from '@hotpatch/protocol'

/** Every loop, buffer and wait of the engine has its bound here (Engine §5). */
export interface Limits {
  answerBytes: number
  bundleBytes: number
  unpackedBytes: number
  fileCount: number
  /** Of a patch: one file of it, made or read, and what is unpacked of it at a time. */
  patchPieceBytes: number
  /** Of one path inside the archive, in UTF-8 bytes. */
  pathBytes: number
  /** A check or a report, from the request to the last byte of its answer. */
  requestTimeoutMs: number
  /** The longest silence within a download. */
  idleTimeoutMs: number
  /** One call of download(), with its retries. What has arrived is kept for the next call. */
  downloadTimeoutMs: number
  /** Of one download or check, the first included. */
  attempts: number
  /** Full jitter: a wait is random between 0 and backOffMs · 2^attempt, at most backOffMaxMs. */
  backOffMs: number
  backOffMaxMs: number
  /** The longest Retry-After that is believed. */
  retryAfterMaxMs: number
  redirects: number
  /** A file of a release that is longer is gone on with where it broke off; for others that is not worth a note. */
  resumableBytes: number
  /** Files of one release that are fetched at the same time. */
  parallelDownloads: number
  /** Starts without a confirmation after which a release is rolled back. */
  startsOnProbation: number
  /** Of a confirmed release, that ended in a crash or before the app was ready; then it is rolled back. */
  badStartsInARow: number
  /** Undelivered reports; the oldest are dropped beyond it. */
  reports: number
  /** Reports in one request. */
  reportsAtOnce: number
  /** Failed and refused releases, and patches that failed, that are remembered. */
  rememberedReleases: number
}

export const DEFAULT_LIMITS: Readonly<Limits> = {
  answerBytes: 256 * 1024,
  bundleBytes: 256 * 1024 * 1024,
  unpackedBytes: 1024 * 1024 * 1024,
  fileCount: 20_000,
  patchPieceBytes: 64 * 1024 * 1024,
  pathBytes: MAX_FILE_PATH_BYTES,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 30_000,
  downloadTimeoutMs: 30 * 60_000,
  attempts: 5,
  backOffMs: 1_000,
  backOffMaxMs: 60_000,
  retryAfterMaxMs: 60 * 60_000,
  redirects: 5,
  resumableBytes: 256 * 1024,
  parallelDownloads: 4,
  startsOnProbation: 2,
  badStartsInARow: 3,
  reports: 200,
  reportsAtOnce: 100,
  rememberedReleases: 50,
}

export interface EdgeConfig {
  /** Where its files are: "https://cdn.example.com", with `edge/` and `artifacts/` below. */
  url: string
  /** Whether it is asked before the server (the default), or when that is not reached. */
  order?: 'first' | 'fallback'
}

export interface EngineConfig {
  /**
   * Where the server is: "https://updates.example.com" or "https://updates.example.com/apps/shop". An empty text where
   * there is only an edge: then reports wait.
   */
  serverUrl: string
  /** Signed files that say what to take without a server, or in front of one (Static edge). Needs public keys. */
  edge?: EdgeConfig
  /** Of the app; an open one needs none. */
  appKey?: string
  appId: string
  deviceId: string
  channel: string
  cohorts?: readonly string[]
  /** Whether it asks the server for a credential, and shows it with every check and report (default false). */
  deviceCredential?: boolean
  /** Base64 of raw 32-byte Ed25519 keys; any one of them may sign. Without any, only hashes are checked. */
  publicKeys?: readonly string[]
  /**
   * Base64 of raw 32-byte X25519 private keys, of the binary that this is part of: what is encrypted for one of them can be
   * opened (Encryption §1). At most 8.
   */
  decryptionKeys?: readonly string[]
  /** For development: "loopback" allows http: to this machine, `true` to anywhere. */
  allowInsecure?: AllowInsecure
  /** Whether sync() restarts the app for a mandatory update (default true). */
  restartsWhenMandatory?: boolean
  limits?: Partial<Limits>
}

export interface Settings extends Required<Omit<EngineConfig, 'limits' | 'publicKeys' | 'decryptionKeys' | 'edge'>> {
  /** Null: there is none. */
  edge: Required<EdgeConfig> | null
  publicKeys: readonly Uint8Array[]
  decryptionKeys: readonly Uint8Array[]
  limits: Limits
}
