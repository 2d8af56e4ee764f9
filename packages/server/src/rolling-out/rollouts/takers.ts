import type { PassedOverReason } from '@hotpatch/protocol'
import type { RolloutRow } from './rollout-service.ts'

export type RolloutPlace = Pick<RolloutRow, 'id' | 'app_id' | 'platform' | 'channel'>

/** Whom a rollout is for as it stands, of the devices that are known. */
export interface Takers {
  audience: number
  /** Of these, those that run it, have tried it, or would take it. */
  canTake: number
  /** Of these, those that would be offered it now and have not tried it. */
  left: number
  /** Why the others cannot, whatever it is. */
  reasons: Map<string, number>
  /** Of the audience, those that have not tried it and would refuse it (D11), also while it is offered to nobody. */
  refusals: Map<PassedOverReason, number>
  /** The same of those that would take it and whose binary it does not run on (D3). */
  unmet: Map<PassedOverReason, number>
  /**
   * Devices of the audience that have not tried it and never told what they refuse: they are taken to refuse nothing.
   */
  untold: number
  /** Devices that were looked at, whomever it is for; of a larger fleet a sample, and then all this is of that sample. */
  judged: number
  isSample: boolean
  countedAt: number
}

/** Undefined when it cannot be said now. */
export type CountTakers = (rollout: RolloutPlace) => Promise<Takers | undefined>
