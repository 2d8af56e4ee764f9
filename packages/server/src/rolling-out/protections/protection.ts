import type { ChannelProtection, Role } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { Actor } from '../../people/authors/actor.ts'
import { timestamp } from '../../ground/clock.ts'
import type { ProtectionRow } from './protection-store.ts'

/** @throws problem channel-protected */
export function requireNamed(row: ProtectionRow, actor: Actor): void {
  if (isNamed(row, actor)) return
  const { roles, people, tokens } = renderProtection(row)
  const named = [roles.join(' or '), people.length > 0 && 'some people', tokens.length > 0 && 'some tokens']
  throw problem(
    'channel-protected',
    `The channel "${row.channel}" is protected: only ${named.filter(Boolean).join(', ')} may do that there.`,
  )
}

/** Who is there through what he stands behind counts as himself. */
function isNamed(row: ProtectionRow, actor: Actor): boolean {
  const { roles, people, tokens } = renderProtection(row)
  if (actor.personId !== null && people.includes(actor.personId)) return true
  const ids = actor.kind === 'token' ? [actor.id, actor.trustRuleId] : []
  return ids.some((id) => id !== undefined && tokens.includes(id)) || roles.some((role) => hasRole(actor, row, role))
}

export function hasRole({ grants }: Actor, { app_id: appId }: Pick<ProtectionRow, 'app_id'>, role: Role): boolean {
  return grants.some((grant) => grant.role === role && (grant.appId === null || grant.appId === appId))
}

export function renderProtection(row: ProtectionRow): ChannelProtection {
  return {
    channel: row.channel,
    roles: JSON.parse(row.roles) as Role[],
    people: JSON.parse(row.people) as string[],
    tokens: JSON.parse(row.tokens) as string[],
    needsApproval: row.needs_approval === 1,
    updatedAt: timestamp(row.updated_at),
    updatedBy: row.updated_by,
  }
}
