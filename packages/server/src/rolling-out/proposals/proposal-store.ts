import type { ProposalFilter } from '@hotpatch/api'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import type { PageRequest } from '../../ground/http/paging.ts'

export type ProposalRow = Schema['proposal']

export function insertProposal(db: Connection, row: ProposalRow) {
  return db.insertInto('proposal').values(row).execute()
}

export function findProposal(db: Connection, id: string) {
  return db.selectFrom('proposal').selectAll().where('id', '=', id).executeTakeFirst()
}

export function findOpenProposal(db: Connection, rolloutId: string, kind: ProposalRow['kind']) {
  return db
    .selectFrom('proposal')
    .selectAll()
    .where('rollout_id', '=', rolloutId)
    .where('kind', '=', kind)
    .where('state', '=', 'open')
    .executeTakeFirst()
}

/** Of the arms of one A/B test, which start together. */
export function listOpenStartsOf(db: Connection, experimentId: string) {
  return db
    .selectFrom('proposal')
    .innerJoin('rollout', 'rollout.id', 'proposal.rollout_id')
    .selectAll('proposal')
    .where('rollout.experiment_id', '=', experimentId)
    .where('proposal.kind', '=', 'start')
    .where('proposal.state', '=', 'open')
    .orderBy('proposal.id')
    .execute()
}

export function listProposals(
  db: Connection,
  appId: string,
  { state, rolloutId }: ProposalFilter,
  { after, limit }: PageRequest,
) {
  return db
    .selectFrom('proposal')
    .selectAll()
    .where('app_id', '=', appId)
    .$if(state !== undefined, (proposals) => proposals.where('state', '=', state ?? 'open'))
    .$if(rolloutId !== undefined, (proposals) => proposals.where('rollout_id', '=', rolloutId ?? ''))
    .$if(after !== undefined, (proposals) => proposals.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}

/** False when somebody else has decided it. */
export async function decideProposal(
  db: Connection,
  id: string,
  decision: Pick<ProposalRow, 'state' | 'decided_at' | 'decided_by' | 'reason'>,
): Promise<boolean> {
  const result = await db
    .updateTable('proposal')
    .set(decision)
    .where('id', '=', id)
    .where('state', '=', 'open')
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** @param kinds all of them when undefined */
export function overtakeProposals(
  db: Connection,
  rolloutId: string,
  now: number,
  kinds: readonly ProposalRow['kind'][] | undefined,
) {
  return db
    .updateTable('proposal')
    .set({ state: 'overtaken', decided_at: now })
    .where('rollout_id', '=', rolloutId)
    .where('state', '=', 'open')
    .$if(kinds !== undefined, (proposals) => proposals.where('kind', 'in', kinds ?? []))
    .execute()
}
