export interface UpdateParams {
  bundleId: string
  channel?: string
  fileUrl: string | null
  fileHash: string | null
  manifestUrl: string | null
  manifestFileHash: string | null
  changedAssets: Record<string, ChangedAsset> | null
}

export interface ChangedAsset {
  fileHash: string
  file?: { url: string; compression?: 'br' }
  patch?: { algorithm: string; baseBundleId: string; baseFileHash: string; patchFileHash: string; patchUrl: string }
}

export interface Fetched {
  url: string
  bytes: number
}

/** The native half of hot-updater's plugin in an app on one phone. */
export interface NativeHalf {
  /** A new process of the app. @returns the native module that JavaScript has */
  start(onRestart: () => void): Promise<object>
  /** The text of the bundle that was started last. */
  bundle(): string
  /** Something is shown, which is what it takes for a start that went well. */
  appear(): Promise<void>
  /** The app's JavaScript throws. */
  crash(): Promise<void>
  /** What was fetched since it was last asked. */
  fetched(): Fetched[]
}
