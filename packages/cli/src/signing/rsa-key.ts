import { createPrivateKey, createPublicKey, createSign, type KeyObject } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'

/** A key whose public half a client of others was built with (Signing §10). The private half never leaves this object. */
export interface RsaKey {
  path: string
  /** PEM of its SPKI, as it is registered. */
  publicKey: string
  /** SHA256withRSA over the bytes of a file, in base64: the same bytes always have the same signature. */
  signFile(path: string): Promise<string>
  /** The same over the 32 bytes of a SHA-256, which comes in hex. */
  signDigest(sha256: string): string
  /** The same over the UTF-8 of a text. */
  signText(text: string): Buffer
}

const MIN_BITS = 2048
const MAX_BITS = 8192
const MAX_CHARACTERS = 20_000

/** @throws CommandError key-missing or key-unreadable, without a word of what is in the file */
export async function readRsaKey(path: string): Promise<RsaKey> {
  const key = parse(createPrivateKey, await readPem(path))
  if (!key || !isFit(key)) throw unfit(`a private RSA key of ${MIN_BITS} to ${MAX_BITS} bits`, path, key)
  return {
    path,
    publicKey: spkiOf(key),
    async signFile(file) {
      const signer = createSign('sha256')
      await pipeline(createReadStream(file), signer)
      return signer.sign(key, 'base64')
    },
    signText: (text) => createSign('sha256').update(text).sign(key),
    signDigest: (sha256) => createSign('sha256').update(Buffer.from(sha256, 'hex')).sign(key, 'base64'),
  }
}

/** The public half, also where the file has the private one. */
export async function readRsaPublicKey(path: string): Promise<string> {
  const key = parse(createPublicKey, await readPem(path))
  if (key && isFit(key)) return spkiOf(key)
  throw unfit(`the PEM of an RSA key of ${MIN_BITS} to ${MAX_BITS} bits`, path, key)
}

/** In the spelling by which keys are compared; undefined when it is none. */
export function publicPemOf(pem: string): string | undefined {
  const key = parse(createPublicKey, pem)
  return key && isFit(key) ? spkiOf(key) : undefined
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) {
      throw new CommandError('key-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
    }
    throw new CommandError('key-missing', `Expected an RSA key in ${path}, found no such file.`, { cause })
  }
}

/** Errors of the parser may quote what they could not read. */
function parse(create: (pem: string) => KeyObject, pem: string): KeyObject | undefined {
  if (pem.length > MAX_CHARACTERS) return undefined
  try {
    return create(pem)
  } catch {
    return undefined
  }
}

function isFit(key: KeyObject): boolean {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  return key.asymmetricKeyType === 'rsa' && bits >= MIN_BITS && bits <= MAX_BITS
}

function unfit(expected: string, path: string, key: KeyObject | undefined): CommandError {
  const found = key
    ? `${key.asymmetricKeyDetails?.modulusLength ?? 0} bits of ${key.asymmetricKeyType ?? 'another kind'}`
    : 'none'
  return new CommandError('key-unreadable', `Expected ${expected} in ${path}, without a passphrase; found ${found}.`)
}

/** In its one spelling, by which keys are compared. */
function spkiOf(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key
  return half.export({ type: 'spki', format: 'pem' }).toString()
}
