import { randomBytes } from 'node:crypto'
import type { OneTimeLink, OneTimeLinkUse } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { hashSecret } from '../../access/secrets.ts'
import type { AuditService } from '../../audit/audit-service.ts'
import { DAY_MS, MINUTE_MS, timestamp, type Clock } from '../../../ground/clock.ts'
import { isUniqueViolation } from '../../../ground/database/database-errors.ts'
import type { Connection, Database } from '../../../ground/database/schema.ts'
import { hashPassword } from '../auth/passwords.ts'
import type { SignInAttempts } from '../auth/sign-in-attempts.ts'
import { coversGrant, grantOf, type Grant } from '../../authors/actor.ts'
import { strongest } from '../../authors/permissions.ts'
import { callerOf } from '../persons/actor-of-person.ts'
import type { Doer, Standings } from '../persons/standings.ts'
import {
  endSessions,
  findAnyOwnerPerson,
  findPerson,
  findPersonByEmail,
  insertPerson,
  listApps,
  listGrants,
  listGrantsBySource,
  lockOwnerPersons,
  removeSecondFactors,
  replaceGrants,
  setPassword,
  signsInElsewhere,
  type GrantRow,
  type PersonRow,
} from '../tables/person-table.ts'
import {
  deleteFirstOwnerLinks,
  deleteLinksBefore,
  deleteResetLinksFor,
  findLink,
  insertLink,
  lockFirstPerson,
  takeLink,
  type LinkRow,
} from '../tables/one-time-link-table.ts'

export const FIRST_OWNER_MINUTES = 30
const OWNER: readonly GrantRow[] = [{ role: 'owner', app_id: null }]

/** What a link is made of. */
export interface NewLink {
  kind: LinkRow['kind']
  lifetimeMs: number
  email?: string | null
  name?: string | null
  grants?: readonly GrantRow[]
  personId?: string
  removesSecondFactor?: boolean
  createdBy: string
  /** Null of the server. */
  doer: Doer | null
}

/** What comes from where a link is used. */
export interface From {
  ip: string
  id: string
}

/** What came of a link that was used. */
export type LinkOutcome =
  /** Somebody who is let in. */
  { kind: 'joined'; personId: string } | { kind: 'password-set' } | { kind: 'accepted' }

export type OneTimeLinks = ReturnType<typeof createOneTimeLinks>

