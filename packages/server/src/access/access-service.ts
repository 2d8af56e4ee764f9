import type { ApiToken, CreatedApiToken, NewApiToken, Page, Role } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { jwtVerify, SignJWT, errors as joseErrors } from 'jose'
import { SERVER_AUTHOR, type AuditService, type Author } from '../audit/audit-service.ts'
import { nullableTimestamp, readTimestamp, timestamp, type Clock } from '../clock.ts'
import type { Connection, Database, Schema } from '../database/schema.ts'
import { pageFromRows, type PageRequest } from '../http/paging.ts'
import {
  countOtherOwners,
  deleteExpiredRefreshTokens,
  deleteRefreshTokensOf,
  findAnyOwner,
  findRefreshToken,
  findToken,
  findTokenByHash,
  insertRefreshToken,
  insertToken,
  listTokens,
  lockFirstStart,
  lockOwners,
  revokeToken,
  touchToken,
  useRefreshToken,
} from './access-store.ts'
import { hasRole, type Actor } from './actor.ts'
import { hashSecret, newSecret } from './secrets.ts'

const ACCESS_TOKEN_SECONDS = 15 * 60
const REFRESH_TOKEN_MS = 30 * 24 * 60 * 60 * 1000
/** How exactly `lastUsedAt` is kept: a write for every request would be too much. */
const LAST_USED_RESOLUTION_MS = 60_000
const ISSUER = 'hotpatch'

/** What the contract's /auth/token and /auth/refresh answer with. */
export interface TokenPair {
  accessToken: string
  refreshToken: string
  tokenType: 'Bearer'
  /** In seconds. */
  expiresIn: number
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
  async function authenticate(bearer: string): Promise<Actor> {
    const row = isJwt(bearer)
      ? await findToken(db, await readAccessToken(bearer))
      : await findTokenByHash(db, hashSecret(bearer))
    if (!row || row.revoked_at !== null) throw problem('token-invalid', 'This token is not known here, or was revoked.')
    const now = clock.now()
    if (row.expires_at !== null && row.expires_at <= now) {
      throw problem('token-expired', `This token expired at ${timestamp(row.expires_at)}.`)
    }
    if (row.last_used_at === null || now - row.last_used_at > LAST_USED_RESOLUTION_MS) {
      await touchToken(db, row.id, now)
    }
    return { tokenId: row.id, name: row.name, role: row.role, appId: row.app_id, expiresAt: row.expires_at }
  }

  /** @throws problem authentication-required, token-invalid, token-expired or forbidden */
  async function authorize(authorization: string | undefined, needed: Role): Promise<Actor> {
    const bearer = /^Bearer ([\w.~+/=-]{1,4096})$/i.exec(authorization ?? '')?.[1]
    if (bearer === undefined) {
      throw problem('authentication-required', 'Expected the header "Authorization: Bearer TOKEN".')
    }
    const actor = await authenticate(bearer)
    if (!hasRole(actor, needed)) {
      throw problem('forbidden', `This needs the role ${needed}; the token has the role ${actor.role}.`)
    }
    return actor
  }

  async function readAccessToken(bearer: string): Promise<string> {
    try {
      const { payload } = await jwtVerify(bearer, jwtKey, {
        issuer: ISSUER,
        algorithms: ['HS256'],
        currentDate: new Date(clock.now()),
      })
      return payload.sub ?? ''
    } catch (cause) {
      if (cause instanceof joseErrors.JWTExpired) {
        throw problem('token-expired', 'This access token has expired: refresh it.', {}, { cause })
      }
      throw problem('token-invalid', 'This access token was not made here, or was changed.', {}, { cause })
    }
  }

