import type { LeftOutDevices } from '@hotpatch/api'
import { devicesUpTo, STANDING } from './believed-devices.ts'

/** Devices that attempted a rollout, and those of them that failed, rolled back or crashed. */
export interface Attempts {
  attempted: number
  bad: number
}

/** By standing. */
export type Standings = ReadonlyMap<number, Attempts>

/** So many devices of a network count whatever the sample, so that a small one is not blind. */
export const DEVICES_OF_A_NETWORK = 3
/** A rank is a whole number in 53 bits. */
const MAX_STANDING = 40

/** What guards and plans decide by, and what they leave out of it. */
export interface BoundedSample extends Attempts {
  leftOut: LeftOutDevices
  /** Of those that count: how many come from addresses that name no network. */
  withoutNetwork: number
  /** Up to which standing devices count. */
  upTo: number
  /** So many devices of one network count at most. */
  perNetwork: number
}

/**
 * Of each network and day the first devices count, as many as keep a network's part of the sample below `share`, and
 * always the first one.
 * @param share from 0 to 1; at 1 networks are not bounded
 * @param days of which the standings are
 */
export function boundSample(standings: Standings, { share, days }: { share: number; days: number }): BoundedSample {
  const of = (standing: number) => standings.get(standing) ?? NOBODY
  const anyway = Math.max(DEVICES_OF_A_NETWORK, days)
  let sum = of(STANDING.noNetwork)
  let [upTo, counted]: [number, Attempts] = [STANDING.noNetwork, sum]
  for (let standing = 1; standing <= MAX_STANDING; standing++) {
    sum = add(sum, of(standing))
    const fromOneNetwork = devicesUpTo(standing) * days
    if (share < 1 && standing > 1 && fromOneNetwork > Math.max(anyway, share * sum.attempted)) continue
    ;[upTo, counted] = [standing, sum]
  }
  const [notOffered, tooNew, unproven] = [of(STANDING.notOffered), of(STANDING.tooNew), of(STANDING.unproven)]
  const sameNetwork = { attempted: sum.attempted - counted.attempted, bad: sum.bad - counted.bad }
  return {
    ...counted,
    upTo,
    perNetwork: devicesUpTo(upTo) * days,
    withoutNetwork: of(STANDING.noNetwork).attempted,
    leftOut: {
      devices: notOffered.attempted + tooNew.attempted + sameNetwork.attempted,
      bad: notOffered.bad + tooNew.bad + sameNetwork.bad,
      notOffered: notOffered.attempted,
      tooNew: tooNew.attempted,
      sameNetwork: sameNetwork.attempted,
      unprovenReports: unproven.attempted,
    },
  }
}

export function add(one: Attempts, other: Attempts): Attempts {
  return { attempted: one.attempted + other.attempted, bad: one.bad + other.bad }
}

export function without(standings: Standings, base: Standings): Standings {
  return new Map(
    [...standings].map(([standing, { attempted, bad }]) => {
      const known = base.get(standing) ?? NOBODY
      return [standing, { attempted: Math.max(attempted - known.attempted, 0), bad: Math.max(bad - known.bad, 0) }]
    }),
  )
}

/** Of believed devices: those that have a standing up to this one. */
export function countUpTo(standings: Standings, upTo: number): number {
  return [...standings].reduce(
    (sum, [standing, { attempted }]) => (standing >= 0 && standing <= upTo ? sum + attempted : sum),
    0,
  )
}

export function writeStandings(standings: Standings): string {
  return JSON.stringify([...standings].map(([standing, { attempted, bad }]) => [standing, attempted, bad]))
}

export function readStandings(text: string): Standings {
  const rows = JSON.parse(text) as [number, number, number][]
  return new Map(rows.map(([standing, attempted, bad]) => [standing, { attempted, bad }]))
}

const NOBODY: Attempts = { attempted: 0, bad: 0 }

export const NOBODY_LEFT_OUT: LeftOutDevices = {
  devices: 0,
  bad: 0,
  notOffered: 0,
  tooNew: 0,
  sameNetwork: 0,
  unprovenReports: 0,
}
