import { createHash } from 'node:crypto'
import * as asn1 from 'asn1js'
import { refusal } from './refusal.ts'

export function digestOf(certificate: Uint8Array): string {
  return createHash('sha256').update(certificate).digest('hex')
}

/** What is in a message that was signed by the rules of CMS (RFC 5652), of which nothing is verified. */
export interface SignedMessage {
  content: Buffer | undefined
  /** Of who signed it first, in the form that it has in there. */
  certificate: Buffer | undefined
}

const SIGNED_DATA = '1.2.840.113549.1.7.2'
const CONSTRUCTED_CERTIFICATES_TAG = 0
const ISSUER_AND_SERIAL_LENGTH = 2

/** @param what such as "META-INF/CERT.RSA" */
export function readSignedMessage(bytes: Uint8Array, what: string): SignedMessage {
  const refuse = (found: string, options?: ErrorOptions) =>
    refusal(`${what}: expected a signed message (CMS), found ${found}.`, options)
  const { result, offset } = parse(bytes, refuse)
  if (offset === -1) throw refuse(`none: ${result.error}`)
  const [type, wrapped] = partsOf(result)
  if (!(type instanceof asn1.ObjectIdentifier) || type.valueBlock.toString() !== SIGNED_DATA)
    throw refuse('another type')
  const [, , content, ...rest] = partsOf(partsOf(wrapped)[0])
  const signers = rest.at(-1)
  const certificates = rest.find((part) => part.idBlock.tagClass === 3 && tagOf(part) === CONSTRUCTED_CERTIFICATES_TAG)
  const [, inner] = partsOf(content)
  return {
    content: contentOf(partsOf(inner)[0]),
    certificate: certificateOf(partsOf(certificates), partsOf(partsOf(signers)[0])[1]),
  }
}

/** Ends with an error at too many parts, or too many in each other; of some damage it throws instead. */
function parse(bytes: Uint8Array, refuse: (found: string, options: ErrorOptions) => Error) {
  try {
    return asn1.fromBER(bytes)
  } catch (cause) {
    throw refuse('damage', { cause })
  }
}

type Part = asn1.AsnType

function partsOf(part: Part | undefined): Part[] {
  const { valueBlock } = (part ?? {}) as { valueBlock?: { value?: unknown } }
  return Array.isArray(valueBlock?.value) ? (valueBlock.value as Part[]) : []
}

function tagOf(part: Part): number {
  return part.idBlock.tagNumber
}

/** In one piece or, as streams are written, in several. */
function contentOf(part: Part | undefined): Buffer | undefined {
  return part instanceof asn1.OctetString ? Buffer.from(part.getValue()) : undefined
}

/** Whoever signed is named by the issuer and serial number of the certificate. */
function certificateOf(certificates: readonly Part[], signer: Part | undefined): Buffer | undefined {
  const named = partsOf(signer)
  const [issuer, serial] = named.length === ISSUER_AND_SERIAL_LENGTH ? named : []
  const found = certificates.find((certificate) => {
    const fields = partsOf(partsOf(certificate)[0])
    const start = fields[0]?.idBlock.tagClass === 3 ? 1 : 0
    return sameBytes(fields[start], serial) && sameBytes(fields[start + 2], issuer)
  })
  const certificate = found ?? (certificates.length === 1 ? certificates[0] : undefined)
  return certificate && Buffer.from(certificate.valueBeforeDecodeView)
}

function sameBytes(left: Part | undefined, right: Part | undefined): boolean {
  if (!left || !right) return false
  return Buffer.from(left.valueBeforeDecodeView).equals(Buffer.from(right.valueBeforeDecodeView))
}
