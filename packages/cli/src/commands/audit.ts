import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { readJsonLines, type AuditEntry, type AuditFilter } from '@hotpatch/api'
import { InvalidArgumentError, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readSequence, readTimestamp } from '../arguments/readers.ts'
import {
  pageQuery,
  serverCommand,
  withApp,
  withConnection,
  withJson,
  withPage,
  withYes,
  type PageOptions,
} from '../arguments/shared-options.ts'
import { auditHeadsPath, readAuditHeads, writeAuditHeads } from '../audit/audit-heads.ts'
import { verifyChain, type KnownHead, type Verified } from '../audit/verify-chain.ts'
import { writeExport } from '../audit/write-export.ts'
import { CommandError, systemReason, UsageError, Verdict } from '../errors/errors.ts'
import { createOutput, type Output } from '../output/output.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type SessionOptions } from '../session/session.ts'

interface FilterOptions extends SessionOptions {
  action?: string
  actor?: string
  subject?: string
  since?: string
  until?: string
  text?: string
}

interface ExportOptions extends FilterOptions {
  out?: string
  after?: number
}

interface VerifyOptions extends SessionOptions {
  file?: string
  head?: KnownHead
  partial?: boolean
  accept?: boolean
}

export function addAuditCommand(program: Command, context: CliContext) {
  const audit = program.command('audit').description('who changed what, and whether nobody has changed that since')

  const list = withJson(withConnection(withPage(withApp(audit.command('list', { isDefault: true })))))
  withFilter(list)
    .description('shows who changed what, newest first')
    .action((options: FilterOptions & PageOptions) => showAudit(context, options))

  withFilter(serverCommand(audit, 'export', 'writes it with its seals, oldest first, one JSON value a line', withApp))
    .option('--out <file>', 'a new file, instead of stdout')
    .option('--after <position>', 'only what is behind this position of the chain', readSequence)
    .action((options: ExportOptions) => exportAudit(context, options))

  withYes(withJson(withConnection(audit.command('verify'))))
    .description('checks that no entry was changed, removed, put in or put elsewhere since it was written')
    .option('--file <file>', 'an export, instead of what the server has now; several may stand one after the other')
    .option('--head <position:hash>', 'an end of the chain that somebody has noted: it has to be in it', readHead)
    .option('--partial', 'although entries are left out: checks each by itself, and not that none is missing')
    .option('--accept', 'remember the chain as it is, although it is not the one that was seen before')
    .action((options: VerifyOptions) => verifyAudit(context, options))
}

function withFilter(command: Command): Command {
  return command
    .option('--action <action>', 'only this, such as rollout.halted, or rollout for all of these')
    .option('--actor <name>', 'only by this person or token: an id, or a part of the name')
    .option('--subject <id>', 'only of this app, release, rollout, key or token')
    .option('--since <when>', 'such as 2030-01-31 or 2030-01-31T12:00:00Z', readTimestamp)
    .option('--until <when>', 'before this time', readTimestamp)
    .option('--text <text>', 'only what has this anywhere in it')
}

function filterOf({ action, actor, subject: subjectId, since: from, until: to, text }: FilterOptions): AuditFilter {
  return given({ action, actor, subjectId, from, to, text })
}

async function showAudit(context: CliContext, options: FilterOptions & PageOptions) {
  const { api, output, project } = await openSession(context, options)
  const app = given({ app: options.app ?? project?.app })
  const page = await api.listAudit({ ...pageQuery(options), ...app, ...filterOf(options) })
  const shown = page.items.map((entry) => ({
    at: entry.at,
    who: entry.actorName,
    kind: entry.actorKind,
    from: entry.address,
    action: entry.action,
    subject: entry.subjectId,
    changed: changesOf(entry),
  }))
  output.page(page, ['at', 'who', 'kind', 'from', 'action', 'subject', 'changed'], shown)
}

async function exportAudit(context: CliContext, options: ExportOptions) {
  const { api, output } = await openSession(context, options)
  const asked = given({ app: options.app, after: options.after })
  const lines = api.exportAudit({ ...filterOf(options), ...asked, signal: context.signal })
  const written = await writeExport(context, lines, options.out)
  const { entries, position } = written
  if (options.out === undefined) return output.notice(`${entries} entries, up to ${position} of the chain.`)
  output.result(written, () => output.line(`${written.path}: ${entries} entries. To go on later: --after ${position}`))
}

