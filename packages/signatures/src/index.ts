export { isEd25519PublicKey, isSignedBy } from './ed25519-keys.ts'
export { openMinisignSecretKey, type MinisignSecretKey, type OpenedMinisignKey } from './minisign-secret-key.ts'
export {
  findInComment,
  findMinisignKeyLine,
  readMinisignKey,
  readMinisignSignature,
  type MinisignKey,
  type MinisignSignature,
} from './minisign-text.ts'
export { readSignedAppcast, writeSignedAppcast, type SignedAppcast } from './signed-appcast.ts'
export { SCHEME_NAMES, signatureScheme } from './schemes.ts'
export type { SignatureScheme, SignedBytes } from './signature-scheme.ts'
