import type { Readable } from 'node:stream'

/** A complete local file that a driver may take over. */
export interface SpooledFile {
  path: string
  sizeBytes: number
}

/** Both ends belong to the range, as in HTTP. */
export interface ByteRange {
  start: number
  end: number
}

export interface StoredObject {
  sizeBytes: number
  /** When the object was last put, also when it existed already. */
  modifiedAt: Date
}

/** How bytes are to be called by whoever sends them. */
export interface LinkedAnswer {
  headers: { contentType?: string; contentDisposition?: string; contentEncoding?: string }
  /** Whether the client comes to nothing without them: a link that cannot have them is none. */
  mustHaveHeaders: boolean
}

/**
 * Where artifact bytes live. A key is the SHA-256 of the bytes in lower-case hex, so an object never changes once
 * written: it is there whole or not at all, also after a crash.
 */
export interface StorageDriver {
  /** Takes the file over: afterwards the object is durable and the file gone, also when the object existed. */
  put(key: string, file: SpooledFile): Promise<void>
  /** Undefined when there is no such object. */
  stat(key: string): Promise<StoredObject | undefined>
  /**
   * The whole, or the bytes of these ranges one after the other, in their order. Each lies within the object. Undefined
   * when there is no such object. Whoever asks reads the stream to its end or destroys it.
   */
  open(key: string, ...ranges: readonly ByteRange[]): Promise<Readable | undefined>
  /** A direct link for GET, which may end after a while, or undefined when the server must stream the bytes itself. */
  downloadUrl(key: string, answer?: LinkedAnswer): Promise<URL | undefined>
  /**
   * Removes those that exist. With `unmodifiedSince`, only those that were last put before it: an object that is put
   * again at the same moment stays.
   */
  remove(keys: readonly string[], condition?: { unmodifiedSince: Date }): Promise<void>
  /** Every whole object, in no order. */
  list(): AsyncIterable<StoredObject & { key: string }>
  /** Removes what interrupted puts of before this time left behind. */
  removeLeftovers(before: Date): Promise<void>
  /** Of a storage elsewhere: whether the last that was asked of it was answered. */
  isReachable?(): boolean
  /** Of a storage elsewhere: asks it for nothing. @throws StorageError when it does not answer */
  ping?(): Promise<void>
  /** Lets its connections go. */
  close?(): void
}

const STORAGE_KEY = /^[0-9a-f]{64}$/

export function isStorageKey(text: string): boolean {
  return STORAGE_KEY.test(text)
}

/** A key becomes part of a path or address: anything but a hash there is a bug, and might climb out of the store. */
export function assertStorageKey(key: string): void {
  if (!isStorageKey(key)) throw new TypeError(`Expected 64 lower-case hex digits as storage key, found "${key}".`)
}