async function verifyAudit(context: CliContext, options: VerifyOptions) {
  return options.file === undefined
    ? verifyServer(context, options)
    : verifyFile(context, { ...options, file: options.file })
}

async function verifyServer(context: CliContext, options: VerifyOptions) {
  const { api, url, output, confirm } = await openSession(context, options)
  const path = auditHeadsPath(context.env)
  const remembered = await readAuditHeads(path, url)
  const { partial = false, accept = false, head } = options
  if (partial && accept) throw new UsageError('Give --partial or --accept, not both: only a whole chain is remembered.')
  const known = [...(accept ? [] : remembered), ...(head ? [head] : [])]
  const verified = await verifyChain(api.exportAudit({ signal: context.signal }), { known, partial })
  const isFirst = remembered.length === 0
  if (verified.findingCount === 0 && accept && !isFirst) {
    const before = remembered.at(-1)
    await confirm(`Remember the chain up to ${verified.head.position} in place of the one up to ${before?.position}?`)
  }
  if (verified.whole && verified.head.position > 0) {
    const now = { ...verified.head, at: context.now().toISOString() }
    const earlier = (accept ? [] : remembered).filter(({ position }) => position < now.position)
    await writeAuditHeads(path, url, [...earlier, now])
  }
  tell(output, verified, isFirst && head === undefined)
}

async function verifyFile(context: CliContext, options: VerifyOptions & { file: string }) {
  const { file, head, partial = false, accept } = options
  if (accept) throw new UsageError('--accept is for the chain of a server, not for a file.')
  const output = createOutput(context, options.json ?? false)
  const bytes = createReadStream(resolve(context.cwd, file), { signal: context.signal })
  try {
    const verified = await verifyChain(readJsonLines(bytes), { known: head ? [head] : [], partial })
    tell(output, verified, head === undefined)
  } catch (cause) {
    if (cause instanceof Verdict) throw cause
    if (cause instanceof SyntaxError) throw new CommandError('not-an-export', `${file}: ${cause.message}`, { cause })
    throw new CommandError('file-unreadable', `${file} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}

const NOTHING_KNOWN = 'There was nothing to compare it with: a chain that was made anew as a whole looks the same.'

/** @throws Verdict when something is not as it was */
function tell(output: Output, verified: Verified, isFirst: boolean) {
  const { findings, findingCount, entries, head, waiting, agreed } = verified
  const ok = findingCount === 0
  output.result({ ok, ...verified }, () => {
    for (const { kind, position, entryId, detail } of findings) {
      const which = [position === null ? '' : `entry ${position}`, entryId ?? ''].filter((part) => part !== '')
      output.line(`✗ ${kind}${which.length > 0 ? `, ${which.join(', ')}` : ''}: ${detail}`)
    }
    if (findingCount > findings.length) output.line(`… and ${findingCount - findings.length} more.`)
    if (ok)
      output.line(`✓ ${entries} entries are as they were written. The chain ends at ${head.position}:${head.hash}`)
  })
  if (!ok) {
    const since = agreed ? `Up to ${agreed.position} it is the chain that was seen on ${agreed.at}.` : ''
    output.notice(`The audit log is not as it was written. ${since}`.trim())
    throw new Verdict(1)
  }
  if (waiting > 0) output.notice(`${waiting} entries wait for their seal.`)
  if (agreed) output.notice(`It continues the chain that ended at ${agreed.position} on ${agreed.at}.`)
  else if (isFirst) output.notice(NOTHING_KNOWN)
}

/** Such as "percentage 10 → 50"; what was made or removed has no before or no after. */
function changesOf({ before, after }: AuditEntry): string {
  const [old, now] = [recordOf(before), recordOf(after)]
  if (!old || !now) return ''
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])]
  return names
    .filter((name) => name !== 'updatedAt' && textOf(old[name]) !== textOf(now[name]))
    .map((name) => `${name} ${textOf(old[name])} → ${textOf(now[name])}`)
    .join(', ')
}

function recordOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '-')
}

function readHead(text: string): KnownHead {
  const [, position, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  if (position !== undefined && hash !== undefined) return { position: Number(position), hash, at: 'an earlier day' }
  throw new InvalidArgumentError('Expected a position, a colon and a SHA-256, as verify prints them.')
}