/** Links that work once. Whoever has the secret is whom it was given to: it is told once, and kept as its hash. */
export function createOneTimeLinks({
  db,
  audit,
  attempts,
  standings,
  clock,
  newId,
}: {
  db: Database
  audit: AuditService
  attempts: SignInAttempts
  standings: Standings
  clock: Clock
  newId: () => string
}) {
  async function make(tx: Connection, link: NewLink): Promise<{ secret: string; row: LinkRow }> {
    const now = clock.now()
    const secret = randomBytes(32).toString('base64url')
    const row: LinkRow = {
      id: newId(),
      kind: link.kind,
      secret_hash: hashSecret(secret),
      email: link.email ?? null,
      name: link.name ?? null,
      grants: JSON.stringify(link.grants ?? []),
      person_id: link.personId ?? null,
      removes_second_factor: link.removesSecondFactor === true ? 1 : 0,
      created_at: now,
      created_by: link.createdBy,
      created_by_person: link.doer?.personId ?? null,
      created_by_token: link.doer?.tokenId ?? null,
      expires_at: now + link.lifetimeMs,
      used_at: null,
    }
    await insertLink(tx, row)
    return { secret, row }
  }

  /** A new one at every start, until there is an owner who can sign in. Undefined when there is. */
  async function makeFirstOwnerLink(): Promise<string | undefined> {
    if (await findAnyOwnerPerson(db)) return undefined
    const link = {
      kind: 'first-owner',
      lifetimeMs: FIRST_OWNER_MINUTES * MINUTE_MS,
      grants: OWNER,
      createdBy: 'server',
    } as const
    return (await make(db, { ...link, doer: null })).secret
  }

  async function look(secret: string): Promise<OneTimeLink> {
    const row = await findOpen(db, secret)
    const person = row.person_id === null ? undefined : await findPerson(db, row.person_id)
    return {
      kind: row.kind,
      email: person?.email ?? row.email,
      name: person?.name ?? row.name,
      grants: grantsOf(row).map(({ role, app_id: appId }) => ({ role, appId })),
      invitedBy: row.kind === 'first-owner' ? null : row.created_by,
      removesSecondFactor: row.removes_second_factor === 1,
      expiresAt: timestamp(row.expires_at),
    }
  }

  async function findOpen(connection: Connection, secret: string): Promise<LinkRow> {
    const row = await findLink(connection, hashSecret(secret))
    if (!row || row.used_at !== null || row.expires_at <= clock.now()) throw gone()
    if (!(await isStillGiven(connection, row))) throw gone()
    return row
  }

  /** A link gives no more than who made it may now; and a person may have come to more since. */
  async function isStillGiven(connection: Connection, row: LinkRow): Promise<boolean> {
    if (row.kind === 'first-owner') return !(await findAnyOwnerPerson(connection))
    const { created_by_token: tokenId, created_by_person: personId } = row
    const maker = await standings.find(connection, { tokenId, personId })
    const given = row.kind === 'reset' ? await listGrants(connection, [row.person_id ?? '']) : grantsOf(row)
    // Single sign-on may have come to the account since: then a way beside it is not for somebody of one app to give.
    const isForAll = row.kind === 'reset' && (await signsInElsewhere(connection, row.person_id ?? ''))
    if (isForAll && !maker?.grants.some(managesEverybody)) return false
    return maker !== undefined && given.every((grant) => coversGrant(maker.grants, grantOf(grant.role, grant.app_id)))
  }

  /** @param signedIn the id of whoever is signed in in the browser that has the link */
  async function use(input: OneTimeLinkUse, from: From, signedIn: string | undefined): Promise<LinkOutcome> {
    // Nobody makes the server work who has no link.
    const found = await findOpen(db, input.secret)
    const known = found.kind === 'invitation' ? await findPersonByEmail(db, found.email ?? '') : undefined
    if (known) return accept(found, known, from, signedIn)
    const given = requireFields(found, input)
    const password = await hashPassword(given)
    try {
      return await db.transaction().execute(async (tx) => {
        await (found.kind === 'first-owner' ? lockFirstPerson(tx) : lockOwnerPersons(tx))
        const row = await takeLink(tx, found.secret_hash, clock.now())
        if (!row || !(await isStillGiven(tx, row))) throw gone()
        if (row.kind === 'reset') return reset(tx, row, password, from)
        return welcome(tx, row, { ...input, password }, from)
      })
    } catch (error) {
      if (!isUniqueViolation(error)) throw error
      throw problem('person-exists', 'Somebody with this e-mail address is here already: sign in.')
    }
  }

  /**
   * What is given to somebody who has an account is added to what he has, when he takes it himself: whoever has nothing
   * but the link is not him.
   */
  async function accept(
    { secret_hash: secretHash }: LinkRow,
    known: PersonRow,
    from: From,
    signedIn: string | undefined,
  ): Promise<LinkOutcome> {
    if (signedIn !== known.id) throw exists()
    return db.transaction().execute(async (tx) => {
      await lockOwnerPersons(tx)
      const row = await takeLink(tx, secretHash, clock.now())
      const person = await findPerson(tx, known.id)
      if (!row || !person || person.disabled_at !== null || person.email !== row.email) throw gone()
      if (!(await isStillGiven(tx, row))) throw gone()
      const before = await listGrantsBySource(tx, person.id, 'people')
      const grants = withMore(before, await stillThere(tx, grantsOf(row)))
      await replaceGrants(tx, person.id, grants, newId)
      await audit.record(tx, await callerOf(tx, person, from), {
        action: 'person.invitation-accepted',
        subject: ['person', person.id],
        before: { grants: before },
        after: { grants, invitation: row.id },
      })
      return { kind: 'accepted' }
    })
  }

  /** The link stays as it is when something is missing. */
  function requireFields(row: LinkRow, { email, name, password }: OneTimeLinkUse): string {
    if (password === undefined) throw problem('invalid-request', 'password: expected the one to sign in with.')
    if (row.kind === 'reset') return password
    if ((row.email ?? email) === undefined)
      throw problem('invalid-request', 'email: expected the address to sign in with.')
    if ((name ?? row.name) === null) throw problem('invalid-request', 'name: expected what others are to read.')
    return password
  }

  async function welcome(
    tx: Connection,
    row: LinkRow,
    input: OneTimeLinkUse & { password: string },
    from: From,
  ): Promise<LinkOutcome> {
    const now = clock.now()
    const person = {
      id: newId(),
      name: (input.name ?? row.name ?? '').trim(),
      // Whom an invitation is for has nothing to say about his address.
      email: (row.email ?? input.email ?? '').toLowerCase(),
    }
    await insertPerson(tx, {
      ...person,
      email_verified: 0,
      image: null,
      two_factor_enabled: 0,
      created_at: now,
      updated_at: now,
      signed_in_at: null,
      disabled_at: null,
    })
    const grants = await stillThere(tx, grantsOf(row))
    await replaceGrants(tx, person.id, grants, newId)
    await setPassword(tx, person.id, input.password, { id: newId(), now })
    await attempts.forget(tx, { account: person.email })
    if (row.kind === 'first-owner') await deleteFirstOwnerLinks(tx)
    await audit.record(tx, await callerOf(tx, person, from), {
      action: 'person.joined',
      subject: ['person', person.id],
      after: { name: person.name, email: person.email, grants, by: row.kind },
    })
    return { kind: 'joined', personId: person.id }
  }

  /** All sessions end: whoever had the old password may be in one. */
  async function reset(tx: Connection, row: LinkRow, password: string, from: From): Promise<LinkOutcome> {
    const person = await findPerson(tx, row.person_id ?? '')
    if (!person || person.disabled_at !== null) throw gone()
    await setPassword(tx, person.id, password, { id: newId(), now: clock.now() })
    await endSessions(tx, person.id)
    if (row.removes_second_factor === 1) await removeSecondFactors(tx, person.id)
    await deleteResetLinksFor(tx, person.id)
    await attempts.forget(tx, { account: person.email })
    await audit.record(tx, await callerOf(tx, person, from), {
      action: 'person.password-reset',
      subject: ['person', person.id],
      after: { removedSecondFactor: row.removes_second_factor === 1 },
    })
    return { kind: 'password-set' }
  }

  /** Used ones stay a while, and nothing of them works. */
  async function sweep(): Promise<void> {
    await deleteLinksBefore(db, clock.now() - DAY_MS)
  }

  return { make, makeFirstOwnerLink, look, use, sweep }
}

