import { problem } from '@hotpatch/protocol'
import { DAY_MS, type Clock } from '../../ground/clock.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { requireCovers, type Grant } from '../authors/actor.ts'
import { nameOf, type Caller } from '../authors/author.ts'
import { grantColumns } from '../authors/read-grant.ts'
import {
  deleteTokensOfJobs,
  findIdentityTokensSince,
  findToken,
  insertToken,
  lockWorkingToken,
} from './access-store.ts'
import { hashSecret, newSecret } from './secrets.ts'

/** How long after its end a token is still known by its name; the audit log knows it for ever. */
const RETENTION_MS = 30 * DAY_MS

/** A token that was made a moment ago, with its secret. */
export interface DerivedToken {
  id: string
  token: string
  expiresAt: number
}

export type DerivedTokens = ReturnType<typeof createDerivedTokens>

/**
 * Tokens that the server makes for a rule that somebody made. The rule has a token of its own, whose secret nobody knows:
 * it ends with whoever made it as any token does, and all that were made with it end with it.
 */
export function createDerivedTokens({ db, clock, newId }: { db: Database; clock: Clock; newId: () => string }) {
  /**
   * The rule's own. Nobody grants more than he has, nor for longer.
   * @throws problem forbidden or token-invalid
   */
  async function makeOwn(
    tx: Connection,
    { name, grant, trustRuleId }: { name: string; grant: Grant; trustRuleId: string },
    author: Caller,
  ): Promise<string> {
    const { actor } = author
    requireCovers(actor, grant)
    const isToken = actor.kind === 'token'
    // Else a token that is being revoked could leave the rule behind.
    if (isToken && !(await lockWorkingToken(tx, actor.id))) throw problem('token-invalid', 'This token was revoked.')
    const id = newId()
    const maker = isToken ? await findToken(tx, actor.id) : undefined
    await insertToken(tx, {
      id,
      name,
      ...grantColumns(grant),
      // What works from some addresses only makes nothing that works from others.
      allowed_addresses: maker?.allowed_addresses ?? null,
      token_hash: hashSecret(newSecret('hpt')),
      created_at: clock.now(),
      created_by: nameOf(author),
      parent_id: isToken ? actor.id : null,
      person_id: actor.personId,
      trust_rule_id: trustRuleId,
      expires_at: isToken ? actor.expiresAt : null,
      last_used_at: null,
      revoked_at: null,
    })
    return id
  }

  /**
   * With what the rule's own has, for a while.
   * @returns undefined when that does not work any more
   */
  async function makeFrom(
    tx: Connection,
    ownId: string,
    { name, lifetimeMs }: { name: string; lifetimeMs: number },
  ): Promise<DerivedToken | undefined> {
    const now = clock.now()
    if (!(await lockWorkingToken(tx, ownId))) return undefined
    const own = await findToken(tx, ownId)
    if (!own || (own.expires_at !== null && own.expires_at <= now)) return undefined
    const token = newSecret('hpt')
    const expiresAt = Math.min(now + lifetimeMs, own.expires_at ?? Infinity)
    const id = newId()
    await insertToken(tx, {
      ...own,
      id,
      name,
      token_hash: hashSecret(token),
      created_at: now,
      created_by: own.name,
      parent_id: own.id,
      expires_at: expiresAt,
      last_used_at: null,
      revoked_at: null,
    })
    return { id, token, expiresAt }
  }

  /** Of what an issuer has signed: everybody was signed out since. */
  async function isOfBefore(connection: Connection, issuedAt: number): Promise<boolean> {
    return issuedAt < (await findIdentityTokensSince(connection))
  }

  /** One for each job: there would be more and more. */
  async function sweep(): Promise<void> {
    await deleteTokensOfJobs(db, clock.now() - RETENTION_MS)
  }

  return { makeOwn, makeFrom, isOfBefore, sweep }
}
