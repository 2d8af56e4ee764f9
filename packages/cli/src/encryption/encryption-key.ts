import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { encryptionKeyId } from '../config/encryption-recipients.ts'
import { userDirectory, writePrivateFile } from '../config/config-file.ts'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'

/** A pair of X25519 (Encryption §1): who has the public half encrypts, who has the private one opens. */
export interface EncryptionKeyPair {
  path: string
  keyId: string
  /** Raw 32 bytes in base64: what goes into hotpatch.json. */
  publicKey: string
  /** The same of the private half, which goes into the app's binary: a secret. */
  privateKey: () => Uint8Array
}

/** Of `--key`, or of the key that is used without one. */
export function encryptionKeyPath({ env, cwd }: Pick<CliContext, 'env' | 'cwd'>, option: string | undefined): string {
  return option === undefined ? join(userDirectory(env), 'encryption_key.pem') : resolve(cwd, option)
}

/** Never over another key: nothing that was encrypted for that could be opened again. */
export async function generateEncryptionKey(path: string, programName: string): Promise<EncryptionKeyPair> {
  const { privateKey } = generateKeyPairSync('x25519')
  try {
    await writePrivateFile(path, String(privateKey.export({ type: 'pkcs8', format: 'pem' })), { replace: false })
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST')) throw cause
    const another = `Another key, such as the next one: ${programName} encryption-keys generate --key next.pem`
    throw new CommandError('key-exists', `${path} exists, and nothing is overwritten. ${another}`, { cause })
  }
  return pairOf(privateKey, path)
}

/** @throws CommandError key-missing, key-unreadable or key-invalid, without a word of what is in the file */
export async function readEncryptionKey(path: string): Promise<EncryptionKeyPair> {
  const pem = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (hasCode(cause, 'ENOENT')) {
      const advice = 'Make one: hotpatch encryption-keys generate'
      throw new CommandError('key-missing', `There is no encryption key at ${path}. ${advice}`, { cause })
    }
    throw new CommandError('key-unreadable', `The encryption key ${path} cannot be read: ${systemReason(cause)}.`, {
      cause,
    })
  })
  const key = parsePrivateKey(pem)
  if (key?.asymmetricKeyType === 'x25519') return pairOf(key, path)
  const found = key ? `one of type ${key.asymmetricKeyType}` : 'something else'
  throw new CommandError(
    'key-invalid',
    `${path}: expected an X25519 private key in PEM without a passphrase, found ${found}.`,
  )
}

/** Errors of the parser may quote what they could not read. */
function parsePrivateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}

function pairOf(key: KeyObject, path: string): EncryptionKeyPair {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  const raw = Buffer.from(x, 'base64url')
  return {
    path,
    keyId: encryptionKeyId(raw),
    publicKey: raw.toString('base64'),
    privateKey: () => Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'),
  }
}
