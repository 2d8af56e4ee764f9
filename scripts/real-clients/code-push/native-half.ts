/** What the native half keeps of a package. */
export interface Metadata {
  packageHash: string
  label: string
  appVersion: string
  deploymentKey: string
  downloadUrl: string
  isMandatory: boolean
}

export interface StatusReport {
  status?: string
  package?: Metadata
  appVersion?: string
  previousLabelOrAppVersion?: string
  previousDeploymentKey?: string
}

export interface AppConfiguration {
  serverUrl: string
  deploymentKey: string
}

/** The native half of CodePush's plugin in an app on one phone. */
export interface NativeHalf {
  /** A new process of the app. @returns what JavaScript has as `NativeModules.CodePush` */
  start(onReload: (module: NativeModule) => void): Promise<NativeModule>
  /** The text of the bundle that was started last. */
  runs(): string
  downloadedBytes(): number
  /** Another binary comes from the store. */
  update(appVersion: string): void
}

export type NativeModule = Record<string, unknown>
