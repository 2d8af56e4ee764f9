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
  const refuse: Refuse = (found, options) =>
    refusal(`${what}: expected a signed message (CMS), found ${found}.`, options)
  requireShortNames(bytes, refuse)
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

type Refuse = (found: string, options?: ErrorOptions) => Error

const NAME = 0x06
const RELATIVE_NAME = 0x0d
/** Those of CMS and X.509 have ten. */
const MAX_NAME_BYTES = 32
const IS_CONSTRUCTED = 0x20
const LONG_TAG = 0x1f
/** None of these: of the types that ASN.1 itself has. */
const CLASS = 0xc0
/** Sequences and sets, and bits and octets in several pieces. */
const CONSTRUCTED = [0x30, 0x31, 0x23, 0x24]
const HAS_MORE = 0x80

/**
 * The parser makes an object of each number of an object identifier, hundreds of times as large as it was. What is
 * constructed has nothing but parts, one after the other: so all of them are met front to back, however they are nested.
 */
function requireShortNames(bytes: Uint8Array, refuse: Refuse): void {
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at] ?? 0
    const isConstructed = (tag & IS_CONSTRUCTED) !== 0
    const isOdd = isConstructed && (tag & CLASS) === 0 && !CONSTRUCTED.includes(tag)
    // What nothing of CMS has, the parser would read otherwise than is done here.
    if (isOdd || (tag & LONG_TAG) === LONG_TAG) throw refuse(`a part of the type ${tag}`)
    const { length, lengthBytes } = lengthAt(bytes, at + 1)
    if ((tag === NAME || tag === RELATIVE_NAME) && length > MAX_NAME_BYTES) {
      throw refuse(`an object identifier of ${length} bytes`)
    }
    at += 1 + lengthBytes + (isConstructed ? 0 : length)
  }
}

/** One that is not said is 0: such a part ends with one of no length. */
function lengthAt(bytes: Uint8Array, at: number): { length: number; lengthBytes: number } {
  const first = bytes[at] ?? 0
  if ((first & HAS_MORE) === 0) return { length: first, lengthBytes: 1 }
  const more = bytes.subarray(at + 1, at + 1 + (first & ~HAS_MORE))
  return { length: more.reduce((length, byte) => length * 256 + byte, 0), lengthBytes: 1 + (first & ~HAS_MORE) }
}

/** Ends with an error at too many parts, or too many in each other; of some damage it throws instead. */
function parse(bytes: Uint8Array, refuse: Refuse) {
  try {
    return asn1.fromBER(bytes, { parseEmbedded: false })
  } catch (cause) {
    throw refuse('damage', { cause })
  }
}

type Part = asn1.AsnType

function partsOf(part: Part | undefined): Part[] {
  const { valueBlock } = (part ?? {}) as { valueBlock?: { value?: unknown } }
  const parts: readonly unknown[] = Array.isArray(valueBlock?.value) ? valueBlock.value : []
  // The numbers of an identifier are a list, too.
  return parts.every((each) => each instanceof asn1.BaseBlock) ? (parts as Part[]) : []
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
