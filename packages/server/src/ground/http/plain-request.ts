import type { Body } from './made-body.ts'

/** What a device sends, and nothing of how it came: of no framework and no socket. */
export interface PlainRequest {
  /** HEAD is asked as GET. */
  readonly method: string
  /** The route's, below the prefix that names an app: such as `/update/check`, or `/v1/apps/:app/channels`. */
  readonly path: string
  /** The words of the address that stand for something, by their names in `path`. */
  readonly params: Readonly<Record<string, string>>
  /** The app that the address names, by id or slug; undefined at the root. */
  readonly appName: string | undefined
  /** A name that comes more than once has a list. */
  readonly query: Readonly<Record<string, unknown>>
  /** Of JSON, read; undefined when there is none. */
  readonly body: unknown
  readonly bodyBytes: number
  /** Of the client, as trusted proxies tell it. */
  readonly address: string
  /**
   * Where the client reaches this server: `https://updates.example.com`, without a slash at the end.
   * @throws problem invalid-request when the request names no host that could be one
   */
  readonly publicUrl: string
  /**
   * @param name in lower case
   * @throws problem invalid-request when it comes more than once
   */
  header(name: string): string | undefined
}

/** An answer that is all there. */
export interface PlainAnswer {
  status: number
  /** Names and values by turns; without the length, and without what says how the body is compressed. */
  headers: readonly string[]
  body: Body
}

/** Instead of an answer: what the server has at another of its own addresses, such as an artifact, with ranges and all. */
export interface ServedAddress {
  servedFrom: string
  /** Instead of 200. */
  status?: number
  /** Besides those that it has there, or instead of them: names and values by turns. */
  headers?: readonly string[]
}

/** What is true now, and for whoever asks. */
export function jsonAnswer(body: Body, status = 200): PlainAnswer {
  return { status, headers: JSON_HEADERS, body }
}

const JSON_HEADERS = ['content-type', 'application/json; charset=utf-8', 'cache-control', 'no-store']
