import type {
  CreatedInvitation,
  CreatedResetLink,
  HeldGrant,
  Invitation,
  NewInvitation,
  NewPersonGrant,
  NewResetLink,
  Page,
  Person,
  PersonChanges,
} from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { AuditService } from '../../audit/audit-service.ts'
import { appsOf, coversGrant, grantOf, narrowTo, requireCovers, type Actor, type Grant } from '../../authors/actor.ts'
import type { Caller } from '../../authors/author.ts'
import { DAY_MS, MINUTE_MS, nullableTimestamp, timestamp, type Clock } from '../../../ground/clock.ts'
import type { Connection, Database } from '../../../ground/database/schema.ts'
import { pageFromRows, type PageRequest } from '../../../ground/http/paging.ts'
import {
  countOpenInvitations,
  countOpenInvitationsBy,
  countOpenInvitationsFor,
  deleteLink,
  deleteLinksBy,
  deleteResetLinksFor,
  findOpenInvitation,
  listInvitationsFor,
  listOpenInvitations,
  type LinkRow,
} from '../tables/one-time-link-table.ts'
import { grantsOf, type OneTimeLinks } from '../links/one-time-links.ts'
import { actorOfPerson } from './actor-of-person.ts'
import { doerOf, type Standings } from './standings.ts'
import {
  countOwnerPersons,
  countPasskeys,
  deletePerson,
  endSessions,
  findPerson,
  findPersonByEmail,
  listGrants,
  listGrantsBySource,
  listMethods,
  listPersons,
  lockOwnerPersons,
  replaceGrants,
  signsInElsewhere,
  updatePerson,
  type GrantRow,
  type GrantSource,
  type PersonRow,
} from '../tables/person-table.ts'

const INVITATION_MS = 7 * DAY_MS
/**
 * Invitations that wait at the same time. Nobody fills them for the others: who may for one app makes people who may for
 * it, too, so that an app has a bound of its own; and owners are held by nothing but what they have made themselves.
 */
const MAX_INVITATIONS = { inAll: 1000, byOne: 100, forApp: 200, byOneOwner: 1000 } as const

/** The id of an app that a grant names, which its author may see. */
export type FindAppId = (idOrSlug: string) => Promise<string>
/** Ends every token that the person made; or keeps them for whoever is the author. */
export type EndTokensOf = (tx: Connection, personId: string, author: Caller) => Promise<void>

export type PersonService = ReturnType<typeof createPersonService>

