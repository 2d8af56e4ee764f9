import { execFileSync } from 'node:child_process'
import { scryptSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openMinisignSecretKey, type MinisignSecretKey } from './minisign-secret-key.ts'
import { readMinisignKey } from './minisign-text.ts'
import { minisign } from './minisign.ts'

interface Vectors {
  keys: { comment: string; secretKey: string; publicKey: string; password: string | null }[]
}
const VECTORS = new URL('../../../vectors/minisign-secret-keys.json', import.meta.url)
const { keys } = JSON.parse(readFileSync(VECTORS, 'utf8')) as Vectors
const [plain = { secretKey: '', publicKey: '' }] = keys

async function open(text: string, password?: string): Promise<MinisignSecretKey> {
  const opened = await openMinisignSecretKey(text, password)
  if (opened.kind !== 'opened') throw new Error(opened.kind)
  return opened.key
}

/** The same key under a password, at a cost that a test can bear. */
function encrypted(password: string, { operations = 32_768n, memory = 2n ** 20n } = {}): string {
  const [comment = '', line = ''] = plain.secretKey.split('\n')
  const bytes = Buffer.from(line, 'base64')
  bytes.write('Sc', 2, 'latin1')
  bytes.fill(7, 6, 38)
  bytes.writeBigUInt64LE(operations, 38)
  bytes.writeBigUInt64LE(memory, 46)
  const stream = scryptSync(password, bytes.subarray(6, 38), 104, { N: 1024, r: 8, p: 1 })
  for (const [index, byte] of stream.entries()) bytes.writeUInt8(bytes.readUInt8(54 + index) ^ byte, 54 + index)
  return `${comment}\n${bytes.toString('base64')}\n`
}

async function* once(bytes: Uint8Array) {
  yield bytes
}

const hasMinisign = (() => {
  try {
    execFileSync('minisign', ['-v'], { stdio: 'ignore' })
    return true
  } catch {
    return false // there is none here, and it is only held against one that is
  }
})()

const MANIFESTS = new URL('../../../vectors/kit/manifests.json', import.meta.url)
const manifests = JSON.parse(readFileSync(MANIFESTS, 'utf8')) as {
  minisignPublicKey: string
  signed: { name: string; text: string; minisig: string }[]
}

test.each(manifests.signed)('of a kit, what minisign itself has signed: $name', async ({ text, minisig }) => {
  const { release_id: version } = JSON.parse(text) as { release_id: string }
  const signed = { publicKey: manifests.minisignPublicKey, value: Buffer.from(minisig).toString('base64'), version }
  expect(await minisign.findFault({ ...signed, bytes: once(Buffer.from(text)) })).toBeUndefined()
  expect(await minisign.findFault({ ...signed, bytes: once(Buffer.from(`${text} `)) })).toMatch(/over others/)
})

describe('a secret key of minisign (Signing §10.1)', () => {
  test.each(keys)('is opened: $comment', async ({ secretKey, publicKey, password }) => {
    const key = await open(secretKey, password ?? undefined)
    expect(key.publicKey).toBe(publicKey)
    expect(key.keyId).toBe(readMinisignKey(publicKey)?.keyId)
  })

  test('asks for its password, and takes no other', async () => {
    const text = encrypted('right')
    expect(await openMinisignSecretKey(text, undefined)).toEqual({ kind: 'needs-password' })
    expect(await openMinisignSecretKey(text, 'wrong')).toEqual({ kind: 'wrong-password' })
    expect((await open(text, 'right')).publicKey).toBe(plain.publicKey)
  })

  test('signs what everybody verifies', async () => {
    const key = await open(plain.secretKey)
    const bytes = Buffer.from('a manifest')
    const text = key.sign(bytes, { untrusted: 'of a test', trusted: 'timestamp:1\tfile:latest.json\tversion:1.2.0' })
    const signed = { publicKey: plain.publicKey, value: Buffer.from(text).toString('base64') }
    expect(await minisign.findFault({ ...signed, version: '1.2.0', bytes: once(bytes) })).toBeUndefined()
    expect(await minisign.findFault({ ...signed, version: '1.2.1', bytes: once(bytes) })).toMatch(/version 1\.2\.0/)
    const other = once(Buffer.from('another'))
    expect(await minisign.findFault({ ...signed, version: '1.2.0', bytes: other })).toMatch(/over others/)
  })

  test.skipIf(!hasMinisign)('signs what minisign itself verifies, with the comment that was signed', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hotpatch-minisign-'))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    const file = join(directory, 'latest.json')
    const key = await open(plain.secretKey)
    const verify = () =>
      execFileSync('minisign', ['-V', '-m', file, '-P', plain.publicKey], { stdio: 'pipe' }).toString()
    for (const bytes of [Buffer.from('{}'), Buffer.alloc(0), Buffer.alloc(100_000, 'é')]) {
      writeFileSync(file, bytes)
      writeFileSync(`${file}.minisig`, key.sign(bytes, { untrusted: 'x', trusted: 'file:latest.json hashed' }))
      expect(verify()).toContain('Trusted comment: file:latest.json hashed')
    }
    writeFileSync(file, 'another')
    expect(verify).toThrow(/verification failed/)
  })

  test('has comments of one line', async () => {
    const key = await open(plain.secretKey)
    for (const comments of [
      { untrusted: 'a\nb', trusted: 'c' },
      { untrusted: 'a', trusted: 'b\rc' },
    ]) {
      expect(() => key.sign(Buffer.alloc(1), comments)).toThrow(RangeError)
    }
  })

  test('that takes far more memory than minisign does is not opened', async () => {
    for (const cost of [{ memory: 2n ** 40n }, { operations: 2n ** 40n }]) {
      expect(await openMinisignSecretKey(encrypted('x', cost), 'x')).toMatchObject({ kind: 'unreadable' })
    }
  })

  test('is one, or not, whatever it is; and what is told is no word of it', async () => {
    const [, line = ''] = plain.secretKey.split('\n')
    const bytes = Buffer.from(line, 'base64')
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(bytes)
        changed.writeUInt8(changed.readUInt8(at) ^ flip, at)
        const opened = await openMinisignSecretKey(changed.toString('base64'), undefined)
        expect(JSON.stringify(opened)).not.toContain(line.slice(80, 100))
        // Seed and public half do not fit any more; the id is anybody's, and what checks it is not needed.
        if (at >= 62 && at < 126) expect(opened.kind).toBe('unreadable')
      }),
      { numRuns: 200 },
    )
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.base64String()), async (text) => {
        expect(await openMinisignSecretKey(text, 'x')).toMatchObject({ kind: 'unreadable' })
      }),
    )
  })
})
