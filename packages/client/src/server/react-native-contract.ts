import {
  MAX_RECIPIENTS,
  readArray,
  readInteger,
  readObject,
  readOptional,
  readString,
  UnexpectedJsonError,
} from '@hotpatch/protocol'
import { readOneOf } from '../ground/read-one-of.ts'
import {
  PATCH_FORMATS,
  type CheckAnswer,
  type NativeUpdate,
  type Offer,
  type OfferedEncryption,
  type PatchOffer,
  type SignedStatement,
  type UpdateContract,
} from './update-contract.ts'

/** React Native §1 and §2. */
export const reactNativeContract: UpdateContract = {
  checkPath: '/update/check',
  writeCheck: ({ device, cohorts, binary, attributes, trust, patches, ...running }) => ({
    ...device,
    ...running,
    ...binary,
    ...attributes,
    ...trust,
    ...(cohorts.length > 0 && { cohorts }),
    ...(patches.length > 0 && { patches }),
  }),
  readAnswer: (json) => readAnswer(readObject(json, '')),
}

const SHA256_TEXT = { pattern: /^[0-9a-f]{64}$/, expected: '64 lower-case hex digits' }
// These name files and fill lists on the device.
const SHORT = /^[^\0]{1,200}$/

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
    fileUrl: null,
    sha256: readString(json.hash, '/hash', SHA256_TEXT),
    sizeBytes: readInteger(json.sizeBytes, '/sizeBytes', 1),
    encryption: readEncryption(json.encryption),
    expectedBytes: null,
    signature: readNullableString(json.signature, '/signature'),
    patch: readPatch(json.patch),
    mandatory: readBoolean(json.mandatory, '/mandatory'),
    notes: readNullableString(json.notes, '/notes'),
  }
}

/** React Native §2.2. */
function readEncryption(value: unknown): OfferedEncryption | null {
  if (value === undefined || value === null) return null
  const json = readObject(value, '/encryption')
  return {
    algorithm: readString(json.algorithm, '/encryption/algorithm', { pattern: SHORT, expected: 'a short text' }),
    sha256: readString(json.sha256, '/encryption/sha256', SHA256_TEXT),
    sizeBytes: readInteger(json.sizeBytes, '/encryption/sizeBytes', 1),
    keyIds: readArray(json.keyIds, '/encryption/keyIds', MAX_RECIPIENTS).map((keyId, index) =>
      readString(keyId, `/encryption/keyIds/${index}`, { pattern: SHORT, expected: 'a short text' }),
    ),
  }
}

function readPatch(value: unknown): PatchOffer | UnexpectedJsonError | null {
  if (value === undefined || value === null) return null
  try {
    const json = readObject(value, '/patch')
    const digest = (found: unknown, pointer: string) => readString(found, pointer, SHA256_TEXT)
    return {
      format: readOneOf(json.format, '/patch/format', PATCH_FORMATS),
      url: readString(json.url, '/patch/url'),
      sha256: digest(json.sha256, '/patch/sha256'),
      sizeBytes: readInteger(json.sizeBytes, '/patch/sizeBytes', 1),
      baseTree: digest(json.baseTree, '/patch/baseTree'),
      tree: digest(json.tree, '/patch/tree'),
    }
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return error
    throw error
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
