import type { ClockPort, Hasher, HttpPort, HttpRequest, HttpResponse } from '@hotpatch/device-ground'

/**
 * What an updater needs of the app around it. Nothing here is looked up by itself: importing the package touches nothing,
 * and everything can be replaced.
 */

export interface UpdaterResponse extends HttpResponse {
  /** Where it came from, of hosts that follow redirects by themselves. */
  url?: string
}

/** As every client's, so that a host's own fits; and more, for hosts that hold bodies in memory. */
export interface UpdaterHttpPort extends HttpPort {
  open(request: HttpRequest): { response: Promise<UpdaterResponse>; abort(): void }
  /** Of hosts that hold a body in memory: the file is asked for in pieces of this size. */
  pieceBytes?: number
}

/**
 * One download, in a folder of the app's own: the part under a name that nothing opens, a note beside it, and the name that
 * it gets at the end. A full disk rejects with an error whose `code` is "ENOSPC" or "EDQUOT".
 */
export interface PartPort {
  /** Undefined when there is none. */
  readNote(): Promise<string | undefined>
  /** Durable when it resolves, and never half of it. */
  writeNote(text: string): Promise<void>
  /** Undefined when there is no part. */
  sizeBytes(): Promise<number | undefined>
  /** Fewer bytes than asked for only at the end. */
  read(offset: number, length: number): Promise<Uint8Array>
  /** Writes at `offset` and cuts off whatever lay beyond; creates the part. */
  append(offset: number, bytes: Uint8Array): Promise<void>
  /** Makes what was appended durable. */
  sync(): Promise<void>
  /** Gives the part its name, in one step; what the installer finds it by. */
  reveal(fileName: string): Promise<string>
  /** Makes it the part again, in one step; does nothing when there is no file of that name. */
  conceal(fileName: string): Promise<void>
  /** Everything: part, note, and what has a name. */
  discard(): Promise<void>
  freeBytes?(): Promise<number | undefined>
}

/** A file whose bytes on the disk have the announced size and SHA-256. */
export interface VerifiedFile {
  /** As the host's `PartPort` calls it. */
  path: string
  fileName: string
  format: string
  version: string
  sha256: string
  sizeBytes: number
}

export interface InstallerPort {
  /** Resolves when the installer of the system has it; whether the user goes through with it, nobody knows here. */
  handOver(file: VerifiedFile): Promise<void>
}

export interface Host {
  http: UpdaterHttpPort
  part: PartPort
  sha256(): Hasher
  clock: ClockPort
  installer: InstallerPort
}
