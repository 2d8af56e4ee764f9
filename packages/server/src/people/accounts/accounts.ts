import { createHash, hkdfSync } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { AccessService } from '../access/access-service.ts'
import type { AuditService } from '../audit/audit-service.ts'
import { MINUTE_MS, type Clock } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import { createAuth } from './auth/auth.ts'
import { resealSecondFactors } from './auth/reseal-second-factors.ts'
import { createSignInAttempts } from './auth/sign-in-attempts.ts'
import { createOneTimeLinks } from './links/one-time-links.ts'
import { createAccountService } from './own/account-service.ts'
import { createPasskeyService } from './passkeys/passkey-service.ts'
import { createArrivals } from './persons/arrivals.ts'
import { createPersonService } from './persons/person-service.ts'
import { createSignOutEveryone } from './persons/sign-out-everyone.ts'
import { createStandings } from './persons/standings.ts'
import { createKnownBrowsers } from './sign-in/known-browsers.ts'
import { createSignInService } from './sign-in/sign-in-service.ts'
import { claimTotpCode, deleteExpired, deleteUsedTotpCodes } from './tables/person-table.ts'

/** Longer than any code is taken for. */
const TOTP_CODE_MS = 5 * MINUTE_MS
const VERIFY_TOTP = '/two-factor/verify-totp'

export type Accounts = ReturnType<typeof createAccounts>

/** Persons, how they sign in, and where they are signed in. */
export function createAccounts({
  db,
  access,
  audit,
  secretsKeys,
  publicUrl,
  clock,
  newId,
  log,
  isSingleSignOnOnly,
}: {
  db: Database
  access: Pick<AccessService, 'endShortLivedTokens' | 'endTokensOf' | 'findWorking' | 'keepTokensOf'>
  audit: AuditService
  secretsKeys: readonly string[]
  publicUrl: PublicUrl
  clock: Clock
  newId: () => string
  log: FastifyBaseLogger
  /** Whether nobody but owners signs in by what is here. */
  isSingleSignOnOnly: () => Promise<boolean>
}) {
  const secrets = secretsKeys.map(secretOf)
  const auth = createAuth({ db, secrets, newId, log, mayBegin })
  const attempts = createSignInAttempts({ db, clock })
  const knownBrowsers = createKnownBrowsers({ secret: secrets[0]?.value ?? '', newId })
  const signIns = createSignInService({
    db,
    auth,
    attempts,
    knownBrowsers,
    audit,
    publicUrl,
    isSingleSignOnOnly,
    clock,
  })
  const standings = createStandings({ findWorkingToken: access.findWorking })
  const links = createOneTimeLinks({ db, audit, attempts, standings, clock, newId })
  const persons = createPersonService({
    db,
    links,
    standings,
    endTokensOf: access.endTokensOf,
    keepTokensOf: access.keepTokensOf,
    audit,
    clock,
    newId,
  })
  const { endShortLivedTokens } = access
  const signOutEveryone = createSignOutEveryone({ db, audit, endShortLivedTokens })
  const own = createAccountService({ db, auth, attempts, persons, audit, clock })
  const arrivals = createArrivals({ db, audit, clock, newId })
  const passkeys = createPasskeyService({ db, audit, clock, newId })

  /** By no code that was used before. */
  async function mayBegin(personId: string, context: unknown): Promise<boolean> {
    const { path, body } = (context ?? {}) as { path?: string; body?: { code?: string } }
    if (path !== VERIFY_TOTP) return true
    return claimTotpCode(db, personId, body?.code ?? '', clock.now())
  }

  async function sweep(): Promise<void> {
    await attempts.sweep()
    await links.sweep()
    await deleteUsedTotpCodes(db, clock.now() - TOTP_CODE_MS)
    await deleteExpired(db, clock.now())
  }

  return {
    signIns,
    links,
    persons,
    signOutEveryone,
    arrivals,
    own,
    passkeys,
    findSession: signIns.findSession,
    findGrants: persons.findGrants,
    makeFirstOwnerLink: links.makeFirstOwnerLink,
    reseal: () => resealSecondFactors(db, secrets, log),
    sweep,
  }
}

/** A key of its own, so that what one is used for tells nothing about the other; numbered by what it is made of. */
function secretOf(key: string) {
  const version = createHash('sha256').update('hotpatch sign-in key number\0').update(key).digest().readUIntBE(0, 4)
  const value = Buffer.from(hkdfSync('sha256', key, '', 'hotpatch sign-in', 48)).toString('base64url')
  return { version, value }
}
