import { ROLES, type GroupGrant, type Role } from '@hotpatch/api'

/** What somebody has by his groups: for each place one role. */
export interface GivenGrant {
  role: Role
  appId: string | null
}

const MAX_GROUPS = 5_000

/** Of a list or of one text; what is neither tells no groups. */
export function groupsOf(claims: Readonly<Record<string, unknown>>, claim: string): ReadonlySet<string> {
  const found = claimAt(claims, claim)
  const listed = Array.isArray(found) ? found.slice(0, MAX_GROUPS) : [found]
  return new Set(listed.filter((group): group is string => typeof group === 'string'))
}

/**
 * Whether the issuer has left the groups out because there are too many (Microsoft Entra's "overage"): that must not
 * look like none.
 */
export function hasTooManyGroups(claims: Readonly<Record<string, unknown>>, claim: string): boolean {
  const elsewhere = claims._claim_names
  return typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, claim)
}

/** Names have dots in them, too, such as https://example.com/groups. */
function claimAt(claims: Readonly<Record<string, unknown>>, claim: string): unknown {
  if (Object.hasOwn(claims, claim)) return claims[claim]
  let at: unknown = claims
  for (const part of claim.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined
    at = (at as Record<string, unknown>)[part]
  }
  return at
}

/** The strongest role for each place. */
export function grantsOfGroups(groups: ReadonlySet<string>, given: readonly GroupGrant[]): GivenGrant[] {
  const byPlace = new Map<string | null, Role>()
  for (const { group, role, appId } of given) {
    const before = byPlace.get(appId)
    const isStronger = before === undefined || ROLES.indexOf(role) < ROLES.indexOf(before)
    if (groups.has(group) && isStronger) byPlace.set(appId, role)
  }
  return [...byPlace].map(([appId, role]) => ({ role, appId }))
}
