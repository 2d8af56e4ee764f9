import type { GuardChoice, RolloutChanges, RolloutPlan } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'
import type { ReleaseRow } from '../../shipping/releases/release-service.ts'
import type { NewAudience } from './audience.ts'
import type { SignedStatement, StatementRow } from '../../shipping/signing/statement-service.ts'
import type { RolloutRow } from './rollout-store.ts'

/** Old content that its publisher stated again in advance, for when a guard trips. */
export interface StepBack {
  /** Null: what the binary shipped with. */
  releaseId: string | null
  statement: StatementRow
}

/** What a new rollout is, besides where it goes. */
export interface Placement extends NewAudience {
  platform: Platform
  channel: string
  release: ReleaseRow | null
  percentage?: number | undefined
  plan?: RolloutPlan | undefined
  mandatory?: boolean | undefined
  mandatoryBelow?: string | undefined
  startsAt?: string | undefined
  /** From the beginning: nobody gets it until it is resumed. */
  paused?: boolean | undefined
  /** The release, or embedded, stated again (Signing §6). */
  restated?: StatementRow | undefined
  /** A roll-back's own: its guard may not roll back again. */
  isRollback?: boolean | undefined
  /** As another server has counted it (Code Push §3). */
  labelNumber?: number | undefined
  /** Of another rollout, so that the percentage means the same devices. */
  salt?: string | undefined
  buckets?: number | undefined
  drawing?: RolloutRow['drawing'] | undefined
  guard?: GuardChoice | undefined
  /** What was before, stated again for its guard to go back to: nearest first, at most two. */
  prepared?: readonly SignedStatement[] | undefined
  /** Steps back that were read and took their sequences when another rollout was placed, for its guard. */
  stepsBack?: readonly StepBack[] | undefined
}

/** What goes along with a rollout, in the transactions that place and change it: its plan, its guard. */
export interface RolloutCompanion {
  placed?(tx: Connection, rollout: RolloutRow, placement: Placement): Promise<void>
  /** A person wants this change. @throws the problem that it would make */
  refuse?(tx: Connection, rollout: RolloutRow, changes: RolloutChanges): Promise<void>
  /** The rollout is locked, and is changed as `after` says. */
  changed?(tx: Connection, before: RolloutRow, after: RolloutRow): Promise<void>
}
