import type { NewSingleSignOn, Role, SingleSignOn } from '@hotpatch/api'

export const EVERY_APP = ''

/** As the form has it. */
export interface Draft {
  name: string
  issuer: string
  clientId: string
  /** Empty: the one that is kept. */
  clientSecret: string
  isPublicClient: boolean
  scopes: string[]
  groupClaim: string
  groups: { group: string; role: Role; app: string }[]
  makesPeople: boolean
  linksPeople: boolean
  believesEmails: boolean
  isOnlyWay: boolean
  sessionHours: number
}

export const FIRST_DRAFT: Draft = {
  name: '',
  issuer: '',
  clientId: '',
  clientSecret: '',
  isPublicClient: false,
  scopes: ['openid', 'email', 'profile'],
  groupClaim: 'groups',
  groups: [{ group: '', role: 'reader', app: EVERY_APP }],
  makesPeople: true,
  linksPeople: false,
  believesEmails: false,
  isOnlyWay: false,
  sessionHours: 12,
}

export function draftOf({ groups, hasClientSecret, ...settings }: SingleSignOn): Draft {
  return {
    ...FIRST_DRAFT,
    ...settings,
    isPublicClient: !hasClientSecret,
    groups: groups.map(({ group, role, appId }) => ({ group, role, app: appId ?? EVERY_APP })),
  }
}

export function settingsOf(draft: Draft): NewSingleSignOn {
  const { name, issuer, clientId, scopes, groupClaim, sessionHours } = draft
  const { makesPeople, linksPeople, believesEmails, isOnlyWay } = draft
  const secret = draft.isPublicClient ? null : draft.clientSecret || undefined
  return {
    name,
    issuer,
    clientId,
    scopes,
    groupClaim,
    sessionHours,
    makesPeople,
    linksPeople,
    believesEmails,
    isOnlyWay,
    ...(secret !== undefined && { clientSecret: secret }),
    groups: draft.groups
      .filter(({ group }) => group !== '')
      .map(({ group, role, app }) => ({ group, role, ...(app !== EVERY_APP && { app }) })),
  }
}
