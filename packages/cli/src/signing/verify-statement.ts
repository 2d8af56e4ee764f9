import { createPublicKey, verify } from 'node:crypto'
import type { Release } from '@hotpatch/api'
import {
  MAX_STATEMENT_BYTES,
  readStatement,
  UnexpectedJsonError,
  type Platform,
  type Statement,
} from '@hotpatch/protocol'
import { CommandError } from '../errors/errors.ts'

/** What a statement must be about. The version is absent only where nobody named one. */
export interface StatementWish {
  appId: string
  platform: Platform
  version?: string | undefined
}

export interface VerifiedStatement {
  statement: Statement
  /** Of the trusted keys, the one that signed it. */
  publicKey: string
}

/** Why an old statement cannot be stated again. */
export class StatementRefused extends CommandError {}

/**
 * Signing §4, with the publisher's own keys: what these bytes say is signed again, and nothing that the server says
 * beside them.
 * @throws StatementRefused
 */
export function verifyOldStatement(
  { statement, statementSignature }: Pick<Release, 'statement' | 'statementSignature'>,
  wish: StatementWish,
  publicKeys: readonly string[],
): VerifiedStatement {
  const name = `${wish.version ?? 'The release before'} for ${wish.platform}`
  if (statement === null || statementSignature === null) {
    throw new StatementRefused('never-signed', `${name} was published without a statement.`)
  }
  const bytes = readBase64(statement)
  const signature = readBase64(statementSignature)
  if (!bytes || !signature || bytes.length > MAX_STATEMENT_BYTES) {
    throw new StatementRefused('statement-unreadable', `${name}: the server's copy of its statement is damaged.`)
  }
  const publicKey = publicKeys.find((key) => isSignedBy(key, bytes, signature))
  if (publicKey === undefined) {
    throw new StatementRefused('statement-untrusted', `${name}: no key that you trust signed what the server shows.`)
  }
  return { statement: readFitting(bytes, wish, name), publicKey }
}

function readFitting(bytes: Uint8Array, wish: StatementWish, name: string): Statement {
  const statement = read(bytes, name)
  const expectations: [field: string, expected: unknown, found: unknown][] = [
    ['app', wish.appId, statement.appId],
    ['platform', wish.platform, statement.platform],
    ['target', 'release', statement.target],
    ['version', wish.version ?? statement.version, statement.version],
  ]
  const different = expectations.find(([, expected, found]) => expected !== found)
  if (!different) return statement
  const [field, expected, found] = different
  const what = `${name}: the server shows a statement about something else. ${field}: expected ${String(expected)}, found ${String(found)}.`
  throw new StatementRefused('statement-mismatch', `${what} Nothing was signed.`)
}

function read(bytes: Uint8Array, name: string): Statement {
  try {
    return readStatement(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError || cause instanceof TypeError)) throw cause
    const message = `${name}: its statement cannot be read: ${cause.message}.`
    throw new StatementRefused('statement-unreadable', message, { cause })
  }
}

function readBase64(text: unknown): Buffer | undefined {
  if (typeof text !== 'string' || text.length > 2 * MAX_STATEMENT_BYTES) return undefined
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

function isSignedBy(publicKey: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey, 'base64').toString('base64url') }
  return verify(null, bytes, createPublicKey({ key: jwk, format: 'jwk' }), signature)
}
