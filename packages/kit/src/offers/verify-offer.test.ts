import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { createNodeCrypto } from '@hotpatch/client/node'
import { describe, expect, test } from 'vitest'
import signing from '../../../../vectors/signing.json' with { type: 'json' }
import { readSignatureFile, readSignatureHeader, type OfferSignature } from './offer-signatures.ts'
import { verifyOffer } from './verify-offer.ts'

const [key, otherKey] = signing.testOnlyKeys
if (!key || !otherKey) throw new Error('expected two keys in vectors/signing.json')
const BYTES = new TextEncoder().encode('{"schema_version":1}')
const crypto = createNodeCrypto()

function signedBy({ privateKeySeed }: { privateKeySeed: string }, bytes: Uint8Array = BYTES): OfferSignature {
  const der = Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    Buffer.from(privateKeySeed, 'base64'),
  ])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  expect(createPublicKey(privateKey).asymmetricKeyType).toBe('ed25519')
  return { scheme: 'ed25519', keyId: undefined, value: sign(null, bytes, privateKey).toString('base64') }
}

describe('verifyOffer', () => {
  test('one of several signatures by one of several keys is enough', async () => {
    const signatures = [signedBy(otherKey), signedBy(key)]
    expect(await verifyOffer(BYTES, signatures, ['no key', key.publicKey], crypto)).toEqual({
      kind: 'verified',
      publicKey: key.publicKey,
    })
  })

  test('none at all is another answer than a wrong one', async () => {
    expect(await verifyOffer(BYTES, [], [key.publicKey], crypto)).toEqual({
      kind: 'refused',
      code: 'signature-missing',
    })
  })

  test.each([
    ['of another key', [signedBy(otherKey)], [key.publicKey]],
    ['over other bytes', [signedBy(key, new Uint8Array([1]))], [key.publicKey]],
    ['that is no base64', [{ scheme: 'ed25519', keyId: undefined, value: '…' }], [key.publicKey]],
    ['in another spelling', [{ ...signedBy(key), value: signedBy(key).value.replace(/=+$/, '') }], [key.publicKey]],
    ['without a key to hold it against', [signedBy(key)], []],
    ['that says it is another scheme', [{ ...signedBy(key), scheme: 'minisign' }], [key.publicKey]],
  ] as [string, OfferSignature[], string[]][])('refuses one %s', async (_what, signatures, keys) => {
    expect(await verifyOffer(BYTES, signatures, keys, crypto)).toEqual({ kind: 'refused', code: 'signature-invalid' })
  })

  test('minisign is asked of its port, and nobody else', async () => {
    const minisignKey = `RW${'A'.repeat(54)}`
    const signatures: OfferSignature[] = [{ scheme: 'minisign', keyId: undefined, value: 'text' }]
    expect((await verifyOffer(BYTES, signatures, [minisignKey], crypto)).kind).toBe('refused')
    const asked: unknown[] = []
    const withMinisign = { ...crypto, verifyMinisign: (...args: unknown[]) => asked.push(args) > 0 }
    expect(await verifyOffer(BYTES, signatures, [minisignKey], withMinisign)).toEqual({
      kind: 'verified',
      publicKey: minisignKey,
    })
    expect(asked).toEqual([[minisignKey, BYTES, 'text']])
  })
})

describe('signatures beside an offer', () => {
  test('come in a header', () => {
    expect(
      readSignatureHeader('ed25519;keyid="21fe31dfa154a261";sig="QUJD", minisign;sig="REVG", later;sig="R0hJ"'),
    ).toEqual([
      { scheme: 'ed25519', keyId: '21fe31dfa154a261', value: 'QUJD' },
      { scheme: 'minisign', keyId: undefined, value: 'REVG' },
    ])
    expect(readSignatureHeader(undefined)).toEqual([])
    expect(readSignatureHeader('ed25519;sig=QUJD, "')).toEqual([])
    expect(readSignatureHeader(`ed25519;sig="${'A'.repeat(20_000)}"`)).toEqual([])
  })

  test('come in a file', () => {
    const text = JSON.stringify({
      signatures: [
        { scheme: 'ed25519', keyId: 'a', value: 'QUJD' },
        { scheme: 'later', value: '' },
      ],
    })
    expect(readSignatureFile(text)).toEqual([{ scheme: 'ed25519', keyId: 'a', value: 'QUJD' }])
    expect(() => readSignatureFile('{"signatures":[{"scheme":1}]}')).toThrow('/signatures/0/scheme')
    expect(() => readSignatureFile('{}')).toThrow('/signatures')
  })
})
