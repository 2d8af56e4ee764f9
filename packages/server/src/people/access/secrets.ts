import { createHash, randomBytes } from 'node:crypto'

/** A secret with 256 random bits, and a prefix that says what it is to people and to secret scanners. */
export function newSecret(prefix: string): string {
  return `${prefix}_${randomBytes(32).toString('base64url')}`
}

/**
 * What is stored of a secret. It has 256 random bits, so a fast hash is enough; and looking it up by its hash
 * compares nothing that an attacker could learn byte by byte.
 */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
