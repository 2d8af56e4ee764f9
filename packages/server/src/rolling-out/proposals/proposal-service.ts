import type { Page, Proposal, ProposalFilter, RolloutChanges } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { requireApp, type Actor } from '../../people/authors/actor.ts'
import { nameOf, type Caller } from '../../people/authors/author.ts'
import type { AppRow } from '../../shipping/apps/app-service.ts'
import type { Clock } from '../../ground/clock.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { pageFromRows, type PageRequest } from '../../ground/http/paging.ts'
import type { RolloutService, RolloutTransition } from '../rollouts/rollout-service.ts'
import { renderProposal, type ProposalDeed, type ProposalGate } from './proposal-gate.ts'
import { decideProposal, findProposal, listOpenStartsOf, listProposals, type ProposalRow } from './proposal-store.ts'

const DECISIONS = {
  approved: 'proposal.approved',
  rejected: 'proposal.rejected',
  withdrawn: 'proposal.withdrawn',
} as const satisfies Partial<Record<ProposalRow['state'], ProposalDeed>>

type Decision = keyof typeof DECISIONS

/** And what is to become of the rollout with them. */
type ProposedChanges = RolloutChanges & { transition?: RolloutTransition }

export type ProposalService = ReturnType<typeof createProposalService>

/** What becomes of proposals: each decision, and what it does to the rollout, in one transaction. */
export function createProposalService({
  db,
  changes,
  gate,
  rollouts,
  clock,
}: {
  db: Database
  changes: Changes
  gate: ProposalGate
  rollouts: RolloutService
  clock: Clock
}) {
  async function list(app: AppRow, filter: ProposalFilter, page: PageRequest): Promise<Page<Proposal>> {
    return pageFromRows(await listProposals(db, app.id, filter, page), page, renderProposal)
  }

  /** @throws problem proposal-not-found, or forbidden where the app is another's */
  async function get(id: string, actor: Actor | null, connection: Connection = db): Promise<ProposalRow> {
    const row = await findProposal(connection, id)
    if (!row) throw problem('proposal-not-found', `No proposal has the id ${id}.`)
    requireApp(actor, row.app_id)
    return row
  }

  /** @throws problem approval-not-yours, proposal-decided, rollout-changed or rollout-state */
  async function approve(id: string, author: Caller): Promise<Proposal> {
    return decide(id, author, async (tx, change, proposal) => {
      requireSecondPerson(proposal, author.actor)
      for (const each of await togetherWith(tx, proposal)) {
        requireSecondPerson(each, author.actor)
        await settle(tx, change, each, 'approved', author)
        await carryOut(tx, change, each, { ...author, approves: each.id })
      }
    })
  }

  async function reject(id: string, reason: string | undefined, author: Caller): Promise<Proposal> {
    return decide(id, author, (tx, change, proposal) => drop(tx, change, proposal, 'rejected', author, reason))
  }

  /** By whoever made it. */
  async function withdraw(id: string, author: Caller): Promise<Proposal> {
    return decide(id, author, async (tx, change, proposal) => {
      if (!isProposer(proposal, author.actor)) {
        throw problem('forbidden', `This was proposed by ${proposal.proposed_by}: reject it, if it should not be.`)
      }
      await drop(tx, change, proposal, 'withdrawn', author)
    })
  }

  async function decide(
    id: string,
    author: Caller,
    within: (tx: Connection, change: Change, proposal: ProposalRow) => Promise<void>,
  ): Promise<Proposal> {
    const { rollout_id: rolloutId } = await get(id, author.actor)
    return renderProposal(
      await changes.run(async (tx, change) => {
        // The rollout first, as whoever changes it has it.
        await rollouts.lockAll(tx, [rolloutId])
        const proposal = await get(id, author.actor, tx)
        if (proposal.state !== 'open') throw problem('proposal-decided', `This proposal is ${proposal.state} already.`)
        await within(tx, change, proposal)
        return get(id, null, tx)
      }),
    )
  }

  /** Arms of an A/B test start together, or the test would compare days. */
  async function togetherWith(tx: Connection, proposal: ProposalRow): Promise<readonly ProposalRow[]> {
    if (proposal.kind !== 'start') return [proposal]
    const { experiment_id: experimentId } = await rollouts.get(proposal.rollout_id, null, tx)
    return experimentId === null ? [proposal] : listOpenStartsOf(tx, experimentId)
  }

  async function carryOut(tx: Connection, change: Change, proposal: ProposalRow, author: Caller): Promise<void> {
    const rollout = await rollouts.get(proposal.rollout_id, null, tx)
    if (proposal.kind === 'start') return rollouts.startIn(tx, change, rollout, author)
    rollouts.requireRevision(rollout, proposal.revision)
    if (proposal.kind === 'resume') return rollouts.transitionIn(tx, change, rollout.id, 'resume', author)
    const { transition, ...wanted } = JSON.parse(proposal.changes ?? '{}') as ProposedChanges
    await rollouts.changeIn(tx, change, rollout, wanted, author, transition)
  }

  /** What never started is withdrawn with its proposal. */
  async function drop(
    tx: Connection,
    change: Change,
    proposal: ProposalRow,
    decision: Decision,
    author: Caller,
    reason?: string,
  ): Promise<void> {
    const rollout = await rollouts.get(proposal.rollout_id, null, tx)
    await gate.admit(tx, author, rollout, 'withdraws')
    await settle(tx, change, proposal, decision, author, reason)
    if (proposal.kind === 'start') await rollouts.transitionIn(tx, change, rollout.id, 'withdraw', author)
  }

  async function settle(
    tx: Connection,
    change: Change,
    proposal: ProposalRow,
    decision: Decision,
    author: Caller,
    reason?: string,
  ): Promise<void> {
    const decided = {
      state: decision,
      decided_at: clock.now(),
      decided_by: nameOf(author),
      reason: reason ?? null,
    }
    if (!(await decideProposal(tx, proposal.id, decided))) {
      throw problem('proposal-decided', 'Somebody else has decided this a moment ago.')
    }
    await gate.record(tx, change, author, DECISIONS[decision], { ...proposal, ...decided })
  }

  return {
    list,
    get: async (id: string, actor: Actor | null) => renderProposal(await get(id, actor)),
    approve,
    reject,
    withdraw,
  }
}

/**
 * Somebody else than who is behind the proposal, whatever token he uses.
 * @throws problem approval-not-yours
 */
function requireSecondPerson(proposal: ProposalRow, actor: Actor): void {
  if (actor.personId === null) {
    const detail = 'It takes a person to approve: sign in, or use a token that somebody made who was signed in.'
    throw problem('approval-not-yours', detail)
  }
  if (isProposer(proposal, actor)) {
    throw problem(
      'approval-not-yours',
      'You have proposed this, yourself or by a token: somebody else has to approve it.',
    )
  }
}

function isProposer({ actor_id: actorId, person_id: personId }: ProposalRow, actor: Actor): boolean {
  return actorId === actor.id || (personId !== null && personId === actor.personId)
}
