import type { GuardChoice, Proposal, RolloutChanges, RolloutPlan } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Author } from '../../people/authors/author.ts'
import type { Change } from '../../ground/database/changes.ts'
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

/** What a change of a rollout is to devices: may bring it to more, takes it back, or only stops it. */
export type RolloutDeed = 'widens' | 'withdraws' | 'stops'

/** What somebody wants done that one person is not enough for. */
export interface Proposed {
  kind: Proposal['kind']
  changes?: Readonly<Record<string, unknown>> | undefined
}

/** Who may do what on a channel that is not everybody's. Everything that places or changes a rollout asks it. */
export interface RolloutGate {
  /** @throws problem forbidden or channel-protected. It waits when a second person has to approve it */
  admit(
    tx: Connection,
    author: Author,
    place: { app_id: string; channel: string },
    deed: RolloutDeed,
  ): Promise<{ waits: boolean }>
  /** Instead of doing it. @throws problem approval-awaited when it is proposed already */
  propose(tx: Connection, change: Change, author: Author, rollout: RolloutRow, proposed: Proposed): Promise<Proposal>
}
