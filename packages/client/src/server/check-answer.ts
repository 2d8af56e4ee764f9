import {
  readInteger,
  readObject,
  readOptional,
  readString,
  UnexpectedJsonError,
  type ContentKindName,
} from '@hotpatch/protocol'
import { UpdateError } from '../ground/update-error.ts'

/** What a publisher signed, as it arrived; both or, for unsigned apps, neither. */
export interface SignedStatement {
  statement: string | null
  statementSignature: string | null
}

export interface Offer extends SignedStatement {
  releaseId: string
  version: string
  /** Of its content, which decides how it is installed. */
  kind: ContentKindName
  bundleUrl: string
  sha256: string
  sizeBytes: number
  signature: string | null
  mandatory: boolean
  notes: string | null
}

export interface EmbeddedOrder extends SignedStatement {
  mandatory: boolean
  reason: string
}

export interface NativeUpdate {
  minNativeVersion: string
  releaseId: string
}

export type CheckAnswer =
  | { kind: 'offer'; offer: Offer }
  | { kind: 'embedded'; order: EmbeddedOrder }
  | { kind: 'nothing'; reason: string; nativeUpdate: NativeUpdate | null }

const SHA256 = /^[0-9a-f]{64}$/
// These name files and fill lists on the device.
const SHORT = /^[^\0]{1,200}$/

/** @throws UpdateError 'answer-invalid' with the place of the first thing that is not as it must be */
export function readCheckAnswer(json: unknown): CheckAnswer {
  try {
    return readAnswer(readObject(json, ''))
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    throw new UpdateError('answer-invalid', `the answer to the check: ${cause.message}`, { cause })
  }
}

function readAnswer(json: Record<string, unknown>): CheckAnswer {
  if (readBoolean(json.updateAvailable, '/updateAvailable')) return { kind: 'offer', offer: readOffer(json) }
  const reason = readOptional(json.reason, (value) => readString(value, '/reason')) ?? 'unknown'
  if (json.rollBackTo === undefined || json.rollBackTo === null) {
    return { kind: 'nothing', reason, nativeUpdate: readNativeUpdate(json.nativeUpdate) }
  }
  if (json.rollBackTo !== 'embedded') throw new UnexpectedJsonError('/rollBackTo', '"embedded"', json.rollBackTo)
  const mandatory = readBoolean(json.mandatory, '/mandatory')
  return { kind: 'embedded', order: { ...readSignedStatement(json), mandatory, reason } }
}

function readOffer(json: Record<string, unknown>): Offer {
  return {
    ...readSignedStatement(json),
    releaseId: readString(json.releaseId, '/releaseId', { pattern: SHORT, expected: 'a short text' }),
    version: readString(json.version, '/version', { pattern: SHORT, expected: 'a short text' }),
    // React Native §2 has no other.
    kind: 'archive',
    bundleUrl: readString(json.bundleUrl, '/bundleUrl'),
    sha256: readString(json.hash, '/hash', { pattern: SHA256, expected: '64 lower-case hex digits' }),
    sizeBytes: readInteger(json.sizeBytes, '/sizeBytes', 1),
    signature: readNullableString(json.signature, '/signature'),
    mandatory: readBoolean(json.mandatory, '/mandatory'),
    notes: readNullableString(json.notes, '/notes'),
  }
}

function readSignedStatement(json: Record<string, unknown>): SignedStatement {
  return {
    statement: readNullableString(json.statement, '/statement'),
    statementSignature: readNullableString(json.statementSignature, '/statementSignature'),
  }
}

function readNativeUpdate(value: unknown): NativeUpdate | null {
  if (value === undefined || value === null) return null
  const json = readObject(value, '/nativeUpdate')
  return {
    minNativeVersion: readString(json.minNativeVersion, '/nativeUpdate/minNativeVersion'),
    releaseId: readString(json.releaseId, '/nativeUpdate/releaseId'),
  }
}

function readNullableString(value: unknown, pointer: string): string | null {
  return value === undefined || value === null ? null : readString(value, pointer)
}

function readBoolean(value: unknown, pointer: string): boolean {
  if (typeof value !== 'boolean') throw new UnexpectedJsonError(pointer, 'true or false', value)
  return value
}
