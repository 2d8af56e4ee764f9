import { digestSigningInput, writeStatement, type Statement } from '@hotpatch/protocol'
import type { SigningKeyPair } from './signing-key.ts'

/** What a statement says apart from its place in the order of statements. */
export type StatementContent = Omit<Statement, 'sequence' | 'createdAt'>

/** Base64 of the exact bytes that were signed, and of the signature over them. */
export interface SignedStatement {
  statement: string
  statementSignature: string
}

export function signStatement(key: SigningKeyPair, content: Statement): SignedStatement {
  const bytes = Buffer.from(writeStatement(content), 'utf8')
  return { statement: bytes.toString('base64'), statementSignature: key.sign(bytes) }
}

/** The React Native contract's own signature. */
export function signDigest(key: SigningKeyPair, sha256: string): string {
  return key.sign(digestSigningInput(sha256))
}
