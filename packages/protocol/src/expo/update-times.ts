import type { CompiledCatalog, CompiledRollout } from '../catalog.ts'
import { hasStarted } from '../decide.ts'
import { MAX_EXPO_TIME } from './identity.ts'

/** Expo §6: the time at which each rollout in force is an update, until the next one starts. */
interface ExpoTimes {
  from: number
  until: number
  /** By the rollout's index; NaN of those that are not in force. */
  ofRollouts: Float64Array
  /** Of what the binary shipped with, where no rollout says so: all that was there was taken back (D6). */
  ofEmbedded: number
}

const known = new WeakMap<CompiledCatalog, ExpoTimes>()

/**
 * Expo §6: `createdAt` of what a rollout offers, or `commitTime` of a way back to embedded. A client takes only what is
 * later than what it has, and starts the latest of what it has: so this is later than all that a rollout above was
 * offered as before it ended, and later than all below.
 * @param rollout in force; null for embedded by D6
 */
export function expoTimeOf(
  catalog: CompiledCatalog,
  rollout: Pick<CompiledRollout, 'index'> | null,
  now: number,
): number {
  const { ofRollouts, ofEmbedded } = timesOf(catalog, now)
  const usual = rollout ? (ofRollouts[rollout.index] ?? Number.NaN) : ofEmbedded
  // Of a rollout that is not in force nobody asks, and yet there has to be an answer.
  return Number.isNaN(usual) ? now : usual
}

/**
 * Expo §6: what a device takes that has something later already: it went back by itself, or its clock of updates is
 * ahead.
 * @param told the latest time that it is known to have, of an update or of a way back; undefined: of none
 */
export function laterThanTold(time: number, told: number | undefined): number {
  return told === undefined ? time : Math.min(Math.max(time, told + 1), MAX_EXPO_TIME)
}

function timesOf(catalog: CompiledCatalog, now: number): ExpoTimes {
  const found = known.get(catalog)
  if (found && now >= found.from && now < found.until) return found
  const made = compileTimes(catalog, now)
  known.set(catalog, made)
  return made
}

function compileTimes({ rollouts }: CompiledCatalog, now: number): ExpoTimes {
  const ofRollouts = new Float64Array(rollouts.length).fill(Number.NaN)
  let [ended, until] = [0, Number.POSITIVE_INFINITY]
  for (const rollout of rollouts) {
    const { index, startsAt, startedAt = 0 } = rollout
    if (isGone(rollout)) ended = Math.max(ended, rollout.endedAt ?? 0)
    else if (hasStarted(rollout, now)) ofRollouts[index] = Math.max(startedAt, ended)
    else until = Math.min(until, startsAt ?? until)
  }
  let below = Number.NEGATIVE_INFINITY
  for (const { index } of rollouts.toReversed()) {
    const time = ofRollouts[index] ?? Number.NaN
    if (Number.isNaN(time)) continue
    below = Math.max(time, below + 1)
    ofRollouts[index] = below
  }
  return { from: now, until, ofRollouts, ofEmbedded: ended }
}

function isGone({ state }: CompiledRollout): boolean {
  return state === 'halted' || state === 'withdrawn'
}
