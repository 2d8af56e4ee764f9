import type { TrustCondition, TrustExplanation, TrustRule } from '@hotpatch/api'
import { MINUTE_MS, nullableTimestamp, timestamp } from '../../ground/clock.ts'
import type { VerifiedToken } from '../issuers/verify-identity-token.ts'
import { meets, textOfClaim } from './match-claim.ts'
import type { TrustRuleRow } from './trust-store.ts'

type Difference = TrustExplanation['rules'][number]['differences'][number]

/** What of a token may be told and kept: a text could be as long as a token is. */
const MAX_SHOWN = 500

export function readConditions({ conditions }: Pick<TrustRuleRow, 'conditions'>): TrustCondition[] {
  return JSON.parse(conditions) as TrustCondition[]
}

/** What the rule expects and the token does not have; nothing when it fits. */
export function differencesOf(rule: TrustRuleRow, { audience, claims }: VerifiedToken): Difference[] {
  const ofAudience = audience === rule.audience ? [] : [{ claim: 'aud', expected: rule.audience, found: audience }]
  const unmet = readConditions(rule).filter((condition) => !meets(claims, condition))
  return [
    ...ofAudience,
    ...unmet.map(({ claim, matches }) => ({ claim, expected: matches, found: shownClaims(claims)[claim] ?? null })),
  ]
}

/** Those that can be compared, as text. */
export function shownClaims(claims: Readonly<Record<string, unknown>>): Record<string, string> {
  const shown = Object.entries(claims).flatMap(([name, value]) => {
    const text = textOfClaim(value)
    return text === undefined ? [] : [[name.slice(0, MAX_SHOWN), text.slice(0, MAX_SHOWN)] as const]
  })
  return Object.fromEntries(shown)
}

export function renderRule(row: TrustRuleRow, now: number): TrustRule {
  const hasExpired = row.expires_at !== null && row.expires_at <= now
  return {
    id: row.id,
    name: row.name,
    issuer: row.issuer,
    audience: row.audience,
    conditions: readConditions(row),
    role: row.role,
    appId: row.app_id,
    channels: readList(row.channels),
    permissions: readList(row.permissions),
    lifetimeMinutes: row.lifetime_ms / MINUTE_MS,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    lastUsedAt: nullableTimestamp(row.last_used_at),
    endedAt: nullableTimestamp(row.revoked_at ?? (hasExpired ? row.expires_at : null)),
  }
}

function readList(text: string | null): string[] | null {
  return text === null ? null : (JSON.parse(text) as string[])
}
