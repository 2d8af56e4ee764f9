import type { CheckAnswer, NativeUpdate, Offer, SignedStatement, ToldCheck, UpdateContract } from '@hotpatch/client'
import { readInteger, readObject, readString, UnexpectedJsonError } from '@hotpatch/protocol'

/** Asset updates §2 and §3: how the engine asks, and what it reads of the answer. */
export const assetUpdatesContract: UpdateContract = {
  checkPath: '/api/v1/updates/check',
  writeCheck,
  readAnswer: (json) => readAnswer(readObject(json, '')),
}

function writeCheck({ device, binary, attributes, trust, cohorts, ...running }: ToldCheck): object {
  const { appId, ...told } = device
  const { heldReleaseId, ...trusted } = trust
  return {
    projectId: appId,
    ...told,
    ...binary,
    ...attributes,
    ...trusted,
    ...(heldReleaseId !== undefined && { heldUpdateId: heldReleaseId }),
    ...(running.releaseId !== undefined && {
      currentUpdateId: running.releaseId,
      currentVersion: running.version,
    }),
    failedUpdateIds: running.failedReleaseIds,
    ...(cohorts.length > 0 && { cohorts }),
  }
}

const SHA256 = /^[0-9a-f]{64}$/
// These name files and fill lists on the device.
const SHORT = /^[^\0]{1,200}$/

function readAnswer(json: Record<string, unknown>): CheckAnswer {
  if (readBoolean(json.updateAvailable, '/updateAvailable')) {
    return { kind: 'offer', offer: readUpdate(readObject(json.update, '/update')) }
  }
  const reason = readNullable(json.reason, '/reason') ?? 'unknown'
  if (absent(json.rollBackTo)) return { kind: 'nothing', reason, nativeUpdate: readNativeUpdate(json.nativeUpdate) }
  if (json.rollBackTo !== 'embedded') throw new UnexpectedJsonError('/rollBackTo', '"embedded"', json.rollBackTo)
  const mandatory = readBoolean(json.isMandatory, '/isMandatory')
  return { kind: 'embedded', order: { ...readSigned(json, ''), mandatory, reason } }
}

function readUpdate(json: Record<string, unknown>): Offer {
  const short = (value: unknown, pointer: string) =>
    readString(value, pointer, { pattern: SHORT, expected: 'a short text' })
  const list = readObject(json.list, '/update/list')
  return {
    ...readSigned(json, '/update'),
    releaseId: short(json.id, '/update/id'),
    version: short(json.version, '/update/version'),
    kind: 'files',
    bundleUrl: readString(list.url, '/update/list/url'),
    sha256: readString(list.sha256, '/update/list/sha256', { pattern: SHA256, expected: '64 lower-case hex digits' }),
    sizeBytes: readInteger(list.sizeBytes, '/update/list/sizeBytes', 1),
    patch: null,
    fileUrl: readString(json.fileUrl, '/update/fileUrl', {
      pattern: /\{sha256\}/,
      expected: 'an address with {sha256}',
    }),
    encryption: null,
    expectedBytes: readExpected(json, list.sizeBytes),
    signature: null,
    mandatory: readBoolean(json.isMandatory, '/update/isMandatory'),
    notes: readNullable(json.releaseNotes, '/update/releaseNotes'),
  }
}

/** What changed since what runs, where the server can tell; else all files. */
function readExpected({ delta, totalBytes }: Record<string, unknown>, listBytes: unknown): number | null {
  const list = readInteger(listBytes, '/update/list/sizeBytes', 1)
  if (!absent(delta)) return list + readInteger(readObject(delta, '/update/delta').bytes, '/update/delta/bytes', 0)
  return absent(totalBytes) ? null : list + readInteger(totalBytes, '/update/totalBytes', 0)
}

function readSigned(json: Record<string, unknown>, pointer: string): SignedStatement {
  return {
    statement: readNullable(json.statement, `${pointer}/statement`),
    statementSignature: readNullable(json.statementSignature, `${pointer}/statementSignature`),
  }
}

function readNativeUpdate(value: unknown): NativeUpdate | null {
  if (absent(value)) return null
  const json = readObject(value, '/nativeUpdate')
  return {
    minNativeVersion: readString(json.minNativeVersion, '/nativeUpdate/minNativeVersion'),
    releaseId: readString(json.updateId, '/nativeUpdate/updateId'),
  }
}

function absent(value: unknown): value is null | undefined {
  return value === undefined || value === null
}

function readNullable(value: unknown, pointer: string): string | null {
  return absent(value) ? null : readString(value, pointer)
}

function readBoolean(value: unknown, pointer: string): boolean {
  if (typeof value !== 'boolean') throw new UnexpectedJsonError(pointer, 'true or false', value)
  return value
}
