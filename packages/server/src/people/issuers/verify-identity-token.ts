import { problem, Problem } from '@hotpatch/protocol'
import { decodeJwt, decodeProtectedHeader, errors as joseErrors, jwtVerify, type JWTPayload } from 'jose'
import { DAY_MS, SECOND_MS, type Clock } from '../../ground/clock.ts'
import type { Issuers } from './issuers.ts'

/** Asymmetric ones only: with `none` or a key that the issuer publishes, anybody could sign. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const MAX_TOKEN_LENGTH = 16 * 1024
/** Clocks of servers differ. */
const TOLERANCE_SECONDS = 30
/** How long a token may be good for: so long it has to be remembered that it was used. */
const MAX_LIFETIME_MS = DAY_MS

/** What a token says before anything of it is believed. */
export interface ClaimedToken {
  issuer: string
  audience: string
  keyId: string | undefined
}

/** What an issuer has signed, and for whom. */
export interface VerifiedToken {
  issuer: string
  audience: string
  subject: string
  claims: JWTPayload
  issuedAt: number
  expiresAt: number
}

/** Believes nothing: only to find who would have to vouch for it. @throws problem identity-token-invalid */
export function readClaimed(token: string): ClaimedToken {
  if (token.length > MAX_TOKEN_LENGTH) {
    throw invalid(`Expected at most ${MAX_TOKEN_LENGTH} characters, found ${token.length}.`)
  }
  try {
    const { alg, kid, typ } = decodeProtectedHeader(token)
    if (typeof alg !== 'string' || !ALGORITHMS.includes(alg)) {
      throw invalid(`Expected it to be signed with ${ALGORITHMS.join(', ')}, found ${shown(alg)}.`)
    }
    // Other kinds of tokens of the same issuer mean something else (RFC 8725 §3.11).
    if (typ !== undefined && typ.toLowerCase() !== 'jwt') throw invalid(`Expected the type JWT, found ${shown(typ)}.`)
    const { iss, aud } = decodeJwt(token)
    const audience = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
    if (typeof iss !== 'string' || iss === '') throw invalid('Expected an issuer (iss), found none.')
    // Each of several audiences could use it against the others.
    if (typeof audience !== 'string') throw invalid(`Expected one audience (aud), found ${shown(aud)}.`)
    return { issuer: iss, audience, keyId: typeof kid === 'string' ? kid : undefined }
  } catch (cause) {
    if (cause instanceof Problem) throw cause
    throw invalid('Expected a JSON Web Token, found something else.', cause)
  }
}

/**
 * @param claimed of this token, after its issuer and audience were found to be wanted
 * @throws problem identity-token-invalid, issuer-address-refused or issuer-unusable
 */
export async function verifyIdentityToken(
  token: string,
  { issuer, audience, keyId }: ClaimedToken,
  { issuers, clock }: { issuers: Issuers; clock: Clock },
): Promise<VerifiedToken> {
  const keys = await issuers.keysOf(issuer, keyId)
  const now = clock.now()
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms: ALGORITHMS,
      requiredClaims: ['sub', 'exp', 'iat'],
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: new Date(now),
    })
    const { sub = '', exp = 0, iat = 0 } = payload
    if (iat * SECOND_MS > now + TOLERANCE_SECONDS * SECOND_MS) throw invalid('It was issued in the future.')
    const expiresAt = exp * SECOND_MS
    if (expiresAt - now > MAX_LIFETIME_MS) throw invalid('Expected it to be good for a day at most, found longer.')
    return {
      issuer,
      audience,
      subject: sub,
      claims: payload,
      issuedAt: iat * SECOND_MS,
      expiresAt: expiresAt + TOLERANCE_SECONDS * SECOND_MS,
    }
  } catch (cause) {
    if (cause instanceof Problem) throw cause
    throw invalid(reasonOf(cause), cause)
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof joseErrors.JWTExpired) return 'It has expired.'
  if (error instanceof joseErrors.JWTClaimValidationFailed) return `Its claim ${error.claim} is not as it must be.`
  if (error instanceof joseErrors.JWKSNoMatchingKey) return 'It was signed with a key that its issuer does not have.'
  if (error instanceof joseErrors.JWKSMultipleMatchingKeys) return 'It does not say which key of its issuer signed it.'
  if (error instanceof joseErrors.JWSSignatureVerificationFailed) return 'Its signature does not fit.'
  return 'It cannot be verified.'
}

function invalid(detail: string, cause?: unknown): Problem {
  return problem('identity-token-invalid', `The identity token is not taken. ${detail}`, {}, { cause })
}

function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 100) ?? 'none'
}
