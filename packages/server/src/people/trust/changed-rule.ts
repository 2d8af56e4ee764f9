import type { TrustCondition, TrustRuleChanges } from '@hotpatch/api'
import { MINUTE_MS } from '../../ground/clock.ts'
import { readGrant, storedGrant } from '../authors/read-grant.ts'
import { readConditions } from './trust-rule.ts'
import type { TrustRuleRow } from './trust-store.ts'

/** All that a rule says, before it was looked at whether it may. */
export interface WantedRule {
  name: string
  issuer: string
  audience: string
  conditions: TrustCondition[]
  role: TrustRuleRow['role']
  appId: string | null
  channels: readonly string[] | undefined
  permissions: readonly string[] | undefined
  lifetimeMinutes: number
}

/** What is left out stays as it is; null takes a limit away. */
export function changedRule(
  row: TrustRuleRow,
  changes: TrustRuleChanges,
  appId: string | null | undefined,
): WantedRule {
  const { channels = listOf(row.channels), permissions = chosenPermissions(row) } = changes
  return {
    name: changes.name ?? row.name,
    issuer: changes.issuer ?? row.issuer,
    audience: changes.audience ?? row.audience,
    conditions: changes.conditions ?? readConditions(row),
    role: changes.role ?? row.role,
    appId: appId === undefined ? row.app_id : appId,
    channels: channels ?? undefined,
    permissions: permissions ?? undefined,
    lifetimeMinutes: changes.lifetimeMinutes ?? row.lifetime_ms / MINUTE_MS,
  }
}

const DECIDING = ['issuer', 'audience', 'conditions', 'role', 'app_id', 'channels', 'permissions'] as const

/** Whether it says otherwise who may what; or says it again, after it had ended with whoever made it. */
export function isToBeMadeAnew(before: TrustRuleRow, after: TrustRuleRow, now: number): boolean {
  const hasEnded = before.revoked_at !== null || (before.expires_at !== null && before.expires_at <= now)
  return hasEnded || DECIDING.some((column) => before[column] !== after[column])
}

/** Null where nobody chose some: those that a rule for some channels cannot have, it does not have by itself. */
function chosenPermissions(row: TrustRuleRow): string[] | null {
  const stored = listOf(row.permissions)
  if (!stored) return null
  const { role, app_id: appId, channels } = row
  const had = storedGrant(row).permissions
  const byItself = readGrant({ role, appId, channels: listOf(channels) ?? undefined, permissions: undefined })
  const isAll = [...byItself.permissions].every((permission) => had.has(permission))
  return isAll ? null : stored
}

function listOf(json: string | null): string[] | null {
  return json === null ? null : (JSON.parse(json) as string[])
}
