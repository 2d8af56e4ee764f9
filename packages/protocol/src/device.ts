import type { ClientTakes } from './client-takes.ts'
import type { DeviceAttributes } from './device-attributes.ts'
import type { DeviceTrust } from './device-trust.ts'

/** An installation, as far as its check told: the same for every dialect. */
export interface Device {
  /** Null when the client tells none: unless it tells a rollout cohort, it gets what is in force for everyone (D5). */
  id: string | null
  /** The shell's version as its store shows it; undefined when the client did not say. */
  nativeVersion?: string | undefined
  runtimeVersion?: string | undefined
  /** What it runs: null is embedded. A release that the catalog does not know is never taken back (D6). */
  currentReleaseId: string | null
  /** The latest time of what it has, of clients that take only what is later; in milliseconds since 1970. */
  heldAt?: number | undefined
  /** Releases that failed on this device, by its own word or by its earlier reports (D4). */
  failedReleaseIds: readonly string[]
  cohorts: readonly string[]
  /** What its client can take (D11); undefined when nobody says: then all. */
  takes?: ClientTakes | undefined
  /** What else it told of itself, for attribute rules (Decision §11). */
  attributes?: DeviceAttributes | undefined
  /** What it refuses, and what it has taken (D11); undefined when the client does not tell. */
  trust?: DeviceTrust | undefined
}
