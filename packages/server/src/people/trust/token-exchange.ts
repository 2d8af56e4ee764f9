import { createHash } from 'node:crypto'
import { seenOfName, type ExchangedToken, type TokenExchange } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { FastifyBaseLogger } from 'fastify'
import { SECOND_MS, timestamp, type Clock } from '../../ground/clock.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { DerivedTokens } from '../access/derived-tokens.ts'
import type { AuditService } from '../audit/audit-service.ts'
import type { Caller } from '../authors/author.ts'
import type { Issuers } from '../issuers/issuers.ts'
import { readClaimed, verifyIdentityToken, type VerifiedToken } from '../issuers/verify-identity-token.ts'
import { differencesOf, readConditions, shownClaims } from './trust-rule.ts'
import {
  deleteExpiredIdentityTokens,
  listRulesOf,
  touchRule,
  useIdentityToken,
  type TrustRuleRow,
} from './trust-store.ts'

/** What of a job's token is kept in the audit log beside what the rule asks for: GitHub's and GitLab's words for who, what and where. */
const TOLD_CLAIMS = [
  'sub',
  'jti',
  'repository',
  'repository_id',
  'workflow_ref',
  'sha',
  'ref',
  'run_id',
  'run_attempt',
  'actor',
  'environment',
  'project_path',
  'project_id',
  'pipeline_id',
  'job_id',
  'user_login',
]
const MAX_NAME = 200

export type TokenExchangeService = ReturnType<typeof createTokenExchangeService>

/** Gives whoever has a token that a rule wants a short-lived one of ours (RFC 8693). */
export function createTokenExchangeService({
  db,
  audit,
  derivedTokens,
  issuers,
  clock,
  log,
}: {
  db: Database
  audit: AuditService
  derivedTokens: DerivedTokens
  issuers: Issuers
  clock: Clock
  log: Pick<FastifyBaseLogger, 'info'>
}) {
  /** @throws problem identity-token-invalid, identity-token-used, trust-rule-unmatched or trust-rule-ambiguous */
  async function exchange(
    { subject_token: token, rule: named }: TokenExchange,
    from: Pick<Caller, 'address' | 'requestId'>,
  ): Promise<ExchangedToken> {
    const claimed = readClaimed(token)
    const rules = (await listRulesOf(db, claimed.issuer)).filter(
      ({ id, name }) => named === undefined || named === id || named === name,
    )
    // Only issuers of rules are asked, and only about tokens that are for this server.
    if (!rules.some(({ audience }) => audience === claimed.audience)) throw unmatched(claimed.issuer, claimed.audience)
    const verified = await verifyIdentityToken(token, claimed, { issuers, clock })
    const rule = choose(rules, verified)
    return db.transaction().execute((tx) => give(tx, rule, token, verified, from))
  }

  function choose(rules: readonly TrustRuleRow[], verified: VerifiedToken): TrustRuleRow {
    const compared = rules.map((rule) => ({ rule, differences: differencesOf(rule, verified) }))
    const fitting = compared.filter(({ differences }) => differences.length === 0).map(({ rule }) => rule)
    const [first, ...more] = fitting
    if (!first) {
      // Everybody can have a token of a shared issuer: what the rules want is for those who run the server.
      log.info(
        {
          issuer: verified.issuer,
          subject: verified.subject,
          rules: compared.map(({ rule, differences }) => ({ rule: rule.name, differences })),
        },
        'no trust rule lets this token in',
      )
      throw unmatched(verified.issuer, verified.audience, verified.subject)
    }
    if (more.length === 0) return first
    const names = fitting.map(({ name }) => `"${name}"`).join(', ')
    throw problem(
      'trust-rule-ambiguous',
      `The trust rules ${names} let this token in. Expected the name of one as "rule".`,
    )
  }

  async function give(
    tx: Connection,
    rule: TrustRuleRow,
    token: string,
    verified: VerifiedToken,
    from: Pick<Caller, 'address' | 'requestId'>,
  ): Promise<ExchangedToken> {
    const now = clock.now()
    if (await derivedTokens.isOfBefore(tx, verified.issuedAt)) {
      throw problem('identity-token-used', 'Everybody was signed out since this token was issued: start the job anew.')
    }
    if (!(await useIdentityToken(tx, digestOf(token, verified), verified.expiresAt))) {
      throw problem('identity-token-used', 'This token was exchanged before, and works once.')
    }
    const name = seenOfName(`${rule.name} (${verified.subject})`.slice(0, MAX_NAME))
    const made = await derivedTokens.makeFrom(tx, rule.token_id, { name, lifetimeMs: rule.lifetime_ms })
    if (!made) {
      const detail = `The trust rule "${rule.name}" has ended, with whoever made it. Make it anew.`
      throw problem('trust-rule-unmatched', detail)
    }
    await touchRule(tx, rule.id, now)
    const actor = {
      kind: 'token' as const,
      id: made.id,
      name,
      personId: rule.person_id,
      grants: [],
      expiresAt: made.expiresAt,
    }
    await audit.record(
      tx,
      { kind: 'token', actor, ...from },
      {
        action: 'token.exchanged',
        subject: ['token', made.id],
        appId: rule.app_id,
        after: {
          ruleId: rule.id,
          rule: rule.name,
          issuer: verified.issuer,
          claims: toldClaims(rule, verified),
          expiresAt: timestamp(made.expiresAt),
        },
      },
    )
    return {
      access_token: made.token,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: Math.floor((made.expiresAt - now) / SECOND_MS),
      rule: rule.name,
    }
  }

  /** What is expired is refused without being remembered. */
  async function sweep(): Promise<void> {
    await derivedTokens.sweep()
    await deleteExpiredIdentityTokens(db, clock.now())
  }

  return { exchange, sweep }
}

function unmatched(issuer: string, audience: string, subject?: string) {
  const whose = subject === undefined ? '' : `, the subject "${shorten(subject)}"`
  return problem(
    'trust-rule-unmatched',
    `No trust rule lets in a token with the issuer "${shorten(issuer)}", the audience "${shorten(audience)}"${whose}.`,
  )
}

function shorten(text: string): string {
  return text.slice(0, 300)
}

/** By its own id; without one by what was signed, which nobody can write otherwise. */
function digestOf(token: string, { issuer, claims }: VerifiedToken): string {
  const signed = token.slice(0, token.lastIndexOf('.'))
  const id = typeof claims.jti === 'string' && claims.jti !== '' ? `jti\0${issuer}\0${claims.jti}` : `signed\0${signed}`
  return createHash('sha256').update(id).digest('hex')
}

function toldClaims(rule: TrustRuleRow, { claims }: VerifiedToken): Record<string, string> {
  const told = new Set([...TOLD_CLAIMS, ...readConditions(rule).map(({ claim }) => claim)])
  return Object.fromEntries(Object.entries(shownClaims(claims)).filter(([name]) => told.has(name)))
}
