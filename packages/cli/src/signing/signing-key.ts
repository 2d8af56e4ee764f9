import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { keyIdOf } from '@hotpatch/protocol'
import { userDirectory, writePrivateFile } from '../config/config-file.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError, hasCode, systemReason } from '../errors/errors.ts'

/** An Ed25519 key pair. The private half never leaves this object. */
export interface SigningKeyPair {
  /** The file, or what else it was read from. */
  path: string
  /** Raw 32 bytes in base64: how the server and the SDKs know the key. */
  publicKey: string
  /** What people compare: the start of the SHA-256 of the raw public key. */
  fingerprint: string
  /** Base64. */
  sign(bytes: Uint8Array): string
}

/** Of `--key`, or of the key that is used without one. */
export function keyPath({ env, cwd }: Pick<CliContext, 'env' | 'cwd'>, option: string | undefined): string {
  return option === undefined ? join(userDirectory(env), 'signing_key.pem') : resolve(cwd, option)
}

/** A key in PEM that came by an environment variable, where line ends are often written as "\\n", or by stdin. */
export function signingKeyOf(pem: string, source: string): SigningKeyPair {
  return keyPairOf(readPrivateKey(pem.replaceAll('\\n', '\n'), source), source)
}

/** Undefined when there is no file. */
export async function findSigningKey(path: string): Promise<SigningKeyPair | undefined> {
  let pem: string
  try {
    pem = await readFile(path, 'utf8')
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined
    throw new CommandError('key-unreadable', `The signing key ${path} cannot be read: ${systemReason(cause)}.`, {
      cause,
    })
  }
  return keyPairOf(readPrivateKey(pem, path), path)
}

export async function getSigningKey(path: string): Promise<SigningKeyPair> {
  const key = await findSigningKey(path)
  if (key) return key
  throw new CommandError('key-missing', `There is no signing key at ${path}. Make one: hotpatch keys generate`)
}

/** Never over another key: releases that it signed could not be followed by any other. */
export async function generateSigningKey(path: string, programName = 'hotpatch'): Promise<SigningKeyPair> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  try {
    await writePrivateFile(path, String(pem), { replace: false })
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST')) throw cause
    throw await keyExists(path, programName)
  }
  return keyPairOf(privateKey, path)
}

/** Whoever asks for a key mostly wants to use one: it says how. */
async function keyExists(path: string, programName: string): Promise<CommandError> {
  const found = await findSigningKey(path).catch((error: unknown) => error as CommandError)
  const another = `Another key, such as a spare: ${programName} keys generate --key spare.pem`
  if (found instanceof Error || !found) {
    const why = found ? ` ${found.message}` : ''
    return new CommandError('key-exists', `${path} exists, and nothing is overwritten.${why}\n${another}`)
  }
  const lines = [
    `You have a signing key already, ${found.fingerprint}, in ${path}. It stays as it is.`,
    `Its public half, for the app: ${programName} keys public --key ${path}`,
    another,
  ]
  const { publicKey, fingerprint } = found
  return new CommandError('key-exists', lines.join('\n'), { details: { path, publicKey, fingerprint } })
}

/** One that is nowhere but in this process, and ends with it. */
export function createSigningKey(name: string): SigningKeyPair {
  return keyPairOf(generateKeyPairSync('ed25519').privateKey, name)
}

/** The forms in which apps embed a public key. */
export function publicKeyForms(publicKey: string) {
  const raw = Buffer.from(publicKey, 'base64')
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }
  const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  return { raw: publicKey, hex: raw.toString('hex'), pem: String(pem) }
}

/** Signing §9. */
export function fingerprintOf(publicKey: string): string {
  return keyIdOf(createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex'))
}

function readPrivateKey(pem: string, path: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    // Without the cause: messages about keys should not even have a chance to quote one.
    const found = /ENCRYPTED/.test(pem) ? 'one that is protected by a passphrase' : 'something else'
    const message = `${path}: expected an Ed25519 private key in PEM without a passphrase, found ${found}.`
    throw new CommandError('key-invalid', message)
  }
  if (key.asymmetricKeyType === 'ed25519') return key
  const message = `${path}: expected an Ed25519 private key, found one of type ${key.asymmetricKeyType}.`
  throw new CommandError('key-invalid', `${message} Make one: hotpatch keys generate`)
}

function keyPairOf(privateKey: KeyObject, path: string): SigningKeyPair {
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  const publicKey = Buffer.from(x, 'base64url').toString('base64')
  return {
    path,
    publicKey,
    fingerprint: fingerprintOf(publicKey),
    sign: (bytes) => sign(null, bytes, privateKey).toString('base64'),
  }
}