/** Who is here, and what they may do: nobody gives or touches more than he has himself. */
export function createPersonService({
  db,
  links,
  standings,
  endTokensOf,
  keepTokensOf,
  audit,
  clock,
  newId,
}: {
  db: Database
  links: OneTimeLinks
  standings: Standings
  endTokensOf: EndTokensOf
  keepTokensOf: EndTokensOf
  audit: AuditService
  clock: Clock
  newId: () => string
}) {
  async function list(text: string, page: PageRequest, actor: Actor): Promise<Page<Person>> {
    const rows = await listPersons(db, appsOf(actor), text.trim(), page)
    const render = await renderers(rows.map(({ id }) => id))
    return pageFromRows(rows, page, render)
  }

  async function get(id: string, actor: Actor): Promise<Person> {
    return render((await getVisible(id, actor)).row)
  }

  /** @throws problem person-not-found also of somebody who is of other apps only */
  async function getVisible(id: string, actor: Actor, connection: Connection = db) {
    const row = await findPerson(connection, id)
    const grants = row ? await listGrants(connection, [id]) : []
    if (!row || !isPersonSeenBy(actor, grants)) throw problem('person-not-found', `No person has the id ${id}.`)
    return { row, grants }
  }

  /** What a person may do now; undefined of one who is gone or disabled. */
  async function findGrants(id: string): Promise<readonly Grant[] | undefined> {
    const row = await findPerson(db, id)
    if (!row || row.disabled_at !== null) return undefined
    return actorOfPerson(row, await listGrants(db, [id])).grants
  }

  /**
   * With what the author may do to people now: he may have lost it while the request arrived. Whoever is an owner stays
   * one until the transaction ends.
   * @param deed whether it gives something that stays: then a token that is for a time or for some addresses would leave
   *   behind what is neither
   * @throws problem forbidden
   */
  async function acting(tx: Connection, author: Caller, deed: 'gives' | 'takes'): Promise<Caller> {
    await lockOwnerPersons(tx)
    const standing = await standings.find(tx, doerOf(author.actor))
    const actor = standing && narrowTo({ ...author.actor, grants: standing.grants }, 'people:manage')
    if (!actor) throw problem('forbidden', 'You may not manage people any more.')
    if (standing.isBound && deed === 'gives') {
      const detail =
        'This token is for a time or for some addresses only, and what people get is for neither: sign in, or use another token.'
      throw problem('forbidden', detail)
    }
    return { ...author, actor }
  }

  async function change(id: string, input: PersonChanges, findAppId: FindAppId, caller: Caller): Promise<Person> {
    const wished = input.grants && (await readGrants(input.grants, findAppId))
    const { name, email, disabled } = input
    const changed = await db.transaction().execute(async (tx) => {
      const author = await acting(
        tx,
        caller,
        input.disabled === true && !wished && email === undefined ? 'takes' : 'gives',
      )
      const found = await getVisible(id, author.actor, tx)
      const hadOwner = await hasOwner(tx)
      // Whoever may write another address may make himself the person.
      if (name !== undefined || email !== undefined || disabled !== undefined) {
        requireMayTouch(author.actor, found.grants)
      }
      if (name !== undefined) await updatePerson(tx, id, { name: name.trim(), updated_at: clock.now() })
      if (email !== undefined) await setEmail(tx, id, email.toLowerCase(), author.actor)
      // What groups give is not people's to give, nor to take: it is there again at the next sign-in.
      const ofGroups = await listGrantsBySource(tx, id, 'single-sign-on')
      const grants = wished && without(wished, ofGroups)
      const old = without(found.grants, ofGroups)
      if (grants) await setGrants(tx, { row: found.row, grants: old }, grants, author)
      if (disabled !== undefined) await setDisabled(tx, found.row, disabled, author)
      if (hadOwner) await requireOwner(tx)
      const row = (await findPerson(tx, id)) ?? found.row
      await audit.record(tx, author, {
        action: 'person.changed',
        subject: ['person', id],
        before: described(found.row, found.grants),
        after: described(row, grants ? [...grants, ...ofGroups] : found.grants),
      })
      return row
    })
    return render(changed)
  }

  /** It is of the account, and not of an app; and whether another has it already is not for everybody to know. */
  async function setEmail(tx: Connection, id: string, email: string, actor: Actor): Promise<void> {
    if (appsOf(actor) !== null) {
      throw problem('forbidden', 'The e-mail address is changed by whoever manages people of every app.')
    }
    const other = await findPersonByEmail(tx, email)
    if (other && other.id !== id) throw problem('person-exists', `${email} is somebody else's address here.`)
    await updatePerson(tx, id, { email, updated_at: clock.now() })
  }

  async function setGrants(
    tx: Connection,
    { row, grants: old }: { row: PersonRow; grants: readonly GrantRow[] },
    grants: readonly GrantRow[],
    { actor }: Caller,
  ): Promise<void> {
    // What stays as it is need not be his to give.
    for (const grant of [...without(grants, old), ...without(old, grants)]) requireCovers(actor, asGrant(grant))
    await replaceGrants(tx, row.id, grants, newId)
    // What was given out with rights that are gone.
    if (without(old, grants).length > 0) await deleteLinksBy(tx, row.id)
  }

  /** Everything of a disabled person ends at once. What is enabled again begins anew. */
  async function setDisabled(
    tx: Connection,
    { id, disabled_at: since }: PersonRow,
    isDisabled: boolean,
    author: Caller,
  ) {
    if (isDisabled && id === author.actor.personId) throw notOneself()
    if (!isDisabled) return updatePerson(tx, id, { disabled_at: null, updated_at: clock.now() })
    await updatePerson(tx, id, { disabled_at: since ?? clock.now(), updated_at: clock.now() })
    await endAll(tx, id)
    await endTokensOf(tx, id, author)
  }

  async function endAll(tx: Connection, id: string): Promise<void> {
    await endSessions(tx, id)
    await deleteLinksBy(tx, id)
    await deleteResetLinksFor(tx, id)
  }

  async function remove(id: string, { keepTokens = false }: { keepTokens?: boolean }, caller: Caller): Promise<void> {
    if (id === caller.actor.personId) throw notOneself()
    await db.transaction().execute(async (tx) => {
      const author = await acting(tx, caller, keepTokens ? 'gives' : 'takes')
      const { row, grants } = await getVisible(id, author.actor, tx)
      const hadOwner = await hasOwner(tx)
      requireMayTouch(author.actor, grants)
      await endAll(tx, id)
      await (keepTokens ? keepTokensOf : endTokensOf)(tx, id, author)
      await deletePerson(tx, id)
      if (hadOwner) await requireOwner(tx)
      await audit.record(tx, author, {
        action: 'person.removed',
        subject: ['person', id],
        before: described(row, grants),
        after: { keptTokens: keepTokens },
      })
    })
  }

  async function makeResetLink(
    id: string,
    { minutes = 60, removesSecondFactor = false }: NewResetLink,
    caller: Caller,
    publicUrl: string,
  ): Promise<CreatedResetLink> {
    return db.transaction().execute(async (tx) => {
      const author = await acting(tx, caller, 'gives')
      const { row, grants } = await getVisible(id, author.actor, tx)
      // Whoever has the link is the person.
      requireMayTouch(author.actor, grants)
      if (row.disabled_at !== null) throw problem('forbidden', 'This person is disabled: enable the account first.')
      if (appsOf(author.actor) !== null && (await signsInElsewhere(tx, id))) {
        const detail =
          'This person signs in by single sign-on, beside which somebody for one app makes no other way in: ask whoever manages people of every app.'
        throw problem('forbidden', detail)
      }
      await deleteResetLinksFor(tx, id)
      const made = await links.make(tx, {
        kind: 'reset',
        lifetimeMs: minutes * MINUTE_MS,
        personId: id,
        removesSecondFactor,
        ...by(author),
      })
      await audit.record(tx, author, {
        action: 'person.reset-link-made',
        subject: ['person', id],
        after: { removesSecondFactor, expiresAt: timestamp(made.row.expires_at) },
      })
      return { link: `${publicUrl}/dashboard/reset#${made.secret}`, expiresAt: timestamp(made.row.expires_at) }
    })
  }

  async function signOut(id: string, caller: Caller): Promise<void> {
    await db.transaction().execute(async (tx) => {
      const author = await acting(tx, caller, 'takes')
      const { grants } = await getVisible(id, author.actor, tx)
      requireMayTouch(author.actor, grants)
      await endSessions(tx, id)
      await audit.record(tx, author, { action: 'person.signed-out', subject: ['person', id] })
    })
  }

  async function invite(
    input: NewInvitation,
    findAppId: FindAppId,
    caller: Caller,
    publicUrl: string,
  ): Promise<CreatedInvitation> {
    const email = input.email.toLowerCase()
    const grants = await readGrants(input.grants, findAppId)
    return db.transaction().execute(async (tx) => {
      const author = await acting(tx, caller, 'gives')
      for (const grant of grants) requireCovers(author.actor, asGrant(grant))
      await requireNotSeen(tx, email, author.actor)
      await withdrawEarlier(tx, email, author.actor)
      await requireRoom(tx, grants, author.actor)
      const { secret, row } = await links.make(tx, {
        kind: 'invitation',
        lifetimeMs: INVITATION_MS,
        email,
        name: input.name?.trim() ?? null,
        grants,
        ...by(author),
      })
      await audit.record(tx, author, {
        action: 'person.invited',
        subject: ['invitation', row.id],
        after: { email, grants },
      })
      return { ...renderInvitation(row), link: `${publicUrl}/dashboard/invitation#${secret}` }
    })
  }

  /**
   * Of whom the author sees he is told. Of others he is told nothing, and an invitation is made: whether the address has
   * an account, who has it finds out when he takes what is given to him.
   */
  async function requireNotSeen(tx: Connection, email: string, actor: Actor): Promise<void> {
    const known = await findPersonByEmail(tx, email)
    if (!known || !isPersonSeenBy(actor, await listGrants(tx, [known.id]))) return
    throw problem('person-exists', `${email} is here already: change what this person may do.`)
  }

  /** @throws problem too-many-invitations */
  async function requireRoom(tx: Connection, grants: readonly GrantRow[], actor: Actor): Promise<void> {
    const now = clock.now()
    const isOwner = coversGrant(actor.grants, grantOf('owner'))
    const mine = await countOpenInvitationsBy(tx, doerOf(actor), now)
    if (isOwner) return requireFewer(mine, MAX_INVITATIONS.byOneOwner, 'of yours')
    requireFewer(mine, MAX_INVITATIONS.byOne, 'of yours')
    for (const { app_id: appId } of grants) {
      if (appId === null) continue
      requireFewer(await countOpenInvitationsFor(tx, appId, now), MAX_INVITATIONS.forApp, 'for this app')
    }
    requireFewer(await countOpenInvitations(tx, now), MAX_INVITATIONS.inAll, 'in all')
  }

  /** The newest counts; but what gives more is not for him to end. */
  async function withdrawEarlier(tx: Connection, email: string, actor: Actor): Promise<void> {
    for (const row of await listInvitationsFor(tx, email)) {
      if (mayTouch(actor, grantsOf(row))) await deleteLink(tx, row.id)
    }
  }

  async function listInvitations(page: PageRequest, actor: Actor): Promise<Page<Invitation>> {
    const rows = await listOpenInvitations(db, clock.now(), page)
    const { items, nextCursor } = pageFromRows(rows, page, (row) => row)
    return { items: items.filter((row) => isSeenBy(actor, row)).map(renderInvitation), nextCursor }
  }

  async function withdraw(id: string, caller: Caller): Promise<void> {
    await db.transaction().execute(async (tx) => {
      const author = await acting(tx, caller, 'takes')
      const row = await findOpenInvitation(tx, id, clock.now())
      if (!row || !isSeenBy(author.actor, row)) {
        throw problem('invitation-not-found', `No invitation that waits has the id ${id}.`)
      }
      requireMayTouch(author.actor, grantsOf(row))
      await deleteLink(tx, id)
      await audit.record(tx, author, {
        action: 'person.invitation-withdrawn',
        subject: ['invitation', id],
        before: { email: row.email, grants: grantsOf(row) },
      })
    })
  }

  /** Of no app that is not there or not the author's, and one role for each place. */
  async function readGrants(input: readonly NewPersonGrant[], findAppId: FindAppId): Promise<GrantRow[]> {
    const grants: GrantRow[] = []
    for (const { role, app } of input) {
      const appId = app === undefined ? null : await findAppId(app)
      if (grants.some((grant) => grant.app_id === appId)) {
        throw problem('invalid-request', `grants: expected one role for ${app ?? 'every app'}, found two.`)
      }
      grants.push({ role, app_id: appId })
    }
    return grants
  }

  async function hasOwner(tx: Connection): Promise<boolean> {
    return (await countOwnerPersons(tx)).count > 0
  }

  /** Whoever is the last stays. Before there is one, tokens of owners may change people alone. */
  async function requireOwner(tx: Connection): Promise<void> {
    if (await hasOwner(tx)) return
    throw problem('last-owner', 'Nobody who can sign in would own this server any more.')
  }

  async function render(row: PersonRow): Promise<Person> {
    return (await renderers([row.id]))(row)
  }

  async function renderers(ids: readonly string[]) {
    const [grants, methods, passkeys] = [
      await listGrants(db, ids),
      await listMethods(db, ids),
      await countPasskeys(db, ids),
    ]
    return (row: PersonRow): Person => {
      const own = methods.filter(({ person_id: of }) => of === row.id).map(({ provider_id: by }) => by)
      return {
        id: row.id,
        name: row.name,
        email: row.email,
        grants: grants.filter(({ person_id: of }) => of === row.id).map(renderHeldGrant),
        createdAt: timestamp(row.created_at),
        signedInAt: nullableTimestamp(row.signed_in_at),
        disabledAt: nullableTimestamp(row.disabled_at),
        hasPassword: own.includes('credential'),
        hasTotp: row.two_factor_enabled === 1,
        passkeys: passkeys.find(({ person_id: of }) => of === row.id)?.count ?? 0,
        signsInElsewhere: own.some((by) => by !== 'credential'),
      }
    }
  }

  return {
    list,
    get,
    getVisible,
    findGrants,
    change,
    remove,
    makeResetLink,
    signOut,
    invite,
    listInvitations,
    withdraw,
    render,
  }
}

