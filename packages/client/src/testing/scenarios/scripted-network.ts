// oxlint-disable-next-line no-restricted-imports -- Only tests take this in.
import { isDeepStrictEqual } from 'node:util'
import type { ClockPort, HttpPort, HttpRequest, HttpResponse } from '@hotpatch/device-ground'
import { described, type BodyPiece } from '../described-body.ts'
import { loosened } from './expectation.ts'
import type { ScenarioExchange, ScenarioFile, ScenarioPiece, ScenarioRequest } from './scenario.ts'

/** Answers exactly the requests that a step expects, in their order. */
export function createScriptedNetwork(
  { requests }: Pick<ScenarioFile, 'requests'>,
  bytesOf: (name: string) => Uint8Array,
) {
  let waiting: ScenarioExchange[] = []
  const faults: unknown[] = []

  function expectedFor(request: HttpRequest, clock: ClockPort): ScenarioExchange {
    const next = waiting.shift()
    const found = { atMs: clock.elapsed(), ...plainRequest(request) }
    const expected = next && { atMs: next.atMs, ...requests[next.request] }
    if (!next || !isDeepStrictEqual(loosened(found, expected), expected)) {
      faults.push({ found, expected })
      throw new Error('this request is not expected')
    }
    return next
  }

  function piecesOf(pieces: readonly ScenarioPiece[]): BodyPiece[] {
    return pieces.map((piece) => {
      if (!('body' in piece)) return piece
      const { body, from, to, ...how } = piece
      return { bytes: bytesOf(body).subarray(from, to), ...how }
    })
  }

  async function answer(
    request: HttpRequest,
    clock: ClockPort,
    timers: Pick<ClockPort, 'after'>,
  ): Promise<HttpResponse> {
    const { response } = expectedFor(request, clock)
    if (!response) throw new Error('no route to host')
    const { status, headers = {}, body = [] } = response
    return { status, headers, body: described(piecesOf(typeof body === 'string' ? [{ body }] : body), timers) }
  }

  return {
    on: (clock: ClockPort): HttpPort => ({
      open(request) {
        const timers = cancellable(clock)
        return { response: answer(request, clock, timers), abort: timers.cancel }
      },
    }),
    expectExchanges(exchanges: readonly ScenarioExchange[]) {
      waiting = [...exchanges]
    },
    /** Requests that came and were not expected, or were expected and did not come. */
    faults: () => [...faults, ...waiting.map(({ atMs, request }) => ({ atMs, neverCame: request }))],
  }
}

/** What is not waited for any more must not move the clock. */
export function cancellable(clock: Pick<ClockPort, 'after'>): Pick<ClockPort, 'after'> & { cancel: () => void } {
  const cancels: (() => void)[] = []
  return {
    after(ms, run) {
      const cancel = clock.after(ms, run)
      cancels.push(cancel)
      return cancel
    },
    cancel: () => {
      for (const cancel of cancels) cancel()
    },
  }
}

/** Without the headers that every request of its kind has. */
export function plainRequest({ method, url, headers, body }: HttpRequest): ScenarioRequest {
  const usual = new Map(
    method === 'POST'
      ? [
          ['content-type', 'application/json'],
          ['accept', 'application/json'],
          ['x-app-key', 'key'],
        ]
      : [['accept-encoding', 'identity']],
  )
  const others = Object.entries(headers).filter(([name, value]) => usual.get(name) !== value)
  const missing = [...usual.keys()].filter((name) => !(name in headers) && name !== 'x-app-key')
  if (missing.length > 0) throw new Error(`a request without ${missing.join(', ')}`)
  return {
    method,
    url,
    ...(others.length > 0 && { headers: Object.fromEntries(others) }),
    ...(body !== undefined && { json: JSON.parse(body) as unknown }),
  }
}