  async function issuePair(tokenId: string, connection: Connection = db): Promise<TokenPair> {
    const now = clock.now()
    const accessToken = await new SignJWT()
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
      token_id: tokenId,
      token_hash: hashSecret(refreshToken),
      created_at: now,
      expires_at: now + REFRESH_TOKEN_MS,
      used_at: null,
    })
    return { accessToken, refreshToken, tokenType: 'Bearer', expiresIn: ACCESS_TOKEN_SECONDS }
  }

  async function exchange(apiKey: string): Promise<TokenPair> {
    if (isJwt(apiKey)) throw problem('token-invalid', 'Expected an API token, found an access token.')
    const actor = await authenticate(apiKey)
    return issuePair(actor.tokenId)
  }

  /** A refresh token works once. One that comes a second time was copied: all of its family end. */
  async function refresh(refreshToken: string): Promise<TokenPair> {
    const row = await findRefreshToken(db, hashSecret(refreshToken))
    if (!row) throw problem('token-invalid', 'This refresh token is not known here.')
    const now = clock.now()
    if (row.expires_at <= now) throw problem('token-expired', 'This refresh token has expired: sign in again.')
    const token = await findToken(db, row.token_id)
    if (!token || token.revoked_at !== null) throw problem('token-invalid', 'The API token behind this was revoked.')
    if (token.expires_at !== null && token.expires_at <= now) {
      throw problem('token-expired', 'The API token behind this has expired.')
    }
    // Together: a token must not be used up without its successor, nor leave one when its family ends meanwhile.
    const pair = await db.transaction().execute(async (tx) => {
      if (await useRefreshToken(tx, row.id, now)) return issuePair(row.token_id, tx)
      await deleteRefreshTokensOf(tx, row.token_id)
      return undefined
    })
    if (pair) return pair
    throw problem('token-invalid', 'This refresh token was used before, so it and its successors have ended.')
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
      const row = newTokenRow({ name: 'owner', role: 'owner' }, null, token, 'server')
      await insertToken(tx, row)
      await audit.record(tx, SERVER_AUTHOR, {
        action: 'token.created',
        subject: ['token', row.id],
        after: { name: row.name, role: row.role },
      })
      return token
    })
  }

  async function create(input: NewApiToken, appId: string | null, author: Author): Promise<CreatedApiToken> {
    if (!hasRole(author.actor, input.role)) {
      throw problem('forbidden', `A token with the role ${author.actor.role} cannot make one with ${input.role}.`)
    }
    if (author.actor.appId !== null && author.actor.appId !== appId) {
      throw problem('forbidden', 'This token is for one app, and can make tokens for that app only.')
    }
    const expiresAt = input.expiresAt === undefined ? null : readTimestamp(input.expiresAt, 'expiresAt')
    if (expiresAt !== null && expiresAt <= clock.now()) {
      throw problem('invalid-request', `expiresAt: expected a time to come, found ${input.expiresAt}.`)
    }
    const token = newSecret('hpt')
    const row = newTokenRow({ ...input, expiresAt }, appId, token, author.actor.name)
    await db.transaction().execute(async (tx) => {
      await insertToken(tx, row)
      await audit.record(tx, author, {
        action: 'token.created',
        subject: ['token', row.id],
        appId,
        after: { name: row.name, role: row.role, expiresAt: nullableTimestamp(expiresAt) },
      })
    })
    return { ...render(row), token }
  }

  async function revoke(id: string, author: Author): Promise<ApiToken> {
    return db.transaction().execute(async (tx) => {
      await lockOwners(tx)
      const row = await findToken(tx, id)
      if (!row || (author.actor.appId !== null && row.app_id !== author.actor.appId)) {
        throw problem('token-not-found', `No token has the id ${id}.`)
      }
      if (!hasRole(author.actor, row.role)) {
        throw problem('forbidden', `A token with the role ${author.actor.role} cannot revoke one with ${row.role}.`)
      }
      if (row.revoked_at !== null) return render(row)
      const now = clock.now()
      if (row.role === 'owner' && (await countOtherOwners(tx, id, now)).count === 0) {
        throw problem('forbidden', 'This is the last owner token. Make another one first.')
      }
      await revokeToken(tx, id, now)
      await deleteRefreshTokensOf(tx, id)
      await audit.record(tx, author, { action: 'token.revoked', subject: ['token', id], appId: row.app_id })
      return render({ ...row, revoked_at: now })
    })
  }

  /** @param appId only the tokens for this app, unless it is null */
  async function list(page: PageRequest, appId: string | null): Promise<Page<ApiToken>> {
    return pageFromRows(await listTokens(db, page, appId), page, render)
  }

  function newTokenRow(
    input: { name: string; role: Role; expiresAt?: number | null },
    appId: string | null,
    token: string,
    createdBy: string,
  ): TokenRow {
    return {
      id: newId(),
      name: input.name,
      role: input.role,
      app_id: appId,
      token_hash: hashSecret(token),
      created_at: clock.now(),
      created_by: createdBy,
      expires_at: input.expiresAt ?? null,
      last_used_at: null,
      revoked_at: null,
    }
  }

  return { authorize, exchange, refresh, createFirstOwner, create, revoke, list }
}

type TokenRow = Schema['api_token']

function isJwt(bearer: string): boolean {
  return bearer.split('.').length === 3
}

function render(row: TokenRow): ApiToken {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    appId: row.app_id,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    expiresAt: nullableTimestamp(row.expires_at),
    lastUsedAt: nullableTimestamp(row.last_used_at),
    revokedAt: nullableTimestamp(row.revoked_at),
  }
}
