import { createPrivateKey, createPublicKey, privateEncrypt, constants, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'

/** Where Capgo's own tool leaves the developer's private key, in the folder of the app. */
export const CAPGO_KEY_FILE = '.capgo_key_v2'

/** Plain text says which key by the beginning of its public half: as many characters as the plugin sends. */
const KEY_ID_CHARACTERS = 20
const KEY_BITS = 2048
const MAX_KEY_CHARACTERS = 20_000

/** The RSA key whose public half the app's binaries carry. It never leaves the developer's machine. */
export interface CapgoKey {
  /** As the plugin tells it with every check. */
  keyId: string
  /** What a device opens with the public half: at most 245 bytes. */
  seal(bytes: Uint8Array): Buffer
}

/** @throws CommandError key-missing or key-unreadable, without a word of what is in the file */
export async function readCapgoKey(path: string): Promise<CapgoKey> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (hasCode(cause, 'ENOENT')) {
      const expected = `Expected the app's private key in ${path}, found no such file.`
      const advice = "It is made by Capgo's own tool, beside the public key in the app's configuration."
      throw new CommandError('key-missing', `${expected} ${advice}`, { cause })
    }
    throw new CommandError('key-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  })
  return parseCapgoKey(text, path)
}

export function parseCapgoKey(text: string, path: string): CapgoKey {
  const key = parsePrivateKey(text)
  const { modulusLength } = key?.asymmetricKeyDetails ?? {}
  if (!key || key.asymmetricKeyType !== 'rsa' || modulusLength !== KEY_BITS) {
    const found = key ? `${modulusLength ?? 0} bits of ${key.asymmetricKeyType ?? 'another kind'}` : 'none'
    const expected = `Expected a private RSA key of ${KEY_BITS} bits in ${path}, without a passphrase`
    throw new CommandError('key-unreadable', `${expected}; found ${found}.`)
  }
  return {
    keyId: keyIdOf(createPublicKey(key)),
    seal: (bytes) => privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, bytes),
  }
}

/** Of the public half as the app's configuration has it; undefined when that is no such key. */
export function capgoKeyIdOf(publicPem: string): string | undefined {
  try {
    const key = createPublicKey(publicPem)
    return key.asymmetricKeyType === 'rsa' ? keyIdOf(key) : undefined
  } catch {
    return undefined
  }
}

/** Errors of the parser may quote what they could not read. */
function parsePrivateKey(text: string): KeyObject | undefined {
  if (text.length > MAX_KEY_CHARACTERS) return undefined
  try {
    return createPrivateKey(text)
  } catch {
    return undefined
  }
}

/** The first characters of the PKCS#1 public key in base64: what stands in the app's configuration below its heading. */
function keyIdOf(publicKey: KeyObject): string {
  // OpenSSL 3.5 writes no PKCS#1 of a key that it has read from PKCS#1.
  const plain = createPublicKey({ key: publicKey.export({ format: 'jwk' }), format: 'jwk' })
  const der = plain.export({ type: 'pkcs1', format: 'der' })
  return der.toString('base64').slice(0, KEY_ID_CHARACTERS)
}
