import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  chunksOf,
  encryptedSize,
  EncryptionError,
  openEncryptedFile,
  openHpke,
  readEncryptedHead,
  readHeadLength,
  sealEncryptedFile,
  sealHpke,
  type EncryptedPurpose,
  type SealingCrypto,
} from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import { createNodeEncryption } from './node-encryption.ts'

const crypto = createNodeEncryption()
const bytes = (hex: string) => Buffer.from(hex, 'hex')
const hex = (found: Uint8Array | undefined) => found && Buffer.from(found).toString('hex')

interface HpkeCase {
  comment: string
  keyBytes: 16 | 32
  info: string
  associated: string
  ephemeralPrivateKey?: string
  recipientPrivateKey: string
  recipientPublicKey: string
  plain: string
  encapsulated: string
  sealed: string
}

interface FileVectors {
  testOnlyKeys: { keyId: string; privateKey: string; publicKey: string }[]
  opened: (FileCase & { random: string[]; recipients: string[]; plain: string; isHandMade?: true })[]
  long: {
    comment: string
    random: string[]
    recipients: string[]
    repeat: string
    sizeBytes: number
    head: string
    encryptedBytes: number
    encryptedSha256: string
  }[]
  refused: (FileCase & { code: string })[]
}

interface FileCase {
  comment: string
  keys: string[]
  purpose: EncryptedPurpose
  file: string
}

const vectorsOf = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../../vectors/encryption/${name}.json`, import.meta.url), 'utf8'))
const hpke = vectorsOf('hpke') as { cases: HpkeCase[] }
const files = vectorsOf('files') as FileVectors

describe('HPKE', () => {
  test.each(hpke.cases)('$comment', async ({ keyBytes, ...given }) => {
    const input = { info: bytes(given.info), associated: bytes(given.associated), keyBytes }
    const message = { encapsulated: bytes(given.encapsulated), sealed: bytes(given.sealed) }
    const privateKey = bytes(given.recipientPrivateKey)
    expect(hex(await openHpke(message, { ...input, privateKey }, crypto))).toBe(given.plain)
    const publicKey = bytes(given.recipientPublicKey)
    const ephemeral = given.ephemeralPrivateKey ? { ephemeralKey: bytes(given.ephemeralPrivateKey) } : {}
    const sealed = await sealHpke(bytes(given.plain), { ...input, publicKey, ...ephemeral }, crypto)
    if (given.ephemeralPrivateKey) {
      expect([hex(sealed?.encapsulated), hex(sealed?.sealed)]).toEqual([given.encapsulated, given.sealed])
    }
    expect(sealed && hex(await openHpke(sealed, { ...input, privateKey }, crypto))).toBe(given.plain)
    expect(sealed && (await openHpke(sealed, { ...input, info: bytes('00'), privateKey }, crypto))).toBeUndefined()
  })
})

describe('encrypted files', () => {
  test.each(files.opened)('$comment', async ({ file, keys, purpose, plain, random, recipients, isHandMade }) => {
    expect(hex(await openWhole(bytes(file), keys, purpose))).toBe(plain)
    if (isHandMade) return
    const { header } = readEncryptedHead(headOf(bytes(file)))
    expect(hex((await sealWhole(bytes(plain), header, { random, recipients })).file)).toBe(file)
  })

  test.each(files.long)('$comment', async ({ repeat, sizeBytes, head, encryptedBytes, encryptedSha256, ...how }) => {
    const plain = Buffer.alloc(sizeBytes, repeat)
    const { header } = readEncryptedHead(bytes(head))
    const { file } = await sealWhole(plain, header, how)
    expect([file.length, digestOf(file)]).toEqual([encryptedBytes, encryptedSha256])
    expect(await openWhole(file, how.recipients, 'archive')).toEqual(plain)
  })

  test.each(files.refused)('refuses $comment', async ({ file, keys, purpose, code }) => {
    const error = await openWhole(bytes(file), keys, purpose).then(
      () => undefined,
      (cause: unknown) => cause,
    )
    expect(error).toBeInstanceOf(EncryptionError)
    expect(error).toMatchObject({ code })
  })

  test('chunks that are left out, put elsewhere or put twice do not open', async () => {
    const { random, recipients, repeat, sizeBytes, head } = files.long.at(-1) as FileVectors['long'][number]
    const { header } = readEncryptedHead(bytes(head))
    const { file } = await sealWhole(Buffer.alloc(sizeBytes, repeat), header, { random, recipients })
    const { bytes: headBytes } = readEncryptedHead(headOf(file))
    const parts = [...chunksOf({ header, bytes: headBytes })].map(({ offset, sealedBytes }) =>
      file.subarray(offset, offset + sealedBytes),
    )
    const [first = file, second = file, last = file] = parts
    const wrong = [
      [second, first, last],
      [first, first, last],
      [first, second],
      [first, last],
      [last, second, first],
    ]
    for (const order of wrong) {
      const changed = Buffer.concat([headBytes, ...order])
      await expect(openWhole(changed, recipients, 'archive')).rejects.toMatchObject({ code: 'damaged' })
    }
  })

  test('a public key that is none is refused before anything is made', async () => {
    const facts = { purpose: 'archive' as const, sha256: digestOf(Buffer.alloc(1)), sizeBytes: 1, tree: '0'.repeat(64) }
    const none = [{ keyId: '0'.repeat(16), publicKey: new Uint8Array(32) }]
    await expect(sealEncryptedFile(facts, none, crypto)).rejects.toMatchObject({ code: 'damaged' })
  })
})

function keysNamed(ids: readonly string[]) {
  return ids.map((id) => {
    const { privateKey = '', publicKey = '' } = files.testOnlyKeys.find(({ keyId }) => keyId === id) ?? {}
    return { keyId: id, privateKey: bytes(privateKey), publicKey: bytes(publicKey) }
  })
}

function headOf(file: Buffer): Buffer {
  return file.subarray(0, readHeadLength(file))
}

async function openWhole(file: Buffer, keyIds: readonly string[], purpose: EncryptedPurpose): Promise<Buffer> {
  const head = readEncryptedHead(headOf(file))
  const opener = await openEncryptedFile(head, { keys: keysNamed(keyIds), purpose }, crypto)
  const plain: Uint8Array[] = []
  for (const chunk of chunksOf(head)) {
    plain.push(await opener.open(chunk, file.subarray(chunk.offset, chunk.offset + chunk.sealedBytes)))
  }
  // As whoever reads files from a disk sees at once.
  if (file.length !== encryptedSize(head)) throw new EncryptionError('damaged', 'It has another size.')
  return Buffer.concat(plain)
}

async function sealWhole(
  plain: Buffer,
  facts: Omit<Parameters<typeof sealEncryptedFile>[0], 'sha256' | 'sizeBytes'>,
  { random, recipients }: { random: string[]; recipients: string[] },
) {
  const left = [...random]
  const fixed: SealingCrypto = { ...crypto, randomBytes: () => bytes(left.shift() ?? '') }
  const whole = { ...facts, sha256: digestOf(plain), sizeBytes: plain.length }
  const { head, seal } = await sealEncryptedFile(whole, keysNamed(recipients), fixed)
  const parts = [head.bytes]
  for (const chunk of chunksOf(head)) {
    parts.push(await seal(chunk, plain.subarray(chunk.plainOffset, chunk.plainOffset + chunk.plainBytes)))
  }
  return { file: Buffer.concat(parts) }
}

function digestOf(found: Uint8Array): string {
  return createHash('sha256').update(found).digest('hex')
}
