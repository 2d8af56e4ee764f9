import type { ContentKindName, DeviceAttributes } from '@hotpatch/protocol'
import type { ToldTrust } from '../state/tell-trust.ts'

/** What the engine tells with every check, whatever the server's contract calls it. */
export interface ToldCheck {
  device: { appId: string; deviceId: string; platform: string; channel: string }
  /** Of what runs. */
  version: string
  /** Absent when embedded runs. */
  releaseId?: string
  failedReleaseIds: readonly string[]
  cohorts: readonly string[]
  binary: { nativeVersion: string; nativeBuild?: string; runtimeVersion?: string }
  attributes: DeviceAttributes
  trust: ToldTrust
}

/** How a server is asked for updates. Reports and credentials are the same for all (Events §2, Engine §9). */
export interface UpdateContract {
  /** Below the server's address; asked with POST. */
  checkPath: string
  /** What the request says, as JSON. */
  writeCheck(told: ToldCheck): object
  /** @throws UnexpectedJsonError for anything that is not as it must be */
  readAnswer(json: unknown): CheckAnswer
}

/** What a publisher signed, as it arrived; both or, for unsigned apps, neither. */
export interface SignedStatement {
  statement: string | null
  statementSignature: string | null
}

export interface Offer extends SignedStatement {
  releaseId: string
  version: string
  /** Of its content, which decides how it is installed. */
  kind: ContentKindName
  bundleUrl: string
  /** Of the kind `files`: where the bytes of a file are, with "{sha256}" in place of its digest. */
  fileUrl: string | null
  sha256: string
  sizeBytes: number
  /** What will come over the network, as far as the server knows: for people, nothing is decided by it. */
  expectedBytes: number | null
  signature: string | null
  mandatory: boolean
  notes: string | null
}

export interface EmbeddedOrder extends SignedStatement {
  mandatory: boolean
  reason: string
}

export interface NativeUpdate {
  minNativeVersion: string
  releaseId: string
}

export type CheckAnswer =
  | { kind: 'offer'; offer: Offer }
  | { kind: 'embedded'; order: EmbeddedOrder }
  | { kind: 'nothing'; reason: string; nativeUpdate: NativeUpdate | null }
