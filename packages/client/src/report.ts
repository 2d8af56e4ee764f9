import { readObject, readString, SDK_CODES, type SdkCode } from '@hotpatch/protocol'

export type ReportStatus = 'downloaded' | 'applied' | 'confirmed' | 'failed' | 'rolled_back' | 'crashed'

/** Engine §7: what is told to the server about a release. The same `eventId` is told again until it is accepted. */
export interface Report {
  eventId: string
  /** Null when it is about embedded, or about an answer that named no release. */
  releaseId: string | null
  /** EMBEDDED_VERSION when it is about embedded: the binary's own version could be that of a release. */
  version: string
  status: ReportStatus
  code?: SdkCode
  detail?: string
  nativeVersion: string
  occurredAt: string
}

/** What statements call it as well. */
export const EMBEDDED_VERSION = 'embedded'

export type NewReport = Omit<Report, 'eventId' | 'nativeVersion' | 'occurredAt'>

const MAX_DETAIL = 200

export function shortDetail(text: string): string {
  return text.length > MAX_DETAIL ? `${text.slice(0, MAX_DETAIL - 1)}…` : text
}

/** Reports are read back from the engine's own files only, so one that is not as it was written is a damaged file. */
export function readReport(value: unknown): Report {
  const json = readObject(value, '/report')
  const releaseId = json.releaseId === null ? null : readString(json.releaseId, '/releaseId')
  const code = json.code
  return {
    eventId: readString(json.eventId, '/eventId'),
    releaseId,
    version: readString(json.version, '/version'),
    status: readString(json.status, '/status') as ReportStatus,
    ...(typeof code === 'string' && Object.hasOwn(SDK_CODES, code) && { code: code as SdkCode }),
    ...(typeof json.detail === 'string' && { detail: json.detail }),
    nativeVersion: readString(json.nativeVersion, '/nativeVersion'),
    occurredAt: readString(json.occurredAt, '/occurredAt'),
  }
}
