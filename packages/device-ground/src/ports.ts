/**
 * What a client needs of the machine it runs on. The rest of it has no imports from a runtime, so the same code runs on
 * Node, Electron, Hermes and in a web view.
 */

export interface FileStat {
  kind: 'file' | 'directory' | 'other'
  sizeBytes: number
}

/**
 * The app's private folder. Paths are relative to it, with "/" between names.
 * A full disk rejects with an error whose `code` is "ENOSPC" or "EDQUOT".
 */
export interface FilesPort {
  /** Undefined when there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>
  /** Fewer bytes than asked for only at the end of the file. */
  readRange(path: string, offset: number, length: number): Promise<Uint8Array>
  /** Creates or replaces; the content (not yet the name) is durable when it resolves. */
  write(path: string, bytes: Uint8Array): Promise<void>
  /** Writes at `offset` and cuts off whatever lay beyond; creates the file; durable only after `sync`. */
  append(path: string, offset: number, bytes: Uint8Array): Promise<void>
  sync(path: string): Promise<void>
  /** Makes the names in a directory durable: creations, renames and removals. '' is the folder itself. */
  syncDirectory(path: string): Promise<void>
  /** Replaces a file at `to`; `to` must not be a directory. */
  rename(from: string, to: string): Promise<void>
  /** With everything in it; does nothing when it is absent. */
  remove(path: string): Promise<void>
  /** With its parents; does nothing when it exists. */
  makeDirectory(path: string): Promise<void>
  /** The path as the rest of the app needs it, to load the release. */
  locate(path: string): string
  /** Undefined when there is nothing. Never follows a link. */
  stat(path: string): Promise<FileStat | undefined>
  freeBytes?(): Promise<number | undefined>
}

export interface HttpRequest {
  method: 'GET' | 'POST'
  url: string
  headers: Readonly<Record<string, string>>
  /** Sent as UTF-8. */
  body?: string
}

export interface HttpResponse {
  status: number
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>
  body: AsyncIterable<Uint8Array>
}

export interface HttpExchange {
  response: Promise<HttpResponse>
  /** Ends the exchange at once; reading its body may then fail or end. */
  abort(): void
}

/** Follows no redirects (the client does, and looks where they lead) and decodes nothing. */
export interface HttpPort {
  open(request: HttpRequest): HttpExchange
}

export interface Hasher {
  update(bytes: Uint8Array): void
  digest(): Uint8Array | Promise<Uint8Array>
}

export interface CryptoPort {
  sha256(): Hasher
  /** `publicKey` is the raw 32 bytes. False, not an error, for anything that does not verify. */
  verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>
  randomUuid(): string
}

export interface ClockPort {
  /** Milliseconds since 1970, by a clock that people and networks set: for time stamps only. */
  now(): number
  /** Milliseconds since any one moment, by a clock that nobody sets: whatever is waited for or bounded. */
  elapsed(): number
  /** Calls `run` once after `ms`, unless the returned function is called before. */
  after(ms: number, run: () => void): () => void
  /** 0 ≤ x < 1; for back-off only. */
  random(): number
}
