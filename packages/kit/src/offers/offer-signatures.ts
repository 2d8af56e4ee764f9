import {
  parseJson,
  readArray,
  readObject,
  readOptional,
  readString,
  textFromUtf8,
  UnexpectedJsonError,
} from '@hotpatch/protocol'
import { base64FromBytes } from '../ground/base64.ts'

/** Kits §6: what is said to sign an offer's exact bytes. */
export interface OfferSignature {
  scheme: 'ed25519' | 'minisign'
  /** Which key it says it is of; decides nothing. */
  keyId: string | undefined
  /** Of `ed25519` 64 bytes in base64; of `minisign` the text of a .minisig file in base64. */
  value: string
}

/** Kits §6: more are not looked at. */
export const MAX_OFFER_SIGNATURES = 16
const MAX_HEADER_LENGTH = 16_384
const MAX_VALUE_LENGTH = 8_192

const ONE = /^(ed25519|minisign)((?:;[a-z]+="[^",;]*")*)$/
const PARAMETER = /;([a-z]+)="([^",;]*)"/g

/** Kits §6: the header `kit-signature`. What is not of a known form signs nothing and is passed over. */
export function readSignatureHeader(header: string | undefined): OfferSignature[] {
  if (header === undefined || header.length > MAX_HEADER_LENGTH) return []
  return header
    .split(',', MAX_OFFER_SIGNATURES)
    .map((each) => readOne(each.trim()))
    .filter((each) => each !== undefined)
}

function readOne(text: string): OfferSignature | undefined {
  const [, scheme, parameters = ''] = ONE.exec(text) ?? []
  const found = new Map([...parameters.matchAll(PARAMETER)].map(([, name = '', value = '']) => [name, value]))
  const value = found.get('sig')
  if (scheme === undefined || value === undefined || value.length > MAX_VALUE_LENGTH) return undefined
  return { scheme: scheme as OfferSignature['scheme'], keyId: found.get('keyid'), value }
}

/**
 * Kits §6: the file `latest.json.sig`.
 * @throws UnexpectedJsonError
 */
export function readSignatureFile(text: string): OfferSignature[] {
  const { signatures } = readObject(parseJson(text), '')
  return readArray(signatures, '/signatures', MAX_OFFER_SIGNATURES).flatMap((each, index) => {
    const at = `/signatures/${index}`
    const json = readObject(each, at)
    const scheme = readString(json.scheme, `${at}/scheme`)
    const value = readString(json.value, `${at}/value`)
    if (value.length > MAX_VALUE_LENGTH) {
      throw new UnexpectedJsonError(`${at}/value`, `at most ${MAX_VALUE_LENGTH} characters`, value)
    }
    const keyId = readOptional(json.keyId, (found) => readString(found, `${at}/keyId`))
    // Later versions may sign in more ways.
    return scheme === 'ed25519' || scheme === 'minisign' ? [{ scheme, keyId, value }] : []
  })
}

/** Of a file `latest.json.sig`: one that cannot be read signs nothing. */
export function signaturesOf(bytes: Uint8Array): OfferSignature[] {
  try {
    return readSignatureFile(textFromUtf8(bytes) ?? '')
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return []
    throw error
  }
}

/** Of a file `latest.json.minisig`. */
export function minisignOf(bytes: Uint8Array): OfferSignature {
  return { scheme: 'minisign', keyId: undefined, value: base64FromBytes(bytes) }
}
