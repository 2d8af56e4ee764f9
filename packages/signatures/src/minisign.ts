import { createHash } from 'node:crypto'
import { findInComment, readMinisignKey, readMinisignSignature } from './minisign-text.ts'
import { isSignedBy } from './ed25519-keys.ts'
import type { SignatureScheme } from './signature-scheme.ts'

/** Signing §10.1: as Tauri's updater verifies it, and what it does not look at besides: the version that is signed. */
export const minisign: SignatureScheme = {
  algorithm: 'minisign',
  async findFault({ publicKey, value, bytes, version }) {
    const key = readMinisignKey(publicKey)
    const signed = readMinisignSignature(value)
    if (!key || !signed) return 'expected the text of a .sig file in base64, found something else'
    const { algorithm, keyId, signature, trustedComment, globalSignature } = signed
    if (keyId !== key.keyId) return `expected one of the key ${key.keyId}, found one of the key ${keyId}`
    // Over the file itself: to verify it, all of it would have to be in memory.
    if (algorithm !== 'ED') return `expected one over the BLAKE2b-512 of the file ("ED"), found "${algorithm}"`
    const isSigned = (message: Buffer, by: Buffer) => isSignedBy(key.publicKey, message, by.toString('base64'))
    if (!isSigned(Buffer.concat([signature, Buffer.from(trustedComment, 'utf8')]), globalSignature)) {
      return 'expected the trusted comment that was signed, found another one'
    }
    // Else whoever writes an answer could announce an old file under a new version.
    const signedVersion = findInComment(trustedComment, 'version')
    if (signedVersion !== undefined && withoutV(signedVersion) !== withoutV(version)) {
      return `expected one for version ${version}, found one for version ${signedVersion.slice(0, 100)}`
    }
    const hash = createHash('blake2b512')
    for await (const chunk of bytes) hash.update(chunk)
    return isSigned(hash.digest(), signature) ? undefined : 'expected one over these bytes, found one over others'
  },
}

function withoutV(version: string): string {
  return version.replace(/^v/, '')
}
