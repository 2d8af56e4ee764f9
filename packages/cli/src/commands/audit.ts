import type { AuditEntry } from '@hotpatch/api'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { pageQuery, serverCommand, withApp, withPage, type PageOptions } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type SessionOptions } from '../session/session.ts'

interface AuditOptions extends SessionOptions, PageOptions {
  action?: string
  subject?: string
}

export function addAuditCommand(program: Command, context: CliContext) {
  serverCommand(program, 'audit', 'shows who changed what, newest first', withApp, withPage)
    .option('--action <action>', 'only this, such as rollout.halted')
    .option('--subject <id>', 'only of this app, release, rollout, key or token')
    .action((options: AuditOptions) => showAudit(context, options))
}

async function showAudit(context: CliContext, options: AuditOptions) {
  const { api, output, project } = await openSession(context, options)
  const { action, subject: subjectId } = options
  const filter = given({ app: options.app ?? project?.app, action, subjectId })
  const page = await api.listAudit({ ...pageQuery(options), ...filter })
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