function by({ actor }: Caller) {
  return { createdBy: actor.name, doer: doerOf(actor) }
}

function asGrant({ role, app_id: appId }: GrantRow) {
  return grantOf(role, appId)
}

/** @throws problem forbidden when somebody may more than he who would touch him */
function requireMayTouch(actor: Actor, grants: readonly GrantRow[]): void {
  for (const grant of grants) requireCovers(actor, asGrant(grant))
}

function mayTouch({ grants: own }: Actor, grants: readonly GrantRow[]): boolean {
  return grants.every((grant) => coversGrant(own, asGrant(grant)))
}

function without(some: readonly GrantRow[], others: readonly GrantRow[]): GrantRow[] {
  return some.filter(
    ({ role, app_id: appId }) => !others.some((other) => other.role === role && other.app_id === appId),
  )
}

function isSeenBy(actor: Actor, row: LinkRow): boolean {
  return isPersonSeenBy(actor, grantsOf(row))
}

/** Whoever is for some apps sees whom something is given for one of these. */
function isPersonSeenBy(actor: Actor, grants: readonly GrantRow[]): boolean {
  const apps = appsOf(actor)
  return apps === null || grants.some(({ app_id: appId }) => appId !== null && apps.includes(appId))
}

function requireFewer(waiting: number, limit: number, which: string): void {
  if (waiting < limit) return
  throw problem('too-many-invitations', `${limit} invitations ${which} wait already: withdraw some that nobody needs.`)
}

function notOneself(): Error {
  return problem('forbidden', 'Nobody ends his own account: somebody else has to.')
}

function described({ name, email, disabled_at: disabledAt }: PersonRow, grants: readonly GrantRow[]) {
  return { name, email, disabledAt: nullableTimestamp(disabledAt), grants: grants.map(renderGrant) }
}

function renderGrant({ role, app_id: appId }: GrantRow) {
  return { role, appId }
}

function renderHeldGrant({ source, ...grant }: GrantRow & { source: GrantSource }): HeldGrant {
  return { ...renderGrant(grant), source }
}

function renderInvitation(row: LinkRow): Invitation {
  return {
    id: row.id,
    email: row.email ?? '',
    name: row.name,
    grants: grantsOf(row).map(renderGrant),
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    expiresAt: timestamp(row.expires_at),
  }
}
