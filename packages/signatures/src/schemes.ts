import type { AddedSignature } from '@hotpatch/api'
import { minisign } from './minisign.ts'
import { rsaSha256 } from './rsa-sha256.ts'
import { rsaSha256Digest } from './rsa-sha256-digest.ts'
import { sparkleEd25519 } from './sparkle-ed25519.ts'
import type { SignatureScheme } from './signature-scheme.ts'

/** The schemes besides our own, by the names that rows and requests have. */
const SCHEMES: { readonly [Name in AddedSignature['scheme']]: SignatureScheme } = {
  'rsa-sha256': rsaSha256,
  'rsa-sha256-digest': rsaSha256Digest,
  minisign,
  'sparkle-ed25519': sparkleEd25519,
}

export const SCHEME_NAMES = Object.keys(SCHEMES) as readonly AddedSignature['scheme'][]

export function signatureScheme(name: AddedSignature['scheme']): SignatureScheme {
  return SCHEMES[name]
}
