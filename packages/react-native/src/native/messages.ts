import type { DownloadArrival, ReportedEventKind, SdkCode } from '@hotpatch/protocol'

// What crosses between JavaScript and the native engines, as JSON. All fields are there, also those that are null, but
// for what is marked with "?". Fields that the other side does not know are ignored.

/** `releaseId` null is embedded: what the app's binary shipped with. */
export interface ReleaseName {
  releaseId: string | null
  /** Of embedded the native version. */
  version: string
}

export interface NativeStatus {
  running: ReleaseName
  /** Of what runs; null is embedded. */
  standing: 'probation' | 'confirmed' | null
  /** What the next start runs instead. */
  staged: ReleaseName | null
  previous: ReleaseName | null
  highWater: number
  floor: number
  failedReleaseIds: string[]
  /** The one that checks ask for. */
  channel: string
  deviceId: string
  nativeVersion: string
  nativeBuild: string | null
  runtimeVersion: string | null
  /** A server and an app are known, so that checks can be made. */
  isConfigured: boolean
  /** The private folder could not be read: embedded runs, and nothing is updated until the next start. */
  problem: NativeFailure | null
}

/** What the app's JavaScript says. Of `apiUrl`, `appId` and `appKey` the binary's own hold, where it has some. */
export interface NativeConfiguration {
  apiUrl?: string
  appId?: string
  appKey?: string
  /** Where none was chosen on this device (`setChannel`); goes before the binary's. Without any: "production". */
  channel?: string
  cohorts?: string[]
  /** Instead of the random one that is kept in the app's folder. */
  deviceId?: string
  /** Whether a credential is asked of the server (Engine §9). Absent: false. */
  deviceCredential?: boolean
  /** Whether `sync` restarts the app for a mandatory update. Absent: true. */
  restartsWhenMandatory?: boolean
}

export interface NativeFailure {
  code: SdkCode
  message: string
  isRetryable: boolean
  /** What the server answered with, where that is the reason. */
  status: number | null
  /** The server asked for this much patience. */
  retryAfterMs: number | null
}

export type NativeOutcome =
  | { kind: 'up-to-date'; reason: string; nativeUpdate: { minNativeVersion: string; releaseId: string } | null }
  | {
      kind: 'available'
      releaseId: string
      version: string
      mandatory: boolean
      sizeBytes: number
      /** What will come over the network, where that is known and not `sizeBytes`. */
      expectedBytes: number | null
      notes: string | null
    }
  /** The server orders the way back to what the binary shipped with. */
  | { kind: 'available-embedded'; mandatory: boolean; reason: string }
  /** `releaseId` null: the next start runs embedded. */
  | { kind: 'staged'; releaseId: string | null; version: string; mandatory: boolean }
  | ({ kind: 'failed'; releaseId: string | null } & NativeFailure)

/** Engine §2. */
export type UpdateState =
  | 'idle'
  | 'checking'
  | 'offered'
  | 'downloading'
  | 'verifying'
  | 'staged'
  | 'probation'
  | 'confirmed'
  | 'rolled-back'

export type NativeEvent =
  | { type: 'state'; state: UpdateState; releaseId: string | null }
  | { type: 'progress'; receivedBytes: number; sizeBytes: number; releaseId: string }
  | ({ type: 'failed'; releaseId: string | null } & NativeFailure)
  /** What an edge said was not believed, or it was not reached: the server is asked. */
  | ({ type: 'edge-refused' } & NativeFailure)
  /** A release is whole on this device; `sizeBytes` is what its own bytes are, however it came. */
  | { type: 'downloaded'; arrival: DownloadArrival; receivedBytes: number; sizeBytes: number; releaseId: string }
  /** A patch is not taken: the whole bundle is. `reason` is the patch's own code (Patches §7), or the download's. */
  | { type: 'patch-failed'; reason: string; message: string; releaseId: string }
  /** The server will never take it: it is not told again. */
  | {
      type: 'report-dropped'
      report: { eventId: string; kind: ReportedEventKind; releaseId: string | null; version: string; code?: SdkCode }
      reason: string
    }
