import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'

/** The few forms of DER that certificates and signed messages are made of. */
export function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length =
    body.length < 0x80
      ? Buffer.from([body.length])
      : lengthOf(Buffer.from(body.length.toString(16).padStart(8, '0'), 'hex'))
  return Buffer.concat([Buffer.from([tag]), length, body])
}

function lengthOf(bytes: Buffer): Buffer {
  const short = bytes.subarray(bytes.findIndex((byte) => byte !== 0))
  return Buffer.concat([Buffer.from([0x80 | short.length]), short])
}

export const sequence = (...parts: readonly Buffer[]) => der(0x30, ...parts)
export const setOf = (...parts: readonly Buffer[]) => der(0x31, ...parts)
export const octets = (bytes: Buffer) => der(0x04, bytes)
const integer = (value: number) => der(0x02, Buffer.from([value]))
const objectId = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))

const ECDSA_WITH_SHA256 = sequence(objectId('2a8648ce3d040302'))
const SHA256 = sequence(objectId('608648016503040201'))
const COMMON_NAME = objectId('550403')
const DATA = objectId('2a864886f70d010701')
const SIGNED_DATA = objectId('2a864886f70d010702')

/** Who signs apps: a key on the curve P-256 and a certificate that it signed itself. */
export interface Signer {
  privateKey: KeyObject
  publicKey: Buffer
  certificate: Buffer
  name: Buffer
  serial: Buffer
}

export function makeSigner(name = 'Test'): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const issuer = sequence(setOf(sequence(COMMON_NAME, der(0x0c, Buffer.from(name)))))
  const serial = integer(1)
  const validity = sequence(...['240101000000Z', '490101000000Z'].map((time) => der(0x17, Buffer.from(time))))
  const version = der(0xa0, integer(2))
  const toSign = sequence(version, serial, ECDSA_WITH_SHA256, issuer, validity, issuer, spki)
  const signature = der(0x03, Buffer.from([0]), sign('sha256', toSign, privateKey))
  const certificate = sequence(toSign, ECDSA_WITH_SHA256, signature)
  return { privateKey, publicKey: spki, certificate, name: issuer, serial }
}

/** A message that carries its content (CMS), as a provisioning profile is one. */
export function signedMessage(content: Buffer, signer: Signer): Buffer {
  const signature = octets(sign('sha256', content, signer.privateKey))
  const signerInfo = sequence(integer(1), sequence(signer.name, signer.serial), SHA256, ECDSA_WITH_SHA256, signature)
  const inner = sequence(DATA, der(0xa0, octets(content)))
  const certificates = der(0xa0, signer.certificate)
  const signed = sequence(integer(1), setOf(SHA256), inner, certificates, setOf(signerInfo))
  return sequence(SIGNED_DATA, der(0xa0, signed))
}
