import type { GroupGrant, NewSingleSignOn, SingleSignOn, SingleSignOnOffer } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { HOUR_MS, timestamp, type Clock } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { SecretBox } from '../../ground/secrets/secret-box.ts'
import type { Arrivals } from '../accounts/persons/arrivals.ts'
import type { AuditService } from '../audit/audit-service.ts'
import { nameOf, type Caller } from '../authors/author.ts'
import type { IssuerMetadata, Issuers } from '../issuers/issuers.ts'
import { deleteSettings, findSettings, replaceSettings, type SettingsRow } from './settings-store.ts'

const ID = 'single-sign-on'
const DEFAULT_SCOPES = ['openid', 'email', 'profile']
const DEFAULT_SESSION_HOURS = 12

export const CALLBACK_PATH = '/manage/v1/single-sign-on/callback'

/** All that a sign-in goes by. */
export interface SingleSignOnSettings {
  name: string
  issuer: string
  clientId: string
  clientSecret: string | null
  scopes: readonly string[]
  groupClaim: string
  groups: readonly GroupGrant[]
  makesPeople: boolean
  linksPeople: boolean
  believesEmails: boolean
  isOnlyWay: boolean
  sessionMs: number
}

/** Whether nobody but owners signs in otherwise. */
export async function isSingleSignOnOnly(db: Database): Promise<boolean> {
  return (await findSettings(db))?.is_only_way === 1
}

export type FindAppId = (idOrSlug: string) => Promise<string>

export type SettingsService = ReturnType<typeof createSettingsService>

/** Which issuer people sign in at, and what its groups give. */
export function createSettingsService({
  db,
  box,
  audit,
  issuers,
  arrivals,
  clock,
}: {
  db: Database
  box: SecretBox
  audit: AuditService
  issuers: Issuers
  arrivals: Arrivals
  clock: Clock
}) {
  /** @throws problem single-sign-on-not-found */
  async function get(publicUrl: string): Promise<SingleSignOn> {
    return render(await getRow(), publicUrl)
  }

  async function getRow(): Promise<SettingsRow> {
    const row = await findSettings(db)
    if (row) return row
    throw problem('single-sign-on-not-found', 'There is no issuer at which people sign in.')
  }

  async function find(): Promise<SingleSignOnSettings | undefined> {
    const row = await findSettings(db)
    if (!row) return undefined
    const clientSecret = row.client_secret === null ? null : await box.open(ownerOf(row.issuer), row.client_secret)
    return { ...read(row), clientSecret }
  }

  /** For everybody. */
  async function offer(): Promise<SingleSignOnOffer> {
    const row = await findSettings(db)
    return { name: row?.name ?? null, isOnlyWay: row?.is_only_way === 1 }
  }

  /** Only what works is kept: the issuer is asked before. */
  async function set(
    input: NewSingleSignOn,
    findAppId: FindAppId,
    author: Caller,
    publicUrl: string,
  ): Promise<SingleSignOn> {
    requireUsable(await issuers.describeAnew(input.issuer))
    const groups = await readGroups(input.groups, findAppId)
    const before = await findSettings(db)
    const row: SettingsRow = {
      id: ID,
      name: input.name.trim(),
      issuer: input.issuer,
      client_id: input.clientId,
      client_secret: await sealSecret(input, before),
      scopes: JSON.stringify([...new Set(['openid', ...(input.scopes ?? DEFAULT_SCOPES)])]),
      group_claim: input.groupClaim ?? 'groups',
      group_grants: JSON.stringify(groups),
      makes_people: asNumber(input.makesPeople),
      links_people: asNumber(input.linksPeople),
      believes_emails: asNumber(input.believesEmails),
      is_only_way: asNumber(input.isOnlyWay),
      session_ms: (input.sessionHours ?? DEFAULT_SESSION_HOURS) * HOUR_MS,
      changed_at: clock.now(),
      changed_by: nameOf(author),
    }
    await db.transaction().execute(async (tx) => {
      // Who came from another issuer, or by what groups gave before, has to come again.
      if (before && !letsInTheSame(before, row)) {
        await arrivals.endAll(tx, { takesGrants: before.issuer !== row.issuer })
      }
      await replaceSettings(tx, row)
      await audit.record(tx, author, {
        action: 'single-sign-on.changed',
        subject: ['single-sign-on', ID],
        ...(before && { before: render(before, publicUrl) }),
        after: render(row, publicUrl),
      })
    })
    return render(row, publicUrl)
  }

  async function remove(author: Caller, publicUrl: string): Promise<SingleSignOn> {
    const row = await getRow()
    await db.transaction().execute(async (tx) => {
      await arrivals.endAll(tx, { takesGrants: true })
      await deleteSettings(tx)
      await audit.record(tx, author, {
        action: 'single-sign-on.removed',
        subject: ['single-sign-on', ID],
        before: render(row, publicUrl),
      })
    })
    return render(row, publicUrl)
  }

  /** It goes to no other issuer than the one that it was given for. */
  async function sealSecret(
    { clientSecret, issuer }: NewSingleSignOn,
    before: SettingsRow | undefined,
  ): Promise<string | null> {
    if (clientSecret === null) return null
    if (clientSecret !== undefined) return box.seal(ownerOf(issuer), clientSecret)
    if (before?.issuer === issuer) return before.client_secret
    throw problem(
      'invalid-request',
      'clientSecret: expected the secret for this issuer, or null for a client without one, found nothing.',
    )
  }

  return { get, find, offer, set, remove }
}

