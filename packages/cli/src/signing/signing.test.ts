import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ApiProblem, PROBLEM_TYPE_BASE } from '@hotpatch/api'
import { digestSigningInput, readReleaseStatement, statedArchive } from '@hotpatch/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTool } from '../testing/run-tool.ts'
import { withSequence } from './sequences.ts'
import { signDigest, signStatement } from './sign-statement.ts'
import { findSigningKey, generateSigningKey, getSigningKey, publicKeyForms } from './signing-key.ts'

let path: string

beforeEach(async () => {
  path = join((await createTool()).home, '.rn-ota', 'signing_key.pem')
})

describe('a signing key', () => {
  test("is for its owner's eyes only, and read back as it was", async () => {
    const made = await generateSigningKey(path)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await getSigningKey(path)).toMatchObject({ publicKey: made.publicKey, fingerprint: made.fingerprint })
  })

  test('is never overwritten', async () => {
    const { publicKey } = await generateSigningKey(path)
    await expect(generateSigningKey(path)).rejects.toThrow(
      /You have a signing key already, [0-9a-f]+, in .*It stays as it is\./,
    )
    expect((await getSigningKey(path)).publicKey).toBe(publicKey)
  })

  test('may be absent', async () => {
    expect(await findSigningKey(path)).toBeUndefined()
    await expect(getSigningKey(path)).rejects.toThrow(/There is no signing key at .*keys generate/)
  })

  const pem = (type: 'rsa' | 'ed25519', options: object) =>
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
      : generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem', ...options })
  test.each([
    ['RSA', pem('rsa', {}), /expected an Ed25519 private key, found one of type rsa/],
    ['encrypted', pem('ed25519', { cipher: 'aes-256-cbc', passphrase: 'x' }), /protected by a passphrase/],
    ['public', publicKeyForms(`${'A'.repeat(43)}=`).pem, /found something else/],
    ['garbage', 'secret garbage', /found something else/],
  ])('of another kind is refused: %s', async (_, text, message) => {
    await generateSigningKey(path)
    await writeFile(path, text)
    await expect(getSigningKey(path)).rejects.toThrow(message)
    await expect(getSigningKey(path)).rejects.not.toThrow(/secret|BEGIN/)
  })

  test('has a public half in the forms that apps embed', async () => {
    const { publicKey } = await generateSigningKey(path)
    const { raw, hex, pem } = publicKeyForms(publicKey)
    expect(raw).toBe(publicKey)
    expect(Buffer.from(hex, 'hex').toString('base64')).toBe(raw)
    const { x = '' } = createPublicKey(pem).export({ format: 'jwk' })
    expect(Buffer.from(x, 'base64url').toString('base64')).toBe(raw)
  })
})

test('what is signed can be verified with the public half', async () => {
  const key = await generateSigningKey(path)
  const publicKey = createPublicKey(publicKeyForms(key.publicKey).pem)
  const check = (bytes: Uint8Array, signature: string) =>
    verify(null, bytes, publicKey, Buffer.from(signature, 'base64'))

  const sha256 = 'ab'.repeat(32)
  expect(check(digestSigningInput(sha256), signDigest(key, sha256))).toBe(true)

  const stated = statedArchive({ sha256, sizeBytes: 7 })
  const content = { appId: 'a', platform: 'ios', target: 'release', version: '1.0', floor: 0, ...stated } as const
  const signed = signStatement(key, { ...content, sequence: 3, requirement: {}, createdAt: '2030-01-01T00:00:00Z' })
  const bytes = Buffer.from(signed.statement, 'base64')
  expect(check(bytes, signed.statementSignature)).toBe(true)
  expect(readReleaseStatement(bytes.toString('utf8'))).toMatchObject({ ...content, sequence: 3 })
})

describe('the next sequence', () => {
  const taken = new ApiProblem(409, {
    type: `${PROBLEM_TYPE_BASE}sequence-taken`,
    title: 'Taken',
    status: 409,
    detail: '',
    instance: '',
  })
  const next = async () => 2

  test('is asked for again when somebody took it', async () => {
    const sent: number[] = []
    const send = async (sequence: number) => {
      sent.push(sequence)
      if (sequence === 1) throw taken
      return 'published'
    }
    expect(await withSequence(1, next, send)).toBe('published')
    expect(sent).toEqual([1, 2])
  })

  test('is asked for again as often as others are faster, and not for ever', async () => {
    let tries = 0
    const send = async () => {
      tries += 1
      if (tries <= 8) throw taken
      return 'published'
    }
    expect(await withSequence(1, next, send)).toBe('published')
    await expect(withSequence(1, next, () => Promise.reject(taken))).rejects.toBe(taken)
  })

  test('is not asked for again after another problem', async () => {
    const sent: number[] = []
    const failure = new Error('other')
    const send = async (sequence: number) => {
      sent.push(sequence)
      throw failure
    }
    await expect(withSequence(1, next, send)).rejects.toBe(failure)
    expect(sent).toEqual([1])
  })
})
