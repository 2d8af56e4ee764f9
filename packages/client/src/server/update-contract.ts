import type { ContentKindName, DeviceAttributes, UnexpectedJsonError } from '@hotpatch/protocol'
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
  /** Where embedded runs and can be a base: the digest of its tree (Content §3.1). */
  embeddedUpdateId?: string
  /** The formats of patches that can be applied here, the best first. */
  patches: readonly PatchFormat[]
}

/** Patches §5, by how it is packed. */
export const PATCH_FORMATS = ['hpdelta1-br', 'hpdelta1-deflate'] as const

export type PatchFormat = (typeof PATCH_FORMATS)[number]

/** What makes the release of one that lies here. */
export interface PatchOffer {
  format: PatchFormat
  url: string
  sha256: string
  sizeBytes: number
  /** Of what it is made of, and of what comes of it (Content §3.1). */
  baseTree: string
  tree: string
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

/** What is at the address, where that is the release encrypted (React Native §2.2). */
export interface OfferedEncryption {
  algorithm: string
  /** Of the encrypted file. */
  sha256: string
  sizeBytes: number
  keyIds: readonly string[]
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
  /** Null when the address has the release as it is. */
  encryption: OfferedEncryption | null
  /** What will come over the network, as far as the server knows: for people, nothing is decided by it. */
  expectedBytes: number | null
  signature: string | null
  /** Null when there is none, and an error when what is there cannot be read: the bundle is there all the same. */
  patch: PatchOffer | UnexpectedJsonError | null
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
