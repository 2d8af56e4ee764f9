import { setTimeout as wait } from 'node:timers/promises'
import { createNodeCrypto, createNodeHttp, unpackBrotli } from '@hotpatch/client/node'
import type { FleetOptions, Pace } from '../fleet-options.ts'

export { patientHttp } from './patient-http.ts'

/** What a fleet needs of Node. */
export function nodeFleetPorts(): Pick<FleetOptions, 'http' | 'crypto' | 'whenIdle' | 'unpackBrotli'> {
  return { http: createNodeHttp(), crypto: createNodeCrypto(), whenIdle: setImmediate, unpackBrotli }
}

/** @param speed simulated milliseconds for each real one */
export function realTimePace(speed: number, signal?: AbortSignal): Pace {
  return {
    speed,
    now: () => performance.now(),
    wait: (ms) => wait(Math.max(ms, 1), undefined, signal && { signal }).catch(() => undefined),
  }
}