/** What decides who comes in, and with what. */
const DECIDING = [
  'issuer',
  'client_id',
  'group_claim',
  'group_grants',
  'makes_people',
  'links_people',
  'believes_emails',
] as const

/** Another name on the button signs nobody out. */
function letsInTheSame(before: SettingsRow, after: SettingsRow): boolean {
  return DECIDING.every((column) => before[column] === after[column])
}

function ownerOf(issuer: string): string {
  return `single-sign-on ${issuer}`
}

/** @throws problem issuer-unusable */
function requireUsable({ issuer, document }: IssuerMetadata): void {
  for (const name of ['authorization_endpoint', 'token_endpoint']) {
    const endpoint = document[name]
    if (typeof endpoint === 'string' && URL.canParse(endpoint) && /^https?:/.test(endpoint)) continue
    throw problem('issuer-unusable', `Expected an address as ${name} of ${issuer}, found none: nobody signs in there.`)
  }
  const methods = document.code_challenge_methods_supported
  if (Array.isArray(methods) && !methods.includes('S256')) {
    throw problem('issuer-unusable', `Expected that ${issuer} takes PKCE with S256, found that it does not.`)
  }
}

async function readGroups(input: NewSingleSignOn['groups'], findAppId: FindAppId): Promise<GroupGrant[]> {
  const groups: GroupGrant[] = []
  for (const { group, role, app } of input) {
    const appId = app === undefined ? null : await findAppId(app)
    if (groups.some((other) => other.group === group && other.appId === appId)) {
      throw problem('invalid-request', `groups: expected one role of "${group}" for ${app ?? 'every app'}, found two.`)
    }
    groups.push({ group, role, appId })
  }
  return groups
}

function read(row: SettingsRow): Omit<SingleSignOnSettings, 'clientSecret'> {
  return {
    name: row.name,
    issuer: row.issuer,
    clientId: row.client_id,
    scopes: JSON.parse(row.scopes) as string[],
    groupClaim: row.group_claim,
    groups: JSON.parse(row.group_grants) as GroupGrant[],
    makesPeople: row.makes_people === 1,
    linksPeople: row.links_people === 1,
    believesEmails: row.believes_emails === 1,
    isOnlyWay: row.is_only_way === 1,
    sessionMs: row.session_ms,
  }
}

function render(row: SettingsRow, publicUrl: string): SingleSignOn {
  const { sessionMs, scopes, groups, ...settings } = read(row)
  return {
    ...settings,
    scopes: [...scopes],
    groups: [...groups],
    sessionHours: sessionMs / HOUR_MS,
    hasClientSecret: row.client_secret !== null,
    callbackUrl: `${publicUrl}${CALLBACK_PATH}`,
    changedAt: timestamp(row.changed_at),
    changedBy: row.changed_by,
  }
}

function asNumber(value = false): number {
  return value ? 1 : 0
}
