import type { ChannelProtection, NewChannelProtection } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { nameOf, type Caller } from '../../people/authors/author.ts'
import type { AppRow } from '../../shipping/apps/app-service.ts'
import type { ChannelService } from '../../shipping/channels/channel-service.ts'
import type { Clock } from '../../ground/clock.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { hasRole, renderProtection, requireNamed } from './protection.ts'
import {
  deleteProtection,
  findProtection,
  listProtections,
  listProtectionsNaming,
  putProtection,
  type ProtectionRow,
} from './protection-store.ts'

export type ProtectionService = ReturnType<typeof createProtectionService>

/** Channels on which only some may publish. */
export function createProtectionService({
  db,
  channels,
  audit,
  clock,
}: {
  db: Database
  channels: ChannelService
  audit: AuditService
  clock: Clock
}) {
  async function list(app: AppRow): Promise<ChannelProtection[]> {
    return (await listProtections(db, app.id)).map(renderProtection)
  }

  async function protect(
    app: AppRow,
    channel: string,
    { roles = [], people = [], tokens = [], needsApproval = false }: NewChannelProtection,
    author: Caller,
  ): Promise<ChannelProtection> {
    if (roles.length + people.length + tokens.length === 0) {
      throw problem('invalid-request', 'Expected roles, people or tokens that may publish there, found none.')
    }
    await channels.require(app.id, channel)
    const row: ProtectionRow = {
      app_id: app.id,
      channel,
      roles: JSON.stringify(roles),
      people: JSON.stringify(people),
      tokens: JSON.stringify(tokens),
      needs_approval: needsApproval ? 1 : 0,
      updated_at: clock.now(),
      updated_by: nameOf(author),
    }
    await db.transaction().execute(async (tx) => {
      const before = await findProtection(tx, row)
      requireMayLoosen(before, author)
      await putProtection(tx, row)
      await record(tx, author, 'channel.protected', before, row)
    })
    return renderProtection(row)
  }

  /** Proposals that wait stay so, and can be approved, or carried out by whoever may change rollouts. */
  async function unprotect(app: AppRow, channel: string, author: Caller): Promise<ChannelProtection> {
    return db.transaction().execute(async (tx) => {
      const before = await findProtection(tx, { app_id: app.id, channel })
      if (!before) throw problem('protection-not-found', `The channel "${channel}" is not protected.`)
      requireMayLoosen(before, author)
      await deleteProtection(tx, before)
      await record(tx, author, 'channel.unprotected', before, undefined)
      return renderProtection(before)
    })
  }

  /** Else whoever is kept out would let himself in. An owner may always: those who are named may be gone. */
  function requireMayLoosen(before: ProtectionRow | undefined, { actor }: Caller): void {
    if (before && !hasRole(actor, before, 'owner')) requireNamed(before, actor)
  }

  /** Who is let in by a rule that is named there, is let in by whoever changes it. @throws problem channel-protected */
  async function requireMayChangeRule(tx: Connection, ruleId: string, author: Caller): Promise<void> {
    for (const row of await listProtectionsNaming(tx, ruleId)) requireMayLoosen(row, author)
  }

  async function record(
    tx: Connection,
    author: Caller,
    action: string,
    before: ProtectionRow | undefined,
    after: ProtectionRow | undefined,
  ): Promise<void> {
    const { app_id: appId, channel } = (after ?? before) as ProtectionRow
    await audit.record(tx, author, {
      action,
      subject: ['channel', channel],
      appId,
      ...(before && { before: renderProtection(before) }),
      ...(after && { after: renderProtection(after) }),
    })
  }

  return { list, protect, unprotect, requireMayChangeRule, find: findProtection }
}
