import type { CryptoPort, HttpPort, Ports } from '@hotpatch/client'
import type { FleetRequest } from './network.ts'
import type { FleetProfile } from './profile.ts'

export type UpdateKind = 'archive' | 'files'

export interface FleetOptions {
  /** How many; their ids are `sim-<seed>-000001` and so on. */
  devices: number
  /** The same seed, profile, start and answers give the same fleet. */
  seed: string
  app: { id: string; appKey: string }
  /** Where the server is: "https://updates.example.com" or "https://updates.example.com/apps/shop". */
  serverUrl: string
  channel: string
  /**
   * What their updates consist of: by the contract of React Native an archive, or by that of asset updates files, of
   * which each device fetches what it does not have (default archive).
   */
  kind?: UpdateKind
  /**
   * Whether they take patches where the server has some (default no). It makes them in the background: the same seed
   * gives the same fleet when they are there before it is asked.
   */
  patches?: boolean
  /** For patches that are packed with it: without it they take others. */
  unpackBrotli?: Ports['unpackBrotli']
  /** Each device has one of them. */
  platforms: readonly string[]
  /** Base64; without any, devices take unsigned releases. */
  publicKeys: readonly string[]
  /** The simulated time at which it begins, in milliseconds since 1970. */
  startAt: number
  http: HttpPort
  crypto: CryptoPort
  /** Calls back when everything that could go on without waiting has gone on (setImmediate on Node). */
  whenIdle: (run: () => void) => void
  /** What differs from DEFAULT_PROFILE. */
  profile?: Partial<FleetProfile>
  /** Sessions at once (default 64). */
  concurrency?: number
  /** Devices that only ask, without an engine: for fleets of a million. */
  checksOnly?: boolean
  /** Sees every request before it is sent. */
  onRequest?: (request: FleetRequest) => void
}

/** Ties simulated time to the time of the world. */
export interface Pace {
  /** Simulated milliseconds for each real one. */
  speed: number
  /** Real milliseconds. */
  now(): number
  /** Ends early when the run is stopped. */
  wait(ms: number): Promise<void>
}
