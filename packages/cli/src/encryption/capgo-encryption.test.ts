import { createDecipheriv, createHash, generateKeyPairSync, publicDecrypt } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, test } from 'vitest'
import { createCapgoSession } from './capgo-encryption.ts'
import { parseCapgoKey, readCapgoKey } from './capgo-key.ts'

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = pair.privateKey.export({ type: 'pkcs1', format: 'pem' })
const publicPem = pair.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const key = parseCapgoKey(pem.toString(), 'key')

/** What a device does, which has the public key only. */
function open(sealed: string, encoding: 'hex' | 'base64'): Buffer {
  return publicDecrypt(publicPem, Buffer.from(sealed, encoding))
}

function decrypt(bytes: Buffer, sessionKey: string): Buffer {
  const [vector = '', sealed = ''] = sessionKey.split(':')
  const decipher = createDecipheriv('aes-128-cbc', open(sealed, 'base64'), Buffer.from(vector, 'base64'))
  return Buffer.concat([decipher.update(bytes), decipher.final()])
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

test('a device opens with the public key what was encrypted, and knows that it is whole', async () => {
  const directory = await temporaryDirectory()
  const plain = Buffer.from('any bytes '.repeat(50_000))
  await writeFile(join(directory, 'plain'), plain)
  const session = createCapgoSession(key)
  const { checksum, sizeBytes } = await session.encryptFile(join(directory, 'plain'), join(directory, 'encrypted'))
  const encrypted = await readFile(join(directory, 'encrypted'))
  expect(checksum).toMatch(/^[0-9a-f]{512}$/)
  expect(sizeBytes).toBe(encrypted.length)
  expect(decrypt(encrypted, session.sessionKey)).toEqual(plain)
  expect(open(checksum, 'hex').toString('hex')).toBe(sha256(plain))
})

test('parts: large ones that shrink are compressed below the encryption, and empty ones cannot travel', () => {
  const session = createCapgoSession(key)
  const text = Buffer.from('const one = 1\n'.repeat(1000))
  const large = session.encryptPart('assets/main.js', text)
  expect(large?.name).toBe('assets/main.js.br')
  expect(brotliDecompressSync(decrypt(large?.bytes ?? Buffer.alloc(0), session.sessionKey))).toEqual(text)
  expect(open(large?.checksum ?? '', 'hex').toString('hex')).toBe(sha256(text))
  const small = session.encryptPart('index.html', Buffer.from('<p>'))
  expect(small?.name).toBe('index.html')
  expect(decrypt(small?.bytes ?? Buffer.alloc(0), session.sessionKey).toString()).toBe('<p>')
  expect(session.encryptPart('empty', Buffer.alloc(0))).toBeUndefined()
})

test('no two sessions have the same key', () => {
  expect(createCapgoSession(key).sessionKey).not.toBe(createCapgoSession(key).sessionKey)
})

test('the id of the key is the beginning of the public key as it stands in the configuration', () => {
  const [, body = ''] = publicPem.split('\n')
  expect(body.startsWith(key.keyId)).toBe(true)
  expect(key.keyId).toHaveLength(20)
})

describe('refuses as a key', () => {
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
  const curve = generateKeyPairSync('ed25519').privateKey
  test.each([
    ['nothing', '', /found none/],
    ['a public key', publicPem, /found none/],
    ['a short one', small.export({ type: 'pkcs1', format: 'pem' }).toString(), /found 1024 bits of rsa/],
    ['another kind', curve.export({ type: 'pkcs8', format: 'pem' }).toString(), /0 bits of ed25519/],
    ['an endless one', 'x'.repeat(20_001), /found none/],
  ])('%s', (_case, text, message) => {
    expect(() => parseCapgoKey(text, '.capgo_key_v2')).toThrow(message)
    expect(() => parseCapgoKey(text, '.capgo_key_v2')).toThrow(/2048 bits in \.capgo_key_v2/)
  })

  test('one that is not there', async () => {
    await expect(readCapgoKey('/nowhere/.capgo_key_v2')).rejects.toThrow(/found no such file/)
  })
})
