import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import type { Files } from '../publisher.ts'

export function createSigningKey() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { privateKey, publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() }
}

/** With the signature that CodePush's own tools put beside the bundle: a JWT over the hash of the files. */
export function signPackage(files: Files, privateKey: KeyObject): Files {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const entries = Object.entries(files).map(([path, text]) => `${path}:${sha256(text)}`)
  const claims = { claimVersion: '1.0.0', contentHash: sha256(JSON.stringify(entries.sort())) }
  const said = [{ alg: 'RS256', typ: 'JWT' }, claims].map((part) => base64url(JSON.stringify(part))).join('.')
  const signature = sign('sha256', Buffer.from(said), privateKey)
  return { ...files, 'CodePush/.codepushrelease': `${said}.${base64url(signature)}` }
}

const base64url = (bytes: string | Buffer) => Buffer.from(bytes).toString('base64url')
