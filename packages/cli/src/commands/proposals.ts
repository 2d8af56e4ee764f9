import type { Proposal, ProposalFilter } from '@hotpatch/api'
import { PROPOSAL_STATES } from '@hotpatch/api'
import { Option, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { pageQuery, serverCommand, withApp, withPage, withYes, type PageOptions } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type SessionOptions } from '../session/session.ts'

interface ListOptions extends SessionOptions, PageOptions {
  state?: ProposalFilter['state']
}

interface RejectOptions extends SessionOptions {
  reason?: string
}

export function addProposalCommands(program: Command, context: CliContext) {
  const proposals = program.command('proposals').description('changes of rollouts that wait for a second person')

  serverCommand(proposals, 'list', 'lists what waits, or what became of it', withApp, withPage)
    .addOption(new Option('--state <state>', 'which ones').choices(PROPOSAL_STATES).default('open'))
    .action((options: ListOptions) => listProposals(context, options))

  serverCommand(proposals, 'approve', 'does what somebody else has proposed', withYes)
    .argument('<proposal-id>')
    .action((id: string, options: SessionOptions) => approve(context, id, options))

  serverCommand(proposals, 'reject', 'says that it is not to be; a rollout that never started is withdrawn', withYes)
    .argument('<proposal-id>')
    .option('--reason <text>', 'why')
    .action((id: string, options: RejectOptions) => reject(context, id, options))

  serverCommand(proposals, 'withdraw', 'takes back your own; a rollout that never started is withdrawn', withYes)
    .argument('<proposal-id>')
    .action((id: string, options: SessionOptions) => withdraw(context, id, options))
}

async function listProposals(context: CliContext, options: ListOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const page = await api.listProposals(app.id, { ...pageQuery(options), ...given({ state: options.state }) })
  const columns = ['channel', 'kind', 'changes', 'proposedBy', 'proposedAt', 'state', 'rolloutId', 'id'] as const
  output.page(page, columns, page.items.map(describe))
}

async function approve(context: CliContext, id: string, options: SessionOptions) {
  const { api, confirm, output } = await openSession(context, options)
  const { kind, channel, changes, proposedBy } = describe(await api.getProposal(id))
  const what = changes === '' ? kind : `${kind} ${changes}`
  await confirm(`Approve what ${proposedBy} has proposed for the channel ${channel}: ${what}?`)
  const decided = await api.approveProposal(id)
  output.result(decided, () => output.fields(describe(decided)))
}

async function reject(context: CliContext, id: string, options: RejectOptions) {
  const { api, confirm, output } = await openSession(context, options)
  await confirm(`Reject the proposal ${id}?`)
  const decided = await api.rejectProposal(id, given({ reason: options.reason }))
  output.result(decided, () => output.fields(describe(decided)))
}

async function withdraw(context: CliContext, id: string, options: SessionOptions) {
  const { api, confirm, output } = await openSession(context, options)
  await confirm(`Take back the proposal ${id}?`)
  const decided = await api.withdrawProposal(id)
  output.result(decided, () => output.fields(describe(decided)))
}

/** In one line. */
function describe(proposal: Proposal) {
  return { ...proposal, changes: proposal.changes === null ? '' : JSON.stringify(proposal.changes) }
}
