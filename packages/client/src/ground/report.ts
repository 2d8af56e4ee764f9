import {
  readArray,
  readInteger,
  readObject,
  readString,
  REPORTED_EVENT_KINDS,
  DOWNLOAD_ARRIVALS,
  SDK_CODES,
  UnexpectedJsonError,
} from '@hotpatch/protocol'
import type { DownloadArrival, ReportedEventKind, SdkCode } from '@hotpatch/protocol'
import { readOneOf } from './read-one-of.ts'

/** Engine §7: what is told to the server about a release. The same `eventId` is told again until it is accepted. */
export interface Report {
  eventId: string
  kind: ReportedEventKind
  /** Null when it is about embedded, or about an answer that named no release. */
  releaseId: string | null
  /** EMBEDDED_VERSION when it is about embedded: the binary's own version could be that of a release. */
  version: string
  code?: SdkCode
  detail?: string
  /** What came over the network for a downloaded release. */
  receivedBytes?: number
  /** How it came. */
  arrival?: DownloadArrival
  nativeVersion: string
  nativeBuild?: string
  runtimeVersion?: string
  occurredAt: string
}

/** What statements call it as well. */
export const EMBEDDED_VERSION = 'embedded'

export type NewReport = Omit<Report, 'eventId' | 'nativeVersion' | 'nativeBuild' | 'runtimeVersion' | 'occurredAt'>

const MAX_DETAIL = 200

/** Not within a character of two units: half of one cannot be sent. */
export function shortDetail(text: string): string {
  if (text.length <= MAX_DETAIL) return text
  const cut = text.slice(0, MAX_DETAIL - 1)
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`
}

/**
 * From the engine's own files. A report that cannot be read is left out: it is no reason to lose what is stored beside
 * it, and another version of the engine may have written it.
 * @throws UnexpectedJsonError when it is no list
 */
export function readReports(value: unknown, pointer: string): Report[] {
  return readArray(value, pointer, MANY).flatMap((item) => {
    try {
      return [readReport(item)]
    } catch (error) {
      if (error instanceof UnexpectedJsonError) return []
      throw error
    }
  })
}

const MANY = 10_000

/** @throws UnexpectedJsonError */
function readReport(value: unknown): Report {
  const json = readObject(value, '/report')
  const releaseId = json.releaseId === null ? null : readString(json.releaseId, '/releaseId')
  const { code, detail, receivedBytes, arrival, nativeBuild, runtimeVersion } = json
  return {
    eventId: readString(json.eventId, '/eventId'),
    kind: readOneOf(json.kind, '/kind', REPORTED_EVENT_KINDS),
    releaseId,
    version: readString(json.version, '/version'),
    ...(typeof code === 'string' && Object.hasOwn(SDK_CODES, code) && { code: code as SdkCode }),
    ...(typeof detail === 'string' && { detail }),
    ...(receivedBytes !== undefined && { receivedBytes: readInteger(receivedBytes, '/receivedBytes', 0) }),
    ...(arrival !== undefined && { arrival: readOneOf(arrival, '/arrival', DOWNLOAD_ARRIVALS) }),
    nativeVersion: readString(json.nativeVersion, '/nativeVersion'),
    ...(typeof nativeBuild === 'string' && { nativeBuild }),
    ...(typeof runtimeVersion === 'string' && { runtimeVersion }),
    occurredAt: readString(json.occurredAt, '/occurredAt'),
  }
}
