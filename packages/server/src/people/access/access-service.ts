import type { ApiToken, CreatedApiToken, NewApiToken, Page, RevokedApiToken, TokenFilter } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { jwtVerify, SignJWT, errors as joseErrors } from 'jose'
import type { AuditService } from '../audit/audit-service.ts'
import { SERVER, type Caller } from '../authors/author.ts'
import { type Clock, DAY_MS, MINUTE_MS, nullableTimestamp, readTimestamp, timestamp } from '../../ground/clock.ts'
import type { Connection, Database, Schema } from '../../ground/database/schema.ts'
import { pageFromRows, type PageRequest } from '../../ground/http/paging.ts'
import {
  adoptChildren,
  countOwners,
  deleteExpiredFamilies,
  deleteExpiredRefreshTokens,
  endAllFamilies,
  endFamiliesOf,
  endFamily,
  extendFamily,
  findAnyOwner,
  findRefreshToken,
  findToken,
  findTokenByHash,
  findTokenOfFamily,
  handTokensOver,
  insertFamily,
  insertRefreshToken,
  insertToken,
  listDescendants,
  listTokens,
  listTokensOfJobs,
  listTokensOfPerson,
  lockFirstStart,
  lockOwners,
  lockWorkingToken,
  revokeTokens,
  setIdentityTokensSince,
  touchToken,
  useRefreshToken,
} from './access-store.ts'
import { appsOf, grantOf, requireCovers, type Actor, type Grant } from '../authors/actor.ts'
import { grantColumns, readGrant, storedGrant } from '../authors/read-grant.ts'
import { areWithin, isNetwork, isWithin } from '../../ground/http/networks.ts'
import { hashSecret, newSecret } from './secrets.ts'

const ACCESS_TOKEN_SECONDS = 15 * 60
const REFRESH_TOKEN_MS = 30 * DAY_MS
/** How exactly `lastUsedAt` is kept: a write for every request would be too much. */
const LAST_USED_RESOLUTION_MS = MINUTE_MS
const ISSUER = 'hotpatch'

/** What the contract's /auth/token and /auth/refresh answer with. */
export interface TokenPair {
  accessToken: string
  refreshToken: string
  tokenType: 'Bearer'
  /** In seconds. */
  expiresIn: number
}

/** Of a token that works. */
export interface WorkingToken {
  grants: readonly Grant[]
  personId: string | null
  /** To a time or to addresses. */
  isBound: boolean
}

export type AccessService = ReturnType<typeof createAccessService>