export function grantsOf(row: LinkRow): GrantRow[] {
  return JSON.parse(row.grants) as GrantRow[]
}

/** An app may be gone since. */
async function stillThere(tx: Connection, grants: readonly GrantRow[]): Promise<GrantRow[]> {
  const named = grants.flatMap(({ app_id: appId }) => (appId === null ? [] : [appId]))
  const apps = new Set((await listApps(tx, named)).map(({ id }) => id))
  return grants.filter(({ app_id: appId }) => appId === null || apps.has(appId))
}

/** For each place the role that may more. */
function withMore(grants: readonly GrantRow[], added: readonly GrantRow[]): GrantRow[] {
  const merged = grants.map(({ role, app_id: appId }) => {
    const roles = [role, ...added.filter((grant) => grant.app_id === appId).map((grant) => grant.role)]
    return { role: strongest(roles), app_id: appId }
  })
  return [...merged, ...added.filter(({ app_id: appId }) => !grants.some((grant) => grant.app_id === appId))]
}

function managesEverybody({ appId, permissions }: Grant): boolean {
  return appId === null && permissions.has('people:manage')
}

/** Told only where somebody has the link. */
function exists(): Error {
  return problem(
    'person-exists',
    'There is an account with this e-mail address: sign in with it in this browser, and use the link again.',
  )
}

/** One answer for all: what was once, and what never was. */
function gone(): Error {
  return problem('link-gone', 'This link was used, has expired, was withdrawn, or is not whole.')
}
