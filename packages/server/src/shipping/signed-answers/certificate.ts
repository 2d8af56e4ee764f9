import { verify, X509Certificate } from 'node:crypto'
import { problem } from '@hotpatch/protocol'
import { hasKeyUsage } from './key-usage.ts'

/** RFC 5280 §4.2.1.12. */
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'
const MIN_BITS = 2_048
const MAX_BITS = 8_192
const MAX_CHAIN = 8
const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/** The certificate of the key that signs answers, as Expo's clients want it: Expo §11. */
export interface AnswerCertificate {
  /** In its one spelling. */
  pem: string
  /** @param signature base64 */
  hasSigned(body: string, signature: string): boolean
  /** Whether another certificate, in PEM, is of the same key. */
  isOfKey(pem: string): boolean
}

/** @throws problem invalid-request that says what a client would refuse */
export function readCertificate(text: string, now: number): AnswerCertificate {
  const certificate = parse(text, 'certificate')
  const { publicKey, keyUsage } = certificate
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0
  if (publicKey.asymmetricKeyType !== 'rsa' || bits < MIN_BITS || bits > MAX_BITS) {
    throw unfit(`an RSA key of ${MIN_BITS} to ${MAX_BITS} bits`, `${publicKey.asymmetricKeyType} of ${bits} bits`)
  }
  if (!(keyUsage as readonly string[] | undefined)?.includes(CODE_SIGNING)) {
    throw unfit('the extended key usage code signing', keyUsage?.join(', ') ?? 'none')
  }
  if (!hasKeyUsage(certificate, 'digitalSignature')) {
    throw unfit("the key usage digital signature, without which Expo's clients refuse it", 'one without it')
  }
  if (!isValidAt(certificate, now)) {
    throw unfit('one that is valid now', `one from ${certificate.validFrom} to ${certificate.validTo}`)
  }
  return {
    pem: certificate.toString(),
    isOfKey: (pem) => new X509Certificate(pem).publicKey.equals(publicKey),
    hasSigned: (body, signature) => verify('sha256', Buffer.from(body), publicKey, Buffer.from(signature, 'base64')),
  }
}

/**
 * From the certificate on to the one whose issuer the clients hold: each has to have signed the one before.
 * @throws problem invalid-request
 */
export function readChain(text: string, { pem }: AnswerCertificate, now: number): string {
  const blocks = text.match(BLOCK) ?? []
  if (blocks.length === 0 || blocks.length > MAX_CHAIN) {
    throw problem('invalid-request', `chain: expected 1 to ${MAX_CHAIN} certificates in PEM, found ${blocks.length}.`)
  }
  const chain = blocks.map((block) => parse(block, 'chain'))
  if (chain[0]?.toString() !== pem) {
    throw problem('invalid-request', 'chain: expected it to begin with the certificate itself, found another one.')
  }
  for (const [index, issuer] of chain.slice(1).entries()) {
    const issued = chain[index]
    if (!issuer.ca || !issued?.checkIssued(issuer) || !issued.verify(issuer.publicKey)) {
      const detail = `chain: expected the certificate ${index + 2} to be an authority that has signed the one before it.`
      throw problem('invalid-request', detail)
    }
    if (!hasKeyUsage(issuer, 'keyCertSign') || !isValidAt(issuer, now)) {
      const found = `one for ${issuer.validFrom} to ${issuer.validTo}`
      const detail = `chain: expected the certificate ${index + 2} to have the key usage certificate signing and to be valid now, as Expo's clients want it; found ${found}.`
      throw problem('invalid-request', detail)
    }
  }
  return chain.map((each) => each.toString()).join('')
}

function isValidAt({ validFrom, validTo }: X509Certificate, now: number): boolean {
  return now >= Date.parse(validFrom) && now <= Date.parse(validTo)
}

function parse(text: string, field: string): X509Certificate {
  try {
    return new X509Certificate(text)
  } catch (cause) {
    throw problem('invalid-request', `${field}: expected an X.509 certificate in PEM, found none.`, {}, { cause })
  }
}

function unfit(expected: string, found: string) {
  return problem('invalid-request', `certificate: expected ${expected}, found ${found}.`)
}
