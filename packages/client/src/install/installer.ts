import type { ContentKindName } from '@hotpatch/protocol'
import type { Ports } from '../ground/ports.ts'
import type { Limits } from '../ground/settings.ts'
import type { ReleaseFile } from '../state/release-tree.ts'

export type InstallPorts = Pick<Ports, 'files' | 'crypto'>

export type InstallLimits = Pick<Limits, 'unpackedBytes' | 'fileCount' | 'pathBytes'>

/** Bytes that were downloaded whole, and whose digest is the announced one. */
export interface VerifiedDownload {
  path: string
  sizeBytes: number
}

/** What is about to be installed, after everything that it says of itself was judged. */
export interface OpenDownload {
  unpackedBytes: number
  /** Writes every file below an empty folder, and makes each durable. Its folders are the caller's to sync. */
  writeTo(root: string): Promise<ReleaseFile[]>
}

/** One kind of content: how a release's files come out of its download. */
export interface Installer {
  kind: ContentKindName
  /** Refuses what is not harmless, before anything is written. */
  open(ports: InstallPorts, download: VerifiedDownload, limits: InstallLimits): Promise<OpenDownload>
}
