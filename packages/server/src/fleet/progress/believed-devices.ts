import { DAY_MS } from '../../ground/clock.ts'
import type { Schema } from '../../ground/database/schema.ts'
import { PROGRESS } from './rollout-progress.ts'

/**
 * Whom guards and plans believe: docs/decisions/0010-whom-a-guard-believes.md. The app key is in every binary, so that
 * anybody can invent devices and what they report.
 *
 * A device that attempted a rollout has one standing with it. Below zero it decides nothing. `noNetwork` counts as it
 * is. From 1 on it is the class of its rank among the devices of its network that came into the sample on the same day:
 * 1 is the first, 2 the second and third, 3 the next four, and so on.
 */
export const STANDING = {
  /** This server has never offered it the rollout. */
  notOffered: -1,
  /** It first checked after the rollout began, and has not been seen for long enough. */
  tooNew: -2,
  /** The app wants proof of who reports, and this came without. */
  unproven: -3,
  /** Believed, and its address names no network: this machine's, or a private one. */
  noNetwork: 0,
} as const

/** What a standing depends on. */
export interface Believability {
  progress: Pick<Schema['rollout_device'], 'progress' | 'is_known' | 'attempted_at'>
  device: Pick<Schema['device'], 'established_at'>
}

/** The one definition of a believed device. */
export function isBelieved({ progress, device }: Believability): boolean {
  return wasOffered(progress) && isKnown({ progress, device })
}

/** Only who was offered a rollout can have tried it; or who ran its release when it was placed. */
export function wasOffered({ progress, is_known }: Believability['progress']): boolean {
  if ((progress & PROGRESS.offered) !== 0) return true
  return is_known === 1 && (progress & PROGRESS.running) !== 0
}

function isKnown({ progress, device }: Believability): boolean {
  return progress.is_known === 1 || device.established_at !== null
}

/** Why it is not believed. */
export function disbelief(of: Believability): number {
  return wasOffered(of.progress) ? STANDING.tooNew : STANDING.notOffered
}

/** @param rank from 1: the how many-th of its network on that day */
export function standingOfRank(rank: number): number {
  return Math.floor(Math.log2(rank)) + 1
}

/** How many devices of one network and day may have a standing up to this one. */
export function devicesUpTo(standing: number): number {
  return 2 ** standing - 1
}

export function dayOf(at: number): number {
  return at - (at % DAY_MS)
}
