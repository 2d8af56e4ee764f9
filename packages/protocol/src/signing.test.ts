import fc from 'fast-check'
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { statedArchive } from './content/archive.ts'
import { isKeyId, keyIdOf } from './device-trust.ts'
import { digestSigningInput } from './digest-signature.ts'
import { bytesFromHex, hexFromBytes } from './hex.ts'
import { UnexpectedJsonError } from './json-reader.ts'
import { PLATFORMS } from './platforms.ts'
import {
  MAX_STATEMENT_BYTES,
  readReleaseStatement,
  RELEASE_STATEMENT_TYPE,
  STATED_EMBEDDED,
  statementTime,
  writeReleaseStatement,
  type NewReleaseStatement,
} from './release-statement.ts'

interface Signed {
  comment: string
  signature: string
  publicKey: string
  isValid: boolean
}

interface SigningVectors {
  testOnlyKeys: { privateKeySeed: string; publicKey: string; keyId: string; publicKeyDer: string }[]
  statements: {
    name: string
    comment: string
    statement: NewReleaseStatement
    text: string
    sizeBytes: number
    signature: string
  }[]
  verification: (Signed & { name: string; text: string })[]
  accepted: { comment: string; text: string; reads: NewReleaseStatement }[]
  rejected: { pointer: string; comment: string; text: string }[]
  digests: (Signed & { sha256: string })[]
  invalidDigests: { sha256: string; comment: string }[]
  times: { createdAt: string; time: number | null; comment: string }[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../vectors/signing.json', import.meta.url), 'utf8'),
) as SigningVectors

/** What stands before 32 raw bytes in PKCS #8 and SPKI. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

function isSigned(message: Uint8Array, { signature, publicKey }: Signed): boolean {
  const der = Buffer.concat([PUBLIC_PREFIX, Buffer.from(publicKey, 'base64')])
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return verify(null, message, key, Buffer.from(signature, 'base64'))
}

function signWithTestKey(message: Uint8Array): string {
  const seed = Buffer.from(vectors.testOnlyKeys[0]?.privateKeySeed ?? '', 'base64')
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  return sign(null, message, key).toString('base64')
}

function pointerOf(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return error.pointer
    throw error
  }
}

test.each(vectors.testOnlyKeys)('the id of the key $publicKey is $keyId (Signing §9)', ({ publicKey, keyId }) => {
  const sha256 = createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex')
  expect(keyIdOf(sha256)).toBe(keyId)
  expect(isKeyId(keyId)).toBe(true)
})

describe('statements', () => {
  test.each(vectors.statements)('$name: exact text, and the signature over its bytes', (vector) => {
    const text = writeReleaseStatement(vector.statement)
    expect(text).toBe(vector.text)
    const bytes = Buffer.from(text)
    expect(bytes.length).toBe(vector.sizeBytes)
    expect(signWithTestKey(bytes)).toBe(vector.signature)
    expect(readReleaseStatement(text)).toEqual({ type: RELEASE_STATEMENT_TYPE, ...vector.statement })
  })

  test.each(vectors.verification)('$name: $isValid', (vector) => {
    expect(isSigned(Buffer.from(vector.text), vector)).toBe(vector.isValid)
  })

  test.each(vectors.accepted)('read: $comment', ({ text, reads }) => {
    expect(readReleaseStatement(text)).toEqual({ type: RELEASE_STATEMENT_TYPE, ...reads })
  })

  test.each(vectors.rejected)('refused at "$pointer": $comment', ({ text, pointer }) => {
    expect(pointerOf(() => readReleaseStatement(text))).toBe(pointer)
  })

  test.each(vectors.times)('time of $createdAt: $comment', ({ createdAt, time }) => {
    expect(statementTime({ createdAt })).toBe(time)
  })

  test('at most 200 artifacts, which fit into a statement', () => {
    const statement = (count: number) => {
      const artifacts = Array.from({ length: count }, (_, index) => ({
        name: `components/component-${index}.zip`,
        sha256: 'a'.repeat(64),
        sizeBytes: Number.MAX_SAFE_INTEGER,
      }))
      const files = artifacts.map(({ name }, index) => ({
        platform: 'any' as const,
        architecture: `a-${index}`,
        format: 'zip',
        artifact: name,
      }))
      const { statement: first } = vectors.statements[0] as { statement: NewReleaseStatement }
      return writeReleaseStatement({ ...first, content: { kind: 'binary', files }, artifacts })
    }
    expect(readReleaseStatement(statement(200)).artifacts).toHaveLength(200)
    expect(Buffer.byteLength(statement(200))).toBeLessThan(MAX_STATEMENT_BYTES)
    expect(pointerOf(() => readReleaseStatement(statement(201)))).toBe('/artifacts')
  })
})

test('the example of the document is the first of the vectors', () => {
  const document = readFileSync(new URL('../../../docs/protocol/04-signing.md', import.meta.url), 'utf8')
  const [first] = vectors.statements
  expect(document).toContain(`\n${first?.text}\n`)
  expect(document).toContain(`\n${first?.signature}\n`)
  expect(document).toContain(vectors.testOnlyKeys[0]?.publicKey)
})

describe('digests', () => {
  test.each(vectors.digests)('$comment', (vector) => {
    const input = digestSigningInput(vector.sha256)
    expect(input).toHaveLength(32)
    expect(isSigned(input, vector)).toBe(vector.isValid)
  })

  test.each(vectors.invalidDigests)('not a digest: $comment', ({ sha256 }) => {
    expect(() => digestSigningInput(sha256)).toThrow(RangeError)
  })

  test('hex there and back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(hexFromBytes(bytes)).toBe(Buffer.from(bytes).toString('hex'))
        expect(bytesFromHex(hexFromBytes(bytes))).toEqual(bytes)
      }),
    )
  })
})

describe('properties', () => {
  const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) })
  const requirement = fc.record(
    { minNativeVersion: anyText, nativeRange: anyText, runtimeVersion: anyText },
    { requiredKeys: [] },
  )
  const sha256 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'))
  const artifact = fc.record({ name: anyText, sha256, sizeBytes: fc.maxSafeNat() })
  const common = {
    appId: anyText,
    platform: fc.constantFrom(...PLATFORMS),
    createdAt: anyText,
    requirement,
  }
  const numbers = fc
    .tuple(fc.maxSafeNat(), fc.maxSafeNat())
    .map(([a, b]) => ({ sequence: Math.max(a, b, 1), floor: Math.min(a, b) }))
  const artifacts = fc.uniqueArray(artifact, { minLength: 1, maxLength: 5, selector: ({ name }) => name })
  const platforms = fc.constantFrom(...PLATFORMS)
  const url = fc.constant('https://downloads.example.com/app')
  const stated = fc.oneof(
    artifact.map(statedArchive),
    artifact.map((each) => ({ content: { kind: 'files' as const }, artifacts: [{ ...each, name: 'files.json' }] })),
    fc.record({ artifacts, platform: platforms, url }).map(({ artifacts, ...file }) => {
      const files = artifacts.map(({ name }, index) => ({
        ...file,
        architecture: `a${index}`,
        format: 'zip',
        artifact: name,
      }))
      return { content: { kind: 'binary' as const, files }, artifacts }
    }),
  )
  const contents = fc.oneof(
    fc
      .tuple(fc.record({ ...common, target: fc.constant('release' as const), version: anyText }), stated)
      .map(([named, content]) => ({ ...named, ...content })),
    fc.record(common).map((named) => ({ ...named, ...STATED_EMBEDDED })),
  )

  test('what is written is read again, and its bytes are its text', () => {
    fc.assert(
      fc.property(contents, numbers, (content, { sequence, floor }) => {
        const statement: NewReleaseStatement = { ...content, sequence, floor }
        const text = writeReleaseStatement(statement)
        expect(Buffer.from(text).toString()).toBe(text)
        expect(readReleaseStatement(text)).toEqual({ type: RELEASE_STATEMENT_TYPE, ...statement })
        expect(writeReleaseStatement(readReleaseStatement(text))).toBe(text)
      }),
    )
  })

  test('any JSON is read or refused with a place', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(pointerOf(() => readReleaseStatement(text))).toBeTypeOf('string')
      }),
    )
  })

  test('a statement with any one value replaced is read or refused with a place', () => {
    const fields = [
      'type',
      'appId',
      'platform',
      'target',
      'version',
      'sequence',
      'floor',
      'requirement',
      'content',
      'artifacts',
    ]
    fc.assert(
      fc.property(fc.constantFrom(...fields, 'createdAt'), fc.jsonValue(), (field, value) => {
        const json = JSON.parse(vectors.statements[0]?.text ?? '') as Record<string, unknown>
        const pointer = pointerOf(() => readReleaseStatement(JSON.stringify({ ...json, [field]: value })))
        // A target without its content is told where the content is.
        if (pointer !== undefined) expect(pointer).toMatch(new RegExp(`^/(${field}|content|artifacts|floor)(/|$)`))
      }),
    )
  })
})
