import type { FleetOptions } from './fleet-options.ts'
import type { Tally } from './figures.ts'
import type { Network } from './network.ts'
import type { FleetProfile } from './profile.ts'
import type { Random } from './random.ts'

/** When the app is opened the next time; null when it was removed. */
export type SessionEnd = number | null

/** What a simulated device is now. */
export interface DeviceState {
  id: string
  /** "embedded" is what the store shipped. */
  version: string
  releaseId: string | null
  nativeVersion: string
  sessions: number
  crashes: number
  isGone: boolean
}

/** The devices of a fleet, by their index; there is one kind that runs the engine, and a light one. */
export interface Devices {
  open(index: number, at: number): Promise<SessionEnd>
  stateOf(index: number): DeviceState | undefined
}

/** What the devices have of the fleet. */
export interface DeviceContext {
  options: FleetOptions
  profile: FleetProfile
  embedded: string
  tally: Tally
  network: Network
  /** Runs at that simulated time, unless the function that it returns is called before. */
  schedule(at: number, run: (at: number) => void): () => void
}

/** What chance decides at the beginning of a session. */
export function beginSession({ profile, tally }: DeviceContext, random: Random) {
  const isLast = random.chance(profile.uninstallRate)
  const isOffline = random.chance(profile.offlineRate)
  if (isLast) {
    tally.counts.uninstalled += 1
  } else {
    tally.counts.sessions += 1
    if (isOffline) tally.counts.offlineSessions += 1
  }
  return { isLast, isOffline }
}

/** Later than the server wants to be asked again, if it said so. */
export function nextSession({ profile }: DeviceContext, random: Random, now: number, patienceMs: number): number {
  const { checkIntervalMs, jitter } = profile
  const pause = checkIntervalMs * (1 + jitter * (2 * random.next() - 1))
  return now + Math.max(pause, patienceMs)
}
