/**
 * What an updater needs of the app around it. Nothing here is looked up by itself: importing the package touches nothing,
 * and everything can be replaced.
 */

export interface HttpRequest {
  method: 'GET' | 'POST'
  url: string
  headers: Readonly<Record<string, string>>
  body?: string
}

export interface HttpResponse {
  status: number
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>
  body: AsyncIterable<Uint8Array>
  /** Where it came from, of hosts that follow redirects by themselves. */
  url?: string
}

export interface HttpExchange {
  response: Promise<HttpResponse>
  /** Ends the exchange at once; reading its body may then fail or end. */
  abort(): void
}

/** Decodes no body. Best it follows no redirect: then it is looked at where they lead before anything is asked there. */
export interface HttpPort {
  open(request: HttpRequest): HttpExchange
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

export interface Hasher {
  update(bytes: Uint8Array): void
  digest(): Uint8Array | Promise<Uint8Array>
}

export interface ClockPort {
  /** Milliseconds since 1970, by a clock that people and networks set. */
  now(): number
  /** Milliseconds since any one moment, by a clock that nobody sets: whatever is waited for or bounded. */
  elapsed(): number
  /** Calls `run` once after `ms`, unless the returned function is called before. */
  after(ms: number, run: () => void): () => void
  /** 0 ≤ x < 1; for back-off only. */
  random(): number
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
  http: HttpPort
  part: PartPort
  sha256(): Hasher
  clock: ClockPort
  installer: InstallerPort
}
