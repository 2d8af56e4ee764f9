/** What a file says of the app in it. Nothing of it is believed further than that its publisher uploaded it. */
export interface Application {
  /** The package name of Android, the bundle id of Apple's, the identity's name of a Windows package. */
  id: string
  version: string
  /** Orders versions on Android. Apple's and others have none that is surely a number. */
  versionCode?: number
  /** Of Apple's: what tells two uploads of one version apart. */
  build?: string
  /** As people see it. */
  name?: string
  minOsVersion?: string
  /** None: it runs on all, or does not say. */
  architectures: string[]
  permissions: string[]
  /**
   * SHA-256 of the certificates, in hex: first of who signed it, then of those whom that one replaced and who vouched for
   * it. Read, and not verified: devices do that.
   */
  certificates: string[]
  /** Of Apple's: with the bundle id, what makes it the same app to a device. */
  teamId?: string
  isDebuggable?: boolean
  provisioning?: Provisioning
}

export interface Provisioning {
  type: 'ad-hoc' | 'enterprise' | 'development' | 'store'
  /** RFC 3339. */
  expiresAt: string
  /** How many it names. */
  devices?: number
}

/** What is read of one file at most. Of each there are several times as much in the largest real apps. */
export interface ReadingLimits {
  /** In a zip. */
  maxEntries: number
  maxPathBytes: number
  /** Of a manifest, an Info.plist, a profile. */
  maxManifestBytes: number
  /** Of a table of resources: without it an app has no name and no icon. */
  maxResourceBytes: number
  maxIconBytes: number
  /** Wide and high. */
  maxIconPixels: number
}

export const READING_LIMITS: ReadingLimits = {
  maxEntries: 65_535,
  maxPathBytes: 4_096,
  maxManifestBytes: 4 * 1024 * 1024,
  maxResourceBytes: 32 * 1024 * 1024,
  maxIconBytes: 1024 * 1024,
  maxIconPixels: 2_048,
}

export interface ReadApplication {
  application?: Application
  /** PNG or WebP, as browsers show it. */
  icon?: Uint8Array
}
