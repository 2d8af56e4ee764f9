import type { Host, UpdaterHttpPort, UpdaterResponse } from '../ground/ports.ts'
import { systemClock } from '@hotpatch/device-ground/system-clock'

/** What is used of React Native's `fetch`. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string; signal: unknown },
) => Promise<{
  status: number
  url: string
  headers: { forEach(callback: (value: string, name: string) => void): void }
  arrayBuffer(): Promise<ArrayBuffer>
}>

export interface ReactNativeHostOptions extends Pick<Host, 'part' | 'sha256' | 'installer'> {
  fetch: Fetch
  /** What is in memory at a time. Absent: 2 MiB. */
  pieceBytes?: number
}

/**
 * A React Native app: its files, its SHA-256 and its installer are native modules of the app's choice. Bodies have no
 * streams there, so files come in pieces, and the server has to give ranges.
 */
export function createReactNativeHost({ fetch, pieceBytes, ...ports }: ReactNativeHostOptions): Host {
  return { ...ports, http: fetchInPieces(fetch, pieceBytes), clock: systemClock() }
}

/** Over a `fetch` that holds bodies in memory, and follows redirects by itself. */
export function fetchInPieces(fetch: Fetch, pieceBytes: number = 2 * 1024 * 1024): UpdaterHttpPort {
  return {
    pieceBytes,
    open({ method, url, headers, body }) {
      const controller = new AbortController()
      const asked = fetch(url, {
        method,
        headers: { ...headers },
        ...(body !== undefined && { body }),
        signal: controller.signal,
      })
      const response = asked.then((answer): UpdaterResponse => {
        const named: Record<string, string> = {}
        answer.headers.forEach((value, name) => {
          named[name.toLowerCase()] = value
        })
        // Decoded already where it was encoded: what it says of that is of the connection.
        if (method === 'POST') delete named['content-encoding']
        return { status: answer.status, headers: named, body: wholeOf(answer), url: answer.url || url }
      })
      return { response, abort: () => controller.abort() }
    },
  }
}

/** Not before somebody wants it: by then its headers were looked at. */
async function* wholeOf(answer: { arrayBuffer(): Promise<ArrayBuffer> }): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(await answer.arrayBuffer())
}
