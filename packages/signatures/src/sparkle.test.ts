import { generateKeyPairSync, sign } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sparkleEd25519 } from './sparkle-ed25519.ts'
import { verifyPlainEd25519 } from './verify-plain-ed25519.ts'

function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
  return { raw, sign: (bytes: Uint8Array) => sign(null, bytes, privateKey) }
}

async function* inPieces(bytes: Uint8Array, size = 7) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const hex = (text: string) => Buffer.from(text, 'hex')

describe('RFC 8032 §7.1', () => {
  test.each([
    [
      '',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      'af82',
      'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ],
  ])('%s', async (message, publicKey, signature) => {
    expect(await verifyPlainEd25519(hex(publicKey), inPieces(hex(message)), hex(signature))).toBe(true)
    expect(await verifyPlainEd25519(hex(publicKey), inPieces(hex(`${message}00`)), hex(signature))).toBe(false)
  })
})

test('what Node signs fits, and with one bit changed of anything it does not', async () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 })
  await fc.assert(
    fc.asyncProperty(bytes, fc.nat(), fc.integer({ min: 1, max: 100 }), async (message, place, size) => {
      const key = newKey()
      const signature = key.sign(message)
      expect(await verifyPlainEd25519(key.raw, inPieces(message, size), signature)).toBe(true)
      const flipped = (of: Uint8Array) => {
        const copy = Uint8Array.from(of)
        const at = place % (copy.length * 8)
        copy[at >> 3] = (copy[at >> 3] ?? 0) ^ (1 << (at & 7))
        return copy
      }
      expect(await verifyPlainEd25519(key.raw, inPieces(flipped(message)), signature)).toBe(false)
      expect(await verifyPlainEd25519(key.raw, inPieces(message), flipped(signature))).toBe(false)
      expect(await verifyPlainEd25519(flipped(key.raw), inPieces(message), signature)).toBe(false)
    }),
    { numRuns: 40 },
  )
})

test('a second spelling of a signature is none', async () => {
  const key = newKey()
  const message = Buffer.from('an archive')
  const signature = key.sign(message)
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + ed25519.Point.Fn.ORDER
  const second = Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()
  const twin = Buffer.concat([signature.subarray(0, 32), second])
  expect(await verifyPlainEd25519(key.raw, inPieces(message), twin)).toBe(false)
})

test('a key of small order signs nothing, though it would fit everything', async () => {
  // The neutral element: with R the same and s 0, any message fits.
  const neutral = Buffer.alloc(32)
  neutral[0] = 1
  const signature = Buffer.concat([neutral, Buffer.alloc(32)])
  expect(await verifyPlainEd25519(neutral, inPieces(Buffer.from('anything')), signature)).toBe(false)
  expect(await verifyPlainEd25519(Buffer.alloc(32, 0xff), inPieces(Buffer.from('anything')), signature)).toBe(false)
})

describe('Signing §10.2', () => {
  const key = newKey()
  const file = Buffer.from('an app, as it is bundled\n')
  const fault = (value: string, bytes: Uint8Array = file) =>
    sparkleEd25519.findFault({ publicKey: key.raw.toString('base64'), value, version: '1.0.0', bytes: inPieces(bytes) })

  test('one over these bytes fits', async () => {
    expect(await fault(key.sign(file).toString('base64'))).toBeUndefined()
  })

  test.each([
    ['over other bytes', key.sign(Buffer.from('other bytes')).toString('base64')],
    ['of another key', newKey().sign(file).toString('base64')],
    ['without its padding', key.sign(file).toString('base64').replaceAll('=', '')],
    ['too short', key.sign(file).subarray(1).toString('base64')],
    ['nothing', ''],
    ['no base64', 'sparkle:edSignature="…"'],
  ])('one that is %s does not', async (_name, value) => {
    expect(await fault(value)).toMatch(/^expected .+, found .+$/)
  })
})
