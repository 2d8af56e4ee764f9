import {
  RESERVED_CLAIMS,
  type NewTrustRule,
  type Page,
  type TrustExplanation,
  type TrustRule,
  type TrustRuleChanges,
} from '@hotpatch/api'
import { Problem, problem } from '@hotpatch/protocol'
import { MINUTE_MS, type Clock } from '../../ground/clock.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { pageFromRows, type PageRequest } from '../../ground/http/paging.ts'
import type { AccessService } from '../access/access-service.ts'
import type { DerivedTokens } from '../access/derived-tokens.ts'
import type { AuditService } from '../audit/audit-service.ts'
import { appsOf, requireCovers, type Actor } from '../authors/actor.ts'
import { nameOf, type Caller } from '../authors/author.ts'
import { grantColumns, readGrant, storedGrant } from '../authors/read-grant.ts'
import type { Issuers } from '../issuers/issuers.ts'
import { readClaimed, verifyIdentityToken } from '../issuers/verify-identity-token.ts'
import { requireNamesSomebody } from './shared-issuers.ts'
import { changedRule, isToBeMadeAnew } from './changed-rule.ts'
import { differencesOf, renderRule, shownClaims } from './trust-rule.ts'
import {
  countRules,
  deleteRule,
  findRule,
  findRuleByName,
  insertRule,
  listRules,
  listRulesOf,
  lockRule,
  updateRule,
  type TrustRuleRow,
} from './trust-store.ts'

const MAX_RULES = 500
const MAX_STARS = 10
const DEFAULT_LIFETIME_MINUTES = 15

export type TrustRuleService = ReturnType<typeof createTrustRuleService>

