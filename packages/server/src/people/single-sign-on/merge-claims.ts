/** What an issuer says of somebody. */
export type Claims = Readonly<Record<string, unknown>>

/**
 * What the token says counts, and then what the issuer says when it is asked; that an address is verified is said of
 * the address beside it, and of no other.
 */
export function mergeClaims(claims: Claims, more: Claims): Claims {
  if (claims.email === undefined || claims.email === more.email) return { ...more, ...claims }
  const { email_verified: _, ...rest } = more
  return { ...rest, ...claims }
}