export function createAccessService({
  db,
  audit,
  clock,
  newId,
  jwtSecret,
}: {
  db: Database
  audit: AuditService
  clock: Clock
  newId: () => string
  jwtSecret: string
}) {
  const jwtKey = new TextEncoder().encode(jwtSecret)

  /**
   * Takes an API token, or an access token that one was exchanged for.
   * The row is read every time, so that a revocation holds at once.
   */
  async function authenticate(bearer: string, address: string | null): Promise<Actor> {
    const row = isJwt(bearer)
      ? await findTokenOfFamily(db, await readAccessToken(bearer))
      : await findTokenByHash(db, hashSecret(bearer))
    if (!row || row.revoked_at !== null) throw problem('token-invalid', 'This token is not known here, or was revoked.')
    const now = clock.now()
    if (row.expires_at !== null && row.expires_at <= now) {
      throw problem('token-expired', `This token expired at ${timestamp(row.expires_at)}.`)
    }
    requireAllowedAddress(row, address)
    if (row.last_used_at === null || now - row.last_used_at > LAST_USED_RESOLUTION_MS) {
      await touchToken(db, row.id, now)
    }
    return {
      kind: 'token',
      id: row.id,
      name: row.name,
      personId: row.person_id,
      grants: [storedGrant(row)],
      expiresAt: row.expires_at,
      trustRuleId: row.trust_rule_id ?? undefined,
    }
  }

  /** The family that it belongs to. */
  async function readAccessToken(bearer: string): Promise<string> {
    try {
      const { payload } = await jwtVerify(bearer, jwtKey, {
        issuer: ISSUER,
        algorithms: ['HS256'],
        currentDate: new Date(clock.now()),
      })
      return typeof payload.sid === 'string' ? payload.sid : ''
    } catch (cause) {
      if (cause instanceof joseErrors.JWTExpired) {
        throw problem('token-expired', 'This access token has expired: refresh it.', {}, { cause })
      }
      throw problem('token-invalid', 'This access token was not made here, or was changed.', {}, { cause })
    }
  }

  async function issuePair(tokenId: string, familyId: string, connection: Connection): Promise<TokenPair> {
    const now = clock.now()
    const accessToken = await new SignJWT({ sid: familyId })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(ISSUER)
      .setSubject(tokenId)
      .setIssuedAt(Math.floor(now / 1000))
      .setExpirationTime(Math.floor(now / 1000) + ACCESS_TOKEN_SECONDS)
      .sign(jwtKey)
    const refreshToken = newSecret('hpr')
    await deleteExpiredRefreshTokens(connection, now)
    await insertRefreshToken(connection, {
      id: newId(),
      family_id: familyId,
      token_hash: hashSecret(refreshToken),
      created_at: now,
      expires_at: now + REFRESH_TOKEN_MS,
      used_at: null,
    })
    return { accessToken, refreshToken, tokenType: 'Bearer', expiresIn: ACCESS_TOKEN_SECONDS }
  }

  /** What a token may do by itself now: it cannot be revoked until the transaction ends. Undefined when it does not work. */
  async function findWorking(tx: Connection, id: string): Promise<WorkingToken | undefined> {
    const isWorking = await lockWorkingToken(tx, id)
    const row = isWorking ? await findToken(tx, id) : undefined
    if (!row || (row.expires_at !== null && row.expires_at <= clock.now())) return undefined
    const isBound = row.expires_at !== null || row.allowed_addresses !== null
    return { grants: [storedGrant(row)], personId: row.person_id, isBound }
  }

  async function exchange(apiKey: string, address: string | null): Promise<TokenPair> {
    if (isJwt(apiKey)) throw problem('token-invalid', 'Expected an API token, found an access token.')
    const { id: tokenId } = await authenticate(apiKey, address)
    const now = clock.now()
    const family = { id: newId(), token_id: tokenId, created_at: now, expires_at: now + REFRESH_TOKEN_MS }
    return db.transaction().execute(async (tx) => {
      await deleteExpiredFamilies(tx, now)
      await insertFamily(tx, { ...family, ended_at: null })
      return issuePair(tokenId, family.id, tx)
    })
  }

  /** A refresh token works once. One that comes a second time was copied: all of its family end, access tokens too. */
  async function refresh(refreshToken: string, address: string | null): Promise<TokenPair> {
    const row = await findRefreshToken(db, hashSecret(refreshToken))
    if (!row) throw problem('token-invalid', 'This refresh token is not known here.')
    const now = clock.now()
    if (row.expires_at <= now) throw problem('token-expired', 'This refresh token has expired: sign in again.')
    const token = await findToken(db, row.token_id)
    if (!token || token.revoked_at !== null) throw problem('token-invalid', 'The API token behind this was revoked.')
    if (token.expires_at !== null && token.expires_at <= now) {
      throw problem('token-expired', 'The API token behind this has expired.')
    }
    requireAllowedAddress(token, address)
    // Together: a token must not be used up without its successor, nor leave one when its family ends meanwhile.
    const pair = await db.transaction().execute(async (tx) => {
      // First of all, so that whoever ends the family waits, or has ended it.
      await extendFamily(tx, row.family_id, now + REFRESH_TOKEN_MS)
      const isOpen = (await findTokenOfFamily(tx, row.family_id)) !== undefined
      if (isOpen && (await useRefreshToken(tx, row.id, now))) return issuePair(row.token_id, row.family_id, tx)
      if (isOpen) await endCopiedFamily(tx, row.family_id, token)
      return undefined
    })
    if (pair) return pair
    throw problem('token-invalid', 'This refresh token was used before, so it and all that came of it have ended.')
  }

  async function endCopiedFamily(tx: Connection, familyId: string, token: TokenRow): Promise<void> {
    await endFamily(tx, familyId, clock.now())
    await audit.record(tx, SERVER, {
      action: 'token.refresh-reused',
      subject: ['token', token.id],
      appId: token.app_id,
    })
  }

  /**
   * On the very first start. Undefined when an owner was made before.
   * @param keep is given the token before it works: a stop in between must not lock everyone out
   */
  async function createFirstOwner(keep: (token: string) => Promise<void>): Promise<string | undefined> {
    // Every start but the first: nothing to lock for.
    if (await findAnyOwner(db)) return undefined
    return db.transaction().execute(async (tx) => {
      await lockFirstStart(tx)
      if (await findAnyOwner(tx)) return undefined
      const token = newSecret('hpt')
      await keep(token)
      const row = newTokenRow({ name: 'owner', expiresAt: null, allowedAddresses: null }, grantOf('owner'), token, null)
      await insertToken(tx, row)
      await audit.record(tx, SERVER, {
        action: 'token.created',
        subject: ['token', row.id],
        after: { name: row.name, role: row.role },
      })
      return token
    })
  }

  async function create(input: NewApiToken, appId: string | null, author: Caller): Promise<CreatedApiToken> {
    const { actor } = author
    const grant = readGrant({ role: input.role, appId, channels: input.channels, permissions: input.permissions })
    requireCovers(actor, grant)
    const expiresAt = readExpiry(input, actor)
    const token = newSecret('hpt')
    const row = await db.transaction().execute(async (tx) => {
      const allowedAddresses = await readAllowedAddresses(tx, input, actor)
      const made = newTokenRow({ name: input.name, expiresAt, allowedAddresses }, grant, token, actor)
      await insertToken(tx, made)
      await audit.record(tx, author, {
        action: 'token.created',
        subject: ['token', made.id],
        appId,
        after: describeScope(made),
      })
      return made
    })
    return { ...render(row), token }
  }

  /**
   * Never later than that of the token that makes it: else somebody who holds a token for a day could keep its rights
   * for ever.
   */
  function readExpiry({ expiresAt: given }: NewApiToken, maker: Actor): number | null {
    if (given === undefined) return maker.expiresAt
    const expiresAt = readTimestamp(given, 'expiresAt')
    if (expiresAt <= clock.now()) {
      throw problem('invalid-request', `expiresAt: expected a time to come, found ${given}.`)
    }
    if (maker.expiresAt !== null && expiresAt > maker.expiresAt) {
      const latest = timestamp(maker.expiresAt)
      throw problem('forbidden', `The token that makes it expires at ${latest}, and can make none that outlives it.`)
    }
    return expiresAt
  }

  /**
   * Ends a token with every token that was made with it, at any remove: whoever stole it may have made some.
   * @param options.keepDescendants they go on instead, as if its own maker had made them
   */
  async function revoke(
    id: string,
    author: Caller,
    { keepDescendants = false }: { keepDescendants?: boolean } = {},
  ): Promise<RevokedApiToken> {
    return db.transaction().execute(async (tx) => {
      await lockOwners(tx)
      const row = await requireToken(tx, id, appsOf(author.actor))
      requireCovers(author.actor, storedGrant(row))
      if (keepDescendants) await passOn(tx, row, author.actor)
      return renderRevoked(row, await end(tx, row, author))
    })
  }

  /** As `revoke`, with a change of somebody's who may make it. */
  async function endWith(tx: Connection, id: string, author: Caller): Promise<void> {
    await lockOwners(tx)
    await end(tx, await requireToken(tx, id, null), author)
  }

  /**
   * The token that asks, whatever it may: whoever has found it can end it, too. With every token that was made with it.
   * @throws problem forbidden for somebody who is signed in
   */
  async function revokeOwn(author: Caller): Promise<RevokedApiToken> {
    const { kind, id } = author.actor
    if (kind !== 'token') throw problem('forbidden', 'You are signed in by a session, and not by a token: sign out.')
    return db.transaction().execute(async (tx) => {
      await lockOwners(tx)
      const row = await requireToken(tx, id, null)
      return renderRevoked(row, await end(tx, row, author))
    })
  }

  /** @throws problem token-not-found, also where it is not for one of these apps */
  async function requireToken(connection: Connection, id: string, ofApps: readonly string[] | null): Promise<TokenRow> {
    const row = await findToken(connection, id)
    if (!row || (ofApps !== null && !ofApps.includes(row.app_id ?? ''))) {
      throw problem('token-not-found', `No token has the id ${id}.`)
    }
    return row
  }

  function renderRevoked(row: TokenRow, ended: readonly string[]): RevokedApiToken {
    const revokedAt = row.revoked_at ?? clock.now()
    return { ...render({ ...row, revoked_at: revokedAt }), alsoRevoked: ended.filter((id) => id !== row.id) }
  }

  async function passOn(tx: Connection, { id, parent_id: parentId }: TokenRow, by: Actor): Promise<void> {
    if ((await listDescendants(tx, id)).some((token) => token.id === by.id)) {
      throw problem(
        'forbidden',
        'Your token was made with this one, and could not outlive it by its own word: revoke it with itself, or with another.',
      )
    }
    await adoptChildren(tx, id, parentId)
  }

  /** The ids of all that end. */
  async function end(tx: Connection, token: TokenRow, author: Caller): Promise<string[]> {
    const ended = await endTree(tx, token, author)
    const endsOwner = ended.some(({ role, app_id: appId }) => role === 'owner' && appId === null)
    if (endsOwner && (await countOwners(tx, clock.now())).count === 0) {
      const last =
        ended.length === 1 ? 'This is the last owner token' : 'No owner token would be left without those that it made'
      throw problem('forbidden', `${last}. Make another one first, with another token, or keep those that it made.`)
    }
    return ended.map(({ id }) => id)
  }

  /** With every token that the person made, at any remove. There is an owner who signs in, so none of them is the last way in. */
  async function endTokensOf(tx: Connection, personId: string, author: Caller): Promise<void> {
    for (const token of await listTokensOfPerson(tx, personId)) await endTree(tx, token, author)
  }

  /** Whoever keeps the tokens of somebody who goes stands behind them from then on. */
  async function keepTokensOf(tx: Connection, personId: string, { actor }: Caller): Promise<void> {
    await handTokensOver(tx, personId, actor.personId)
  }

  /**
   * What jobs have got, and what tokens were exchanged for, whoever has it. Identity tokens of before get nothing any
   * more: which of them were used is not known after a backup was restored.
   */
  async function endShortLivedTokens(tx: Connection, author: Caller): Promise<number> {
    const now = clock.now()
    let ended = 0
    for (const token of await listTokensOfJobs(tx, now)) ended += (await endTree(tx, token, author)).length
    ended += await endAllFamilies(tx, now)
    await setIdentityTokensSince(tx, now)
    return ended
  }

  async function endTree(tx: Connection, token: TokenRow, author: Caller): Promise<TokenRow[]> {
    const now = clock.now()
    const ended: TokenRow[] = []
    // Again until there are none: one of them may just have been making another.
    for (
      let ending = token.revoked_at === null ? [token] : await listDescendants(tx, token.id);
      ending.length > 0;
      ending = await listDescendants(tx, token.id)
    ) {
      const ids = ending.map(({ id }) => id)
      await revokeTokens(tx, ids, now)
      await endFamiliesOf(tx, ids, now)
      ended.push(...ending)
    }
    for (const { id, app_id: appId } of ended) {
      await audit.record(tx, author, { action: 'token.revoked', subject: ['token', id], appId })
    }
    return ended
  }

  /** @param ofApps only the tokens for these, unless it is null */
  async function list(
    page: PageRequest,
    { ended }: TokenFilter,
    ofApps: readonly string[] | null,
  ): Promise<Page<ApiToken>> {
    return pageFromRows(await listTokens(db, page, { ended, ofApps, now: clock.now() }), page, render)
  }

  /** What ends with it. A token for an app makes none for elsewhere. */
  async function listMadeWith(id: string, ofApps: readonly string[] | null): Promise<ApiToken[]> {
    const { id: known } = await requireToken(db, id, ofApps)
    const now = clock.now()
    const made = await listDescendants(db, known)
    return made.filter(({ expires_at: expiresAt }) => expiresAt === null || expiresAt > now).map(render)
  }

  function newTokenRow(
    input: { name: string; expiresAt: number | null; allowedAddresses: readonly string[] | null },
    grant: Grant,
    token: string,
    maker: Actor | null,
  ): TokenRow {
    return {
      id: newId(),
      name: input.name,
      ...grantColumns(grant),
      token_hash: hashSecret(token),
      created_at: clock.now(),
      created_by: maker?.name ?? 'server',
      parent_id: maker?.kind === 'token' ? maker.id : null,
      person_id: maker?.personId ?? null,
      allowed_addresses: input.allowedAddresses && JSON.stringify(input.allowedAddresses),
      trust_rule_id: null,
      expires_at: input.expiresAt,
      last_used_at: null,
      revoked_at: null,
    }
  }

  return {
    authenticate,
    findWorking,
    exchange,
    refresh,
    createFirstOwner,
    create,
    revoke,
    revokeOwn,
    endWith,
    endTokensOf,
    endShortLivedTokens,
    keepTokensOf,
    list,
    listMadeWith,
  }
}

