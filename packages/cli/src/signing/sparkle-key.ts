import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { readStandardInput } from '../arguments/standard-input.ts'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'

/** A key of Sparkle. The private half never leaves this object. */
export interface SparkleKey {
  /** SUPublicEDKey. */
  publicKey: string
  /** Base64, as sign_update does. */
  sign(bytes: Uint8Array): string
}

/** Of an Ed25519 key in PKCS #8, before its seed: RFC 8410 §7. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SEED_BYTES = 32

/**
 * What `generate_keys -x` writes: the seed in base64. Or an Ed25519 key in PEM.
 * @param file `-` is standard input
 * @throws CommandError key-missing or key-invalid, without a word of what is in it
 */
export async function readSparkleKey({ cwd, stdin }: CliContext, file: string): Promise<SparkleKey> {
  const path = file === '-' ? 'standard input' : resolve(cwd, file)
  const text = (file === '-' ? await readStandardInput(stdin, 'a key') : await readKeyFile(path)).trim()
  const key = parse(text)
  if (key?.asymmetricKeyType === 'ed25519') {
    const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
    return {
      publicKey: Buffer.from(x, 'base64url').toString('base64'),
      sign: (bytes) => sign(null, bytes, key).toString('base64'),
    }
  }
  const expected = 'what "generate_keys -x" writes, 32 bytes in base64, or an Ed25519 private key in PEM'
  const found = key ? `one of type ${key.asymmetricKeyType}` : isOld(text) ? 'one in its old form' : 'something else'
  const advice = isOld(text) ? ' Export it again with generate_keys of Sparkle 2, or sign with sign_update.' : ''
  throw new CommandError('key-invalid', `${path}: expected ${expected}, found ${found}.${advice}`)
}

/** An expanded private key and its public half: of that there is no way back to a seed. */
function isOld(text: string): boolean {
  return Buffer.from(text, 'base64').length === 96
}

function parse(text: string): KeyObject | undefined {
  const seed = Buffer.from(text, 'base64')
  const isSeed = seed.length === SEED_BYTES && seed.toString('base64') === text
  try {
    return isSeed
      ? createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
      : createPrivateKey(text)
  } catch {
    // Without the cause: messages about keys should not even have a chance to quote one.
    return undefined
  }
}

async function readKeyFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) throw new CommandError('key-missing', `There is no key at ${path}.`, { cause })
    throw new CommandError('key-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}