/** The rules by which CI jobs get tokens, and what people want to know of them. */
export function createTrustRuleService({
  db,
  audit,
  access,
  derivedTokens,
  issuers,
  requireMayChange,
  clock,
  newId,
}: {
  db: Database
  audit: AuditService
  access: AccessService
  derivedTokens: DerivedTokens
  issuers: Issuers
  /** Also by what stands lower than this and goes by rules. @throws problem channel-protected */
  requireMayChange: (tx: Connection, ruleId: string, author: Caller) => Promise<void>
  clock: Clock
  newId: () => string
}) {
  /** @param ofApps null: those for every app, too */
  async function list(page: PageRequest, ofApps: readonly string[] | null): Promise<Page<TrustRule>> {
    const now = clock.now()
    return pageFromRows(await listRules(db, page, ofApps), page, (row) => renderRule(row, now))
  }

  /** @throws problem trust-rule-not-found, also for what is another app's */
  async function get(id: string, actor: Actor, connection: Connection = db): Promise<TrustRuleRow> {
    const row = await findRule(connection, id)
    if (row && isOf(row, actor)) return row
    throw problem('trust-rule-not-found', `No trust rule has the id ${id}.`)
  }

  /** Whoever mistypes it should hear of it now, and not when a job fails. */
  async function describeIssuer(issuer: string): Promise<void> {
    await issuers.describe(issuer)
  }

  async function create(input: NewTrustRule, appId: string | null, author: Caller): Promise<TrustRule> {
    requireSayable(input)
    requireNamesSomebody(input.issuer, input.conditions)
    const grant = readGrant({ role: input.role, appId, channels: input.channels, permissions: input.permissions })
    await describeIssuer(input.issuer)
    const id = newId()
    const now = clock.now()
    return db.transaction().execute(async (tx) => {
      if ((await countRules(tx)) >= MAX_RULES) {
        throw problem('too-many-trust-rules', `There are ${MAX_RULES} trust rules already.`)
      }
      if (await findRuleByName(tx, input.name)) throw nameTaken(input.name)
      const tokenId = await derivedTokens.makeOwn(tx, { name: input.name, grant, trustRuleId: id }, author)
      await insertRule(tx, {
        id,
        name: input.name,
        issuer: input.issuer,
        audience: input.audience,
        conditions: JSON.stringify(input.conditions),
        lifetime_ms: (input.lifetimeMinutes ?? DEFAULT_LIFETIME_MINUTES) * MINUTE_MS,
        token_id: tokenId,
        created_at: now,
        created_by: nameOf(author),
        last_used_at: null,
      })
      const created = renderRule(await get(id, author.actor, tx), now)
      await audit.record(tx, author, {
        action: 'trust-rule.created',
        subject: ['trust-rule', id],
        appId,
        after: created,
      })
      return created
    })
  }

  /**
   * By the rules for making one. If it says otherwise than before who may what, it is as if its author had made it anew,
   * and stands behind it: what jobs have got by what it said before, ends.
   * @param appId undefined: as it is
   */
  async function change(
    id: string,
    changes: TrustRuleChanges,
    appId: string | null | undefined,
    author: Caller,
  ): Promise<TrustRule> {
    if (author.actor.trustRuleId === id) {
      throw problem('forbidden', 'A job does not change the rule by which it was let in.')
    }
    const seen = await get(id, author.actor)
    // Not in the transaction, which would wait for somebody else's server.
    if (changes.issuer !== undefined && changes.issuer !== seen.issuer) await describeIssuer(changes.issuer)
    return db.transaction().execute(async (tx) => {
      await lockRule(tx, id)
      const row = await get(id, author.actor, tx)
      await requireMayChange(tx, id, author)
      requireCovers(author.actor, storedGrant(row))
      const wanted = changedRule(row, changes, appId)
      requireSayable(wanted)
      requireNamesSomebody(wanted.issuer, wanted.conditions)
      const namesake = await findRuleByName(tx, wanted.name)
      if (namesake && namesake.id !== id) throw nameTaken(wanted.name)
      const { name, issuer, audience, lifetimeMinutes } = wanted
      const conditions = JSON.stringify(wanted.conditions)
      const columns = { name, issuer, audience, conditions, lifetime_ms: lifetimeMinutes * MINUTE_MS }
      await updateRule(tx, id, columns)
      const grant = readGrant(wanted)
      if (isToBeMadeAnew(row, { ...row, ...columns, ...grantColumns(grant) }, clock.now())) {
        const tokenId = await derivedTokens.makeOwn(tx, { name, grant, trustRuleId: id }, author)
        await updateRule(tx, id, { token_id: tokenId })
        await access.endWith(tx, row.token_id, author)
      }
      const [before, after] = [renderRule(row, clock.now()), renderRule(await get(id, author.actor, tx), clock.now())]
      await audit.record(tx, author, {
        action: 'trust-rule.changed',
        subject: ['trust-rule', id],
        appId: after.appId,
        before,
        after,
      })
      return after
    })
  }

  /** With all tokens that jobs have got by it. */
  async function remove(id: string, author: Caller): Promise<TrustRule> {
    const row = await get(id, author.actor)
    // First, so that what stops in between leaves a rule that lets nobody in.
    await access.revoke(row.token_id, author)
    return db.transaction().execute(async (tx) => {
      const removed = renderRule(row, clock.now())
      await deleteRule(tx, id)
      await audit.record(tx, author, {
        action: 'trust-rule.removed',
        subject: ['trust-rule', id],
        appId: row.app_id,
        before: removed,
      })
      return removed
    })
  }

  /** Why a token would be let in or not, by the rules that the asker may see; it can be exchanged afterwards. */
  async function explain(token: string, actor: Actor): Promise<TrustExplanation> {
    const said = { issuer: '', audience: '', claims: {}, rules: [] }
    const claimed = await refusalOr(() => readClaimed(token))
    if (typeof claimed === 'string') return { ...said, refusal: claimed }
    const { issuer, audience } = claimed
    const rules = (await listRulesOf(db, issuer)).filter((rule) => isOf(rule, actor))
    // Nobody's issuer is asked because somebody has put its name into a token.
    if (rules.length === 0) return { ...said, issuer, audience, refusal: 'None of your trust rules names this issuer.' }
    const verified = await refusalOr(() => verifyIdentityToken(token, claimed, { issuers, clock }))
    if (typeof verified === 'string') return { ...said, issuer, audience, refusal: verified }
    const compared = rules.map((rule) => {
      const differences = differencesOf(rule, verified)
      return { id: rule.id, name: rule.name, fits: differences.length === 0, differences }
    })
    return { issuer, audience, refusal: null, claims: shownClaims(verified.claims), rules: compared }
  }

  return { list, create, change, remove, explain }
}

/** What is amiss with the token, or with its issuer, is the answer here. */
async function refusalOr<Value>(read: () => Value | Promise<Value>): Promise<Value | string> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof Problem) return error.message
    throw error
  }
}

function isOf({ app_id: appId }: TrustRuleRow, actor: Actor): boolean {
  const apps = appsOf(actor)
  return apps === null || (appId !== null && apps.includes(appId))
}

function nameTaken(name: string): Error {
  return problem('trust-rule-exists', `There is a trust rule with the name "${name}".`)
}

function requireSayable({ issuer, conditions }: Pick<NewTrustRule, 'issuer' | 'conditions'>): void {
  if (!URL.canParse(issuer) || /[?#]/.test(issuer)) {
    throw problem('invalid-request', `issuer: expected an address such as https://gitlab.com, found "${issuer}".`)
  }
  for (const { claim, matches } of conditions) {
    if (RESERVED_CLAIMS.some((reserved) => reserved === claim)) {
      throw problem(
        'invalid-request',
        `conditions: ${claim} is not for conditions; the rule has an issuer and an audience.`,
      )
    }
    if (matches.split('*').length - 1 > MAX_STARS) {
      throw problem('invalid-request', `conditions: expected at most ${MAX_STARS} "*" for ${claim}, found more.`)
    }
  }
}
