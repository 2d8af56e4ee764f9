/** An installation, as far as its check told: the same for every dialect. */
export interface Device {
  id: string
  /** The shell's version as its store shows it; undefined when the client did not say. */
  nativeVersion?: string | undefined
  runtimeVersion?: string | undefined
  /** What it runs: null is embedded. A release that the catalog does not know is never taken back (D6). */
  currentReleaseId: string | null
  /** Releases that failed on this device, by its own word or by its earlier reports (D4). */
  failedReleaseIds: readonly string[]
  cohorts: readonly string[]
}
