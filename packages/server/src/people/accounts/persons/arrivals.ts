import type { AuditService } from '../../audit/audit-service.ts'
import { coversGrant, grantOf } from '../../authors/actor.ts'
import type { Clock } from '../../../ground/clock.ts'
import type { Connection, Database } from '../../../ground/database/schema.ts'
import type { Browser } from '../sign-in/browser.ts'
import { callerOf } from './actor-of-person.ts'
import {
  deleteGrantsOfGroups,
  endSessions,
  endSessionsBySingleSignOn,
  findIdentity,
  findPerson,
  findPersonByEmail,
  insertIdentity,
  insertPerson,
  listGrants,
  listGrantsBySource,
  lockOwnerPersons,
  removePassword,
  removeSecondFactors,
  replaceGrants,
  type GrantRow,
  type PersonRow,
} from '../tables/person-table.ts'

/** Who came from an issuer, and what his groups give. */
export interface Arrival {
  issuer: string
  subject: string
  name: string
  email: string | undefined
  isEmailVerified: boolean
  grants: readonly GrantRow[]
}

export interface ArrivalRules {
  makesPeople: boolean
  linksPeople: boolean
}

export type ArrivalOutcome =
  | { kind: 'person'; personId: string }
  | { kind: 'refused'; reason: 'no-email' | 'email-not-verified' | 'not-a-member' | 'email-taken' | 'disabled' }

export type Arrivals = ReturnType<typeof createArrivals>

/** Persons who come from an issuer of OpenID Connect: known by its subject, which no other issuer can claim. */
export function createArrivals({
  db,
  audit,
  clock,
  newId,
}: {
  db: Database
  audit: AuditService
  clock: Clock
  newId: () => string
}) {
  /** Who that is here, with what the groups give now and not what they gave before. */
  async function receive(arrival: Arrival, rules: ArrivalRules, browser: Browser): Promise<ArrivalOutcome> {
    return db.transaction().execute(async (tx) => {
      const known = await findIdentity(tx, providerOf(arrival.issuer), arrival.subject)
      const found = known ? await findPerson(tx, known.person_id) : await introduce(tx, arrival, rules, browser)
      if (!found || typeof found === 'string') return { kind: 'refused', reason: found ?? 'not-a-member' }
      if (found.disabled_at !== null) return { kind: 'refused', reason: 'disabled' }
      const all = await setGrants(tx, found, arrival.grants, browser)
      if (all > 0) return { kind: 'person', personId: found.id }
      await endSessionsBySingleSignOn(tx, found.id)
      return { kind: 'refused', reason: 'not-a-member' }
    })
  }

  /** Somebody of the issuer who was not here before: who is he, or why is he nobody? */
  async function introduce(tx: Connection, arrival: Arrival, rules: ArrivalRules, browser: Browser) {
    if (arrival.email === undefined) return 'no-email' as const
    // Anybody can write somebody else's address into a profile.
    if (!arrival.isEmailVerified) return 'email-not-verified' as const
    const email = arrival.email.toLowerCase()
    const namesake = await findPersonByEmail(tx, email)
    if (namesake && !rules.linksPeople) return 'email-taken' as const
    if (!namesake && (!rules.makesPeople || arrival.grants.length === 0)) return 'not-a-member' as const
    const person = namesake ?? (await make(tx, arrival.name, email))
    const endsOtherWays = namesake !== undefined && (await gains(tx, namesake, arrival.grants))
    if (endsOtherWays) await endOtherWays(tx, person.id)
    const now = clock.now()
    await insertIdentity(tx, {
      id: newId(),
      person_id: person.id,
      provider_id: providerOf(arrival.issuer),
      account_id: arrival.subject,
      created_at: now,
      updated_at: now,
    })
    await audit.record(tx, await callerOf(tx, person, browser), {
      action: namesake ? 'person.linked' : 'person.joined',
      subject: ['person', person.id],
      after: { email, issuer: arrival.issuer, subject: arrival.subject, ...(endsOtherWays && { endsOtherWays }) },
    })
    return person
  }

  /** Whether the groups give what the account did not have. */
  async function gains(tx: Connection, { id }: PersonRow, given: readonly GrantRow[]): Promise<boolean> {
    const own = (await listGrants(tx, [id])).map(({ role, app_id: appId }) => grantOf(role, appId))
    return !given.every(({ role, app_id: appId }) => coversGrant(own, grantOf(role, appId)))
  }

  /**
   * Nobody has shown so far that the account is of who has the address: somebody who may invite people, and may less than
   * the groups give, could have made it for himself.
   */
  async function endOtherWays(tx: Connection, personId: string): Promise<void> {
    await removePassword(tx, personId)
    await removeSecondFactors(tx, personId)
    await endSessions(tx, personId)
  }

  async function make(tx: Connection, name: string, email: string): Promise<PersonRow> {
    const now = clock.now()
    const person: PersonRow = {
      id: newId(),
      name,
      email,
      email_verified: 1,
      image: null,
      two_factor_enabled: 0,
      created_at: now,
      updated_at: now,
      signed_in_at: null,
      disabled_at: null,
    }
    await insertPerson(tx, person)
    return person
  }

  /** How many the person has then, with those that people gave. */
  async function setGrants(tx: Connection, person: PersonRow, grants: readonly GrantRow[], browser: Browser) {
    await lockOwnerPersons(tx)
    const before = await listGrantsBySource(tx, person.id, 'single-sign-on')
    const byPeople = await listGrantsBySource(tx, person.id, 'people')
    if (!areSame(before, grants)) {
      await replaceGrants(tx, person.id, grants, newId, 'single-sign-on')
      await audit.record(tx, await callerOf(tx, person, browser), {
        action: 'person.groups-changed',
        subject: ['person', person.id],
        before: { grants: before.map(described) },
        after: { grants: grants.map(described) },
      })
    }
    return grants.length + byPeople.length
  }

  /** Of all who came so: their sessions, and what their groups gave if the issuer is no more. */
  async function endAll(tx: Connection, { takesGrants }: { takesGrants: boolean }): Promise<void> {
    await lockOwnerPersons(tx)
    await endSessionsBySingleSignOn(tx)
    if (takesGrants) await deleteGrantsOfGroups(tx)
  }

  return { receive, endAll }
}

/** The same subject of another issuer is somebody else. */
function providerOf(issuer: string): string {
  return `openid-connect ${issuer}`
}

function areSame(some: readonly GrantRow[], others: readonly GrantRow[]): boolean {
  const texts = (grants: readonly GrantRow[]) => grants.map((grant) => JSON.stringify(described(grant))).sort()
  return JSON.stringify(texts(some)) === JSON.stringify(texts(others))
}

function described({ role, app_id: appId }: GrantRow) {
  return { role, appId }
}
