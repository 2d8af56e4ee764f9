import { createHash, hkdfSync } from 'node:crypto'
import { compactDecrypt, CompactEncrypt, decodeProtectedHeader } from 'jose'

/** The start stops with it: without the key, what is encrypted in the database is lost to this server. */
export class SecretsKeyError extends Error {
  override name = 'SecretsKeyError'
}

export type SecretBox = ReturnType<typeof createSecretBox>

/**
 * Encrypts secrets that the server has to know again, so that a database and its backups hold none in clear: JSON Web
 * Encryption (RFC 7516), `dir` with A256GCM. A text opens only for the row that it was sealed for.
 * @param keys texts of at least 32 characters; the first encrypts, each decrypts
 */
export function createSecretBox(keys: readonly string[]) {
  const known = new Map(keys.map((text) => [idOf(text), bytesOf(text)]))
  const [currentKeyId = ''] = known.keys()

  /** @param owner such as `webhook <id>` */
  function seal(owner: string, secret: string): Promise<string> {
    return new CompactEncrypt(Buffer.from(secret, 'utf8'))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: currentKeyId, for: owner })
      .encrypt(keyOf(currentKeyId))
  }

  /** @throws SecretsKeyError when it was sealed with a key that is not here, for another row, or is damaged */
  async function open(owner: string, sealed: string): Promise<string> {
    const { kid, for: sealedFor } = decodeProtectedHeader(sealed)
    const key = keyOf(String(kid))
    if (sealedFor !== owner)
      throw new SecretsKeyError(`A secret of "${String(sealedFor)}" stands where that of "${owner}" is expected.`)
    try {
      const { plaintext } = await compactDecrypt(sealed, key, {
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      })
      return Buffer.from(plaintext).toString('utf8')
    } catch (cause) {
      throw new SecretsKeyError(`The secret of "${owner}" was changed in the database.`, { cause })
    }
  }

  function keyOf(id: string): Uint8Array {
    const key = known.get(id)
    if (key) return key
    throw new SecretsKeyError(
      `A secret in the database was encrypted with the key ${id}, which this server does not have.`,
    )
  }

  /** Whether it need not be sealed anew: not in clear, and with the first key. */
  function isCurrent(text: string): boolean {
    return isSealed(text) && decodeProtectedHeader(text).kid === currentKeyId
  }

  return { currentKeyId, has: (keyId: string) => known.has(keyId), seal, open, isCurrent }
}

/** A secret of ours never begins like a JOSE header. */
export function isSealed(text: string): boolean {
  return text.startsWith('eyJ')
}

/** What tells keys apart, and nothing about them. */
function idOf(text: string): string {
  return createHash('sha256').update('hotpatch secrets key id\0').update(bytesOf(text)).digest('hex').slice(0, 16)
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', text, '', 'hotpatch secrets key', 32))
}
