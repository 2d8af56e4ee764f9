import type { ClockPort, CryptoPort, FilesPort, HttpPort } from '@hotpatch/device-ground'
import type { OpeningCrypto } from '@hotpatch/protocol'

/** The app binary around the engine. */
export interface HostPort {
  /** As the store shows it. */
  nativeVersion: string
  /** Of the same version, as the store counts them: without it, builds of one version are the same binary. */
  nativeBuild?: string
  runtimeVersion?: string
  /**
   * When this binary was built, in milliseconds since 1970, as its build wrote it down: releases that were signed before,
   * and name no binaries that they are for, are then refused. In the future it is not believed (Engine §4).
   */
  builtAt?: number
  platform: string
  /** Told to the server for audiences and figures; all of them may be left out. */
  osVersion?: string
  model?: string
  /** Such as "de-AT". */
  locale?: string
  /** Such as "arm64". */
  architecture?: string
  /** Of the SDK that the engine is part of. */
  sdkVersion?: string
  isEmulator?: boolean
  /** Whether this binary is one that users have. */
  isProduction?: boolean
  /** The store that the binary came from, such as "google_play". */
  installSource?: string
  /** Starts the app again, for a mandatory update. Without it the update waits for the next start. */
  restart?(): void | Promise<void>
}

/** What the binary shipped with, as the engine's releases have it: read, and never written. */
export interface EmbeddedFilesPort {
  /** All of it, each time the same, at paths with "/" between names. */
  list(): Promise<readonly { path: string; sizeBytes: number }[]>
  /** Fewer bytes than asked for only at the end of the file. */
  readRange(path: string, offset: number, length: number): Promise<Uint8Array>
}

export interface Ports {
  files: FilesPort
  http: HttpPort
  crypto: CryptoPort
  clock: ClockPort
  host: HostPort
  /** Without it nothing is made of what the binary shipped with (Engine §5). */
  embeddedFiles?: EmbeddedFilesPort
  /** Without it nothing that is encrypted is asked for. */
  encryption?: OpeningCrypto
  /** Everything that `packed` stands for; stops with an error before it is more than `sizeBytes`. */
  unpackBrotli?(packed: Uint8Array, sizeBytes: number): Uint8Array | Promise<Uint8Array>
}
