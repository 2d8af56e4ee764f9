import type { ContentKindName } from '@hotpatch/protocol'
import type { Ports } from '../ground/ports.ts'
import type { Limits, Settings } from '../ground/settings.ts'
import type { InstalledRelease } from '../state/stored-state.ts'

export type InstallLimits = Pick<Limits, 'unpackedBytes' | 'fileCount' | 'pathBytes'>

/** Bytes that were downloaded whole, and whose digest is the announced one. */
export interface VerifiedDownload {
  path: string
  sizeBytes: number
}

export interface Installation {
  ports: Pick<Ports, 'files' | 'crypto'>
  settings: { limits: InstallLimits }
  download: VerifiedDownload
  release: InstalledRelease
  /** What is staged is about to go: called before anything in ota/pending/files changes. */
  makeWay(): Promise<void>
}

/** For kinds that fetch more than the one download. */
export interface FetchingInstallation extends Installation {
  ports: Pick<Ports, 'files' | 'crypto' | 'http' | 'clock'>
  settings: Pick<Settings, 'limits' | 'allowInsecure'>
  /** Where the bytes of a file are, with "{sha256}" in place of its digest. */
  fileUrl: string | null
  /** What follows is fetching again, until all has come. */
  onListed(): void
  onFetched(): void
  onProgress(receivedBytes: number, sizeBytes: number): void
}

export interface Installed {
  /** What was fetched beside the download. */
  receivedBytes: number
  /** The path of the file that is run first, where the content names one. */
  launch?: string
}

/** One kind of content: how a release's files come out of its download. */
export interface Installer {
  kind: ContentKindName
  /** The longest download. */
  maxBytes(limits: Limits): number
  /**
   * Makes ota/pending/files out of the verified download, in such an order that its marker is there only when
   * everything else is durable. Refuses what is not harmless before anything is written.
   */
  install(installation: FetchingInstallation): Promise<Installed>
}
