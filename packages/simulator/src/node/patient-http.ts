import { setTimeout as timeout } from 'node:timers/promises'
import type { HttpPort, HttpRequest, HttpResponse } from '@hotpatch/client'

const MAX_TRIES = 20
const MAX_WAIT_SECONDS = 120

/**
 * All simulated devices come from one address. What a server answers to that with, 429 and Retry-After, is meant for
 * this program and not for the single device: it waits in real time, and asks again.
 */
export function patientHttp(
  http: HttpPort,
  {
    signal,
    onWait = () => undefined,
    wait = (ms) => timeout(ms, undefined, signal && { signal }),
  }: { signal?: AbortSignal; onWait?: (seconds: number) => void; wait?: (ms: number) => Promise<unknown> } = {},
): HttpPort {
  async function respond(request: HttpRequest): Promise<HttpResponse> {
    for (let tries = 1; ; tries += 1) {
      const exchange = http.open(request)
      const stop = () => exchange.abort()
      signal?.addEventListener('abort', stop, { once: true })
      const response = await exchange.response.finally(() => signal?.removeEventListener('abort', stop))
      const seconds = Number(response.headers['retry-after'] ?? Number.NaN)
      if (response.status !== 429 || !(seconds <= MAX_WAIT_SECONDS) || tries === MAX_TRIES || signal?.aborted) {
        return response
      }
      exchange.abort()
      onWait(seconds)
      // Told to stop, it asks once more, and hands out whatever comes.
      await wait(Math.max(seconds, 1) * 1000).catch(() => undefined)
    }
  }

  return { open: (request) => ({ response: respond(request), abort: () => undefined }) }
}
