import { createContentPool } from './content-pool.ts'
import { type DeviceContext, type DeviceState } from './devices.ts'
import { createEngineDevices } from './engine-devices.ts'
import { createTally, type FleetFigures } from './figures.ts'
import type { FleetOptions, Pace } from './fleet-options.ts'
import { createLightDevices } from './light-devices.ts'
import { createNetwork } from './network.ts'
import { DEFAULT_PROFILE } from './profile.ts'
import { createRandom, hash } from './random.ts'
import { createWakeQueue } from './wake-queue.ts'

export interface RunOptions {
  /** Simulated. */
  durationMs: number
  /** As fast as possible without one. */
  pace?: Pace
  signal?: { readonly aborted: boolean }
  /** After each round, with the simulated time. */
  onProgress?: (now: number) => void | Promise<void>
}

export interface Fleet {
  /** Goes on from where the last run ended. */
  run(options: RunOptions): Promise<void>
  /** Simulated time. A server in the same process can take it for its clock. */
  now(): number
  figures(): FleetFigures
  /** @throws RangeError when there is no such device */
  device(index: number): DeviceState
}

/** What runs when the store's own version does: no release can have that name. */
export const EMBEDDED = 'embedded'

const DEFAULT_CONCURRENCY = 64
/** Sessions that begin within this share of the check interval may begin together. */
const ROUND_SHARE = 1 / 50

/**
 * Devices with the real engine, driven through simulated time: what happens next happens at once.
 * Deterministic: chance comes from the seed, and the order of requests does not depend on how fast they are answered.
 *
 * @example
 * const fleet = createFleet({ devices: 100, seed: 'a', app, serverUrl, channel: 'production', platforms: ['android'],
 *   publicKeys, startAt: Date.now(), ...nodeFleetPorts() })
 * await fleet.run({ durationMs: 24 * 60 * 60 * 1000 })
 * fleet.figures().versions
 *
 * @throws RangeError when devices that only ask are to have files, or any but engines for archives patches
 */
export function createFleet(options: FleetOptions): Fleet {
  if (options.checksOnly && options.kind === 'files') {
    throw new RangeError('expected devices with an engine for updates of files: without one, they ask for archives')
  }
  if (options.patches && (options.checksOnly || options.kind === 'files')) {
    throw new RangeError('expected devices with an engine for archives to take patches: no others do')
  }
  const profile = { ...DEFAULT_PROFILE, ...options.profile }
  const pool = createContentPool()
  const tally = createTally(options.devices, EMBEDDED)
  const network = createNetwork({ http: options.http, pool, onRequest: options.onRequest })
  // Tokens below the number of devices open an app, those above are timers.
  const queue = createWakeQueue(options.devices + 1024)
  const timers = new Map<number, (at: number) => void>()
  let nextTimer = options.devices
  let now = options.startAt
  let failure: unknown

  function schedule(at: number, run: (at: number) => void): () => void {
    const token = nextTimer
    // Long after a timer is over its number may be used again.
    nextTimer = nextTimer === MAX_TOKEN ? options.devices : nextTimer + 1
    timers.set(token, run)
    queue.add(at, token)
    return () => timers.delete(token)
  }

  const context: DeviceContext = { options, profile, embedded: EMBEDDED, tally, network, schedule }
  const devices = options.checksOnly ? createLightDevices(context) : createEngineDevices(context, options.crypto, pool)
  const random = createRandom(hash(options.seed, 'beginning'))
  for (let index = 0; index < options.devices; index += 1) {
    queue.add(now + random.next() * profile.checkIntervalMs, index)
  }

  function openApp(index: number, at: number): void {
    devices.open(index, at).then(
      (next) => {
        if (next !== null) queue.add(next, index)
      },
      (error: unknown) => {
        failure ??= error
      },
    )
  }

  /** Begins what is due until then, as much as may go on at once. */
  function beginRound(until: number): void {
    const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY
    const first = queue.peek()
    if (!first) return
    const roundEnd = Math.min(until, first.at + profile.checkIntervalMs * ROUND_SHARE)
    for (let begun = 0; begun < concurrency; begun += 1) {
      const next = queue.peek()
      if (!next || next.at > roundEnd) return
      queue.take()
      // The server's time never lags behind what devices tell.
      now = Math.max(now, next.at)
      if (next.token < options.devices) {
        openApp(next.token, next.at)
      } else {
        const run = timers.get(next.token)
        timers.delete(next.token)
        if (run) run(next.at)
        else begun -= 1
      }
    }
  }

  /** Until every device waits for a time to come. */
  async function settle(): Promise<void> {
    do await idle()
    while (await network.exchange())
    if (failure !== undefined) throw failure
  }

  function idle(): Promise<void> {
    return new Promise((resolve) => {
      options.whenIdle(resolve)
    })
  }

  async function run({ durationMs, pace, signal, onProgress }: RunOptions): Promise<void> {
    const end = now + durationMs
    const realStart = pace?.now() ?? 0
    const start = now
    const isStopped = () => signal?.aborted ?? false
    while (!isStopped()) {
      const horizon = pace ? Math.min(end, start + (pace.now() - realStart) * pace.speed) : end
      const nextAt = queue.peek()?.at ?? Infinity
      if (nextAt <= horizon) {
        beginRound(horizon)
        await settle()
        await onProgress?.(now)
      } else if (!pace || horizon >= end) {
        break
      } else {
        now = Math.max(now, horizon)
        await onProgress?.(now)
        await pace.wait(Math.min((Math.min(nextAt, end) - horizon) / pace.speed, LONGEST_WAIT_MS))
      }
    }
    if (!isStopped()) now = Math.max(now, end)
  }

  return {
    run,
    now: () => now,
    figures: () => ({ ...tally.figures(), ...network.counts() }),
    device: (index) => {
      const state = devices.stateOf(index)
      if (!state) throw new RangeError(`expected an index below ${options.devices}, found ${index}`)
      return state
    },
  }
}

const MAX_TOKEN = 0x7fff_ffff
/** Real time between two calls of onProgress, at most. */
const LONGEST_WAIT_MS = 250
