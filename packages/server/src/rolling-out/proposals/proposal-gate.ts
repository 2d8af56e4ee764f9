import { isDeepStrictEqual } from 'node:util'
import type { Proposal } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { AnnouncementService } from '../../telling/announcements/announcement-service.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { requireChannel } from '../../people/authors/actor.ts'
import { isCaller, nameOf, type Caller } from '../../people/authors/author.ts'
import { nullableTimestamp, timestamp, type Clock } from '../../ground/clock.ts'
import type { Change } from '../../ground/database/changes.ts'
import type { Connection } from '../../ground/database/schema.ts'
import type { ProtectionService } from '../protections/protection-service.ts'
import { requireNamed } from '../protections/protection.ts'
import { approvalAwaited, type RolloutCompanion, type RolloutGate } from '../rollouts/rollout-service.ts'
import { findOpenProposal, insertProposal, overtakeProposals, type ProposalRow } from './proposal-store.ts'

/** What becomes of a proposal, as the audit log and announcements name it. */
export type ProposalDeed = 'proposal.made' | 'proposal.approved' | 'proposal.rejected' | 'proposal.withdrawn'

export type ProposalGate = ReturnType<typeof createProposalGate>

/** Who may do what on a protected channel, and what waits there for a second person. */
export function createProposalGate({
  protections,
  audit,
  announcements,
  clock,
  newId,
}: {
  protections: Pick<ProtectionService, 'find'>
  audit: AuditService
  announcements: AnnouncementService
  clock: Clock
  newId: () => string
}) {
  const admit: RolloutGate['admit'] = async (tx, author, place, deed) => {
    // Guards and plans go on: whoever set them up was let in.
    if (!isCaller(author)) return { waits: false }
    requireChannel(author.actor, place.app_id, place.channel)
    if (deed === 'stops') return { waits: false }
    const protection = await protections.find(tx, place)
    if (!protection) return { waits: false }
    requireNamed(protection, author.actor)
    return { waits: deed === 'widens' && protection.needs_approval === 1 && author.approves === undefined }
  }

  const propose: RolloutGate['propose'] = async (tx, change, author, rollout, { kind, changes }) => {
    if (!isCaller(author)) throw new Error('Only somebody who calls proposes.')
    const open = await findOpenProposal(tx, rollout.id, kind)
    if (open) await makeRoom(tx, open, rollout.revision, changes)
    const row: ProposalRow = {
      id: newId(),
      app_id: rollout.app_id,
      channel: rollout.channel,
      rollout_id: rollout.id,
      kind,
      changes: changes ? JSON.stringify(changes) : null,
      revision: rollout.revision,
      state: 'open',
      actor_kind: author.actor.kind,
      actor_id: author.actor.id,
      person_id: author.actor.personId,
      proposed_at: clock.now(),
      proposed_by: nameOf(author),
      decided_at: null,
      decided_by: null,
      reason: null,
    }
    await insertProposal(tx, row)
    await record(tx, change, author, 'proposal.made', row)
    return renderProposal(row)
  }

  /** What the rollout has left behind makes way: nobody can approve it any more. What is in force is not told as another's. */
  async function makeRoom(
    tx: Connection,
    open: ProposalRow,
    revision: number,
    changes: Readonly<Record<string, unknown>> | undefined,
  ): Promise<void> {
    const proposal = renderProposal(open)
    const isCurrent = open.kind === 'start' || open.revision === revision
    if (!isCurrent) return void (await overtakeProposals(tx, open.rollout_id, clock.now(), [open.kind]))
    if (isDeepStrictEqual(proposal.changes, changes ?? null)) throw approvalAwaited(proposal)
    const detail = `Something else is proposed for this rollout already, by ${open.proposed_by}: ${open.id}. Have that approved, rejected or withdrawn first.`
    throw problem('rollout-state', detail)
  }

  /** In the audit log, and for those who listen. */
  async function record(tx: Connection, change: Change, author: Caller, deed: ProposalDeed, row: ProposalRow) {
    const proposal = renderProposal(row)
    await audit.record(tx, author, {
      action: deed,
      subject: ['proposal', row.id],
      appId: row.app_id,
      after: proposal,
    })
    await announcements.record(tx, change, {
      type: deed,
      appId: row.app_id,
      data: { proposal, by: nameOf(author) },
    })
  }

  const changed: RolloutCompanion['changed'] = async (tx, before, after) => {
    const hasEnded = after.state === 'halted' || after.state === 'withdrawn'
    const goesOn = before.state === 'paused' && after.state === 'active'
    if (hasEnded || goesOn) {
      await overtakeProposals(tx, after.id, clock.now(), hasEnded ? undefined : ['start', 'resume'])
    }
  }

  return { admit, propose, changed, record }
}

export function renderProposal(row: ProposalRow): Proposal {
  return {
    id: row.id,
    appId: row.app_id,
    channel: row.channel,
    rolloutId: row.rollout_id,
    kind: row.kind,
    changes: row.changes === null ? null : (JSON.parse(row.changes) as Record<string, unknown>),
    revision: row.revision,
    state: row.state,
    proposedAt: timestamp(row.proposed_at),
    proposedBy: row.proposed_by,
    personId: row.person_id,
    decidedAt: nullableTimestamp(row.decided_at),
    decidedBy: row.decided_by,
    reason: row.reason,
  }
}
