import type { NewTrustRule, TrustRule, TrustRuleChanges } from '@hotpatch/api'
import { SERVER_URL } from '../ground/place.ts'
import { ISSUERS, kindOf, type IssuerKind } from './issuers.ts'

/** Of a select, which has no null. */
export const EVERY_APP = ''

/** A rule as its form has it. */
export interface RuleDraft extends Pick<TrustRule, 'name' | 'issuer' | 'audience' | 'conditions' | 'role'> {
  kind: IssuerKind
  /** Its id; null while none was chosen. */
  app: string | null
  /** None: every one. */
  channels: string[]
  /** Of those that the role has, where some were chosen; none: all again. */
  permissions: string[] | null
  lifetimeMinutes: number
}

export const FIRST_DRAFT: RuleDraft = {
  name: '',
  kind: 'github',
  issuer: ISSUERS.github.address,
  audience: SERVER_URL,
  conditions: ISSUERS.github.conditions,
  role: 'publisher',
  app: null,
  channels: [],
  permissions: null,
  lifetimeMinutes: 15,
}

export function draftOf({
  name,
  issuer,
  audience,
  conditions,
  role,
  appId,
  channels,
  permissions,
  lifetimeMinutes,
}: TrustRule): RuleDraft {
  const limits = { app: appId ?? EVERY_APP, channels: channels ?? [], permissions }
  return { name, kind: kindOf(issuer), issuer, audience, conditions, role, ...limits, lifetimeMinutes }
}

export function newRuleOf({ kind: _, app, channels, permissions, ...draft }: RuleDraft): NewTrustRule {
  return {
    ...draft,
    ...(app !== null && app !== EVERY_APP && { app }),
    ...(channels.length > 0 && { channels }),
    ...(permissions !== null && permissions.length > 0 && { permissions }),
  }
}

/** What differs from the rule: what stays is not sent, as somebody else may change it meanwhile. */
export function changesOf(rule: TrustRule, draft: RuleDraft): TrustRuleChanges {
  const wanted = {
    name: draft.name,
    issuer: draft.issuer,
    audience: draft.audience,
    conditions: draft.conditions,
    role: draft.role,
    app: draft.app === EVERY_APP ? null : draft.app,
    channels: draft.channels.length === 0 ? null : draft.channels,
    permissions: draft.permissions?.length === 0 ? null : draft.permissions,
    lifetimeMinutes: draft.lifetimeMinutes,
  }
  const { appId: app, ...rest } = rule
  const before: Record<string, unknown> = { ...rest, app }
  const differs = ([field, value]: [string, unknown]) => JSON.stringify(value) !== JSON.stringify(before[field])
  return Object.fromEntries(Object.entries(wanted).filter(differs))
}

/** Whether it says otherwise which jobs may what: then what jobs have got by the rule ends. */
export function endsTokens(changes: TrustRuleChanges): boolean {
  return Object.keys(changes).some((field) => field !== 'name' && field !== 'lifetimeMinutes')
}
