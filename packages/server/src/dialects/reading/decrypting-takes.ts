import { ENCRYPTION_ALGORITHM, isKeyId } from '@hotpatch/protocol'
import { ARCHIVES_AS_THEY_ARE } from './archives-as-they-are.ts'
import { rememberTakes } from './remember-takes.ts'

/** Encryption §5: of our own engine, which tells the ids of all keys that it has. It takes what is not encrypted, too. */
export function decryptingTakes() {
  return rememberTakes(['decryptionKeyId'], ({ decryptionKeyId = '' }) => {
    // Only whole ids: the beginning of one would stand for many keys.
    const keyIds = decryptionKeyId.split(',').filter(isKeyId)
    if (keyIds.length === 0) return ARCHIVES_AS_THEY_ARE
    const encrypted = keyIds.map((keyId) => ({ algorithm: ENCRYPTION_ALGORITHM, keyId }))
    return { ...ARCHIVES_AS_THEY_ARE, forms: ['plain' as const, ...encrypted] }
  })
}
