import type { Application } from '@hotpatch/api'

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

/** Nothing of it is believed further than that its publisher has the file. No signature is verified: devices do that. */
export interface ReadApplication {
  application?: Application
  /** PNG or WebP, as browsers show it. */
  icon?: Uint8Array
}