type TokenRow = Schema['api_token']

/** @throws problem address-not-allowed */
function requireAllowedAddress(
  { allowed_addresses: allowed }: Pick<TokenRow, 'allowed_addresses'>,
  address: string | null,
) {
  if (allowed === null || (address !== null && isWithin(JSON.parse(allowed) as string[])(address))) return
  throw problem('address-not-allowed', `This token does not work from the address ${address ?? 'of this connection'}.`)
}

/**
 * Within those of the token that makes it: what works from some addresses only makes nothing that works from others.
 * Locks the maker: else a token that is being revoked could leave a child behind.
 */
async function readAllowedAddresses(
  tx: Connection,
  { allowedAddresses: given }: NewApiToken,
  maker: Actor,
): Promise<readonly string[] | null> {
  const unreadable = given?.find((network) => !isNetwork(network))
  if (unreadable !== undefined) {
    const detail = `allowedAddresses: expected addresses and networks such as 203.0.113.0/24, found "${unreadable}".`
    throw problem('invalid-request', detail)
  }
  if (maker.kind !== 'token') return given ?? null
  if (!(await lockWorkingToken(tx, maker.id))) throw problem('token-invalid', 'This token was revoked.')
  const own = readList((await findToken(tx, maker.id))?.allowed_addresses ?? null)
  if (own && given && !areWithin(given, own)) {
    throw problem('forbidden', `The token that makes it works from ${own.join(', ')}, and can make none for elsewhere.`)
  }
  return given ?? own
}

/** For the audit log. */
function describeScope(row: TokenRow) {
  const { name, role, channels, permissions, allowedAddresses, expiresAt } = render(row)
  return { name, role, channels, permissions, allowedAddresses, expiresAt }
}

function isJwt(bearer: string): boolean {
  return bearer.split('.').length === 3
}

function render(row: TokenRow): ApiToken {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    appId: row.app_id,
    channels: readList(row.channels),
    permissions: readList(row.permissions),
    allowedAddresses: readList(row.allowed_addresses),
    personId: row.person_id,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    parentId: row.parent_id,
    expiresAt: nullableTimestamp(row.expires_at),
    lastUsedAt: nullableTimestamp(row.last_used_at),
    revokedAt: nullableTimestamp(row.revoked_at),
  }
}

function readList(json: string | null): string[] | null {
  return json === null ? null : (JSON.parse(json) as string[])
}
