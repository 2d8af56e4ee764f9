import {
  hexFromBytes,
  readArray,
  readInteger,
  readObject,
  readOptional,
  readString,
  SDK_CODES,
  UnexpectedJsonError,
  utf8FromText,
} from '@hotpatch/protocol'
import type { CryptoPort } from '@hotpatch/device-ground'
import { KIT_CODES, type KitCode } from '../ground/kit-error.ts'

/** Kits §9, Events §1.1: what is told of a whole kit, and of each of its components. */
const KIT_REPORT_KINDS = ['planned', 'downloaded', 'applied', 'probed', 'confirmed', 'rolled-back', 'failed'] as const

export type KitReportKind = (typeof KIT_REPORT_KINDS)[number]

/** The same each time it is told: the server counts it once by its id. */
export interface KitReport {
  id: string
  kind: KitReportKind
  /** Absent of what is about the whole kit. */
  component?: string
  releaseId: string
  rolloutId?: string
  code?: string
  detail?: string
  receivedBytes?: number
  /** ISO 8601. */
  occurredAt: string
}

export type NewKitReport = Omit<KitReport, 'id' | 'occurredAt' | 'code'> & {
  /** Of one apply. */
  transaction: string
  code?: KitCode
}

const MAX_DETAIL = 500
/** More than wait at any time; what a file has beyond them is not read. */
const MAX_REPORTS = 2_000

/**
 * Kits §9: derived from what it is about, so that whoever is killed between two of its steps tells it again, and not
 * twice. In the form of a UUID, as only that is unique among machines (Events §3).
 */
export async function eventIdOf(
  crypto: Pick<CryptoPort, 'sha256'>,
  { transaction, component, kind }: Pick<NewKitReport, 'transaction' | 'component' | 'kind'>,
): Promise<string> {
  const hasher = crypto.sha256()
  hasher.update(utf8FromText(JSON.stringify([transaction, component ?? null, kind])))
  const digest = (await hasher.digest()).slice(0, 16)
  // RFC 9562 §5.8: a UUID that is made in a way of one's own.
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80
  return hexFromBytes(digest).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/**
 * Kits §9: what blames a release is told as it is; what is a fault of this machine, by a word that the server knows for
 * one, as it takes any other for the release's.
 */
export function reportedCode(code: KitCode): string {
  return KIT_CODES[code].isOfRelease || Object.hasOwn(SDK_CODES, code) ? code : 'install-failed'
}

/**
 * The first line alone: what a hook has printed follows in others, and stays on its machine. Not within a character of two
 * units: half of one cannot be sent.
 */
export function shortDetail(text: string): string {
  const [line = ''] = text.split('\n', 1)
  if (line.length <= MAX_DETAIL) return line
  const cut = line.slice(0, MAX_DETAIL - 1)
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`
}

/**
 * From the outbox. A report that cannot be read is left out: another version may have written it.
 * @throws UnexpectedJsonError when it is no list
 */
export function readReports(value: unknown): KitReport[] {
  return readArray(value, '', MAX_REPORTS).flatMap((each) => {
    try {
      return [readReport(each)]
    } catch (error) {
      if (error instanceof UnexpectedJsonError) return []
      throw error
    }
  })
}

function readReport(value: unknown): KitReport {
  const json = readObject(value, '')
  const kind = KIT_REPORT_KINDS.find((each) => each === json.kind)
  if (kind === undefined) throw new UnexpectedJsonError('/kind', KIT_REPORT_KINDS.join(', '), json.kind)
  const optional = (name: 'component' | 'rolloutId' | 'code' | 'detail') =>
    readOptional(json[name], (found) => ({ [name]: readString(found, `/${name}`) }))
  return {
    id: readString(json.id, '/id'),
    kind,
    releaseId: readString(json.releaseId, '/releaseId'),
    occurredAt: readString(json.occurredAt, '/occurredAt'),
    ...optional('component'),
    ...optional('rolloutId'),
    ...optional('code'),
    ...optional('detail'),
    ...readOptional(json.receivedBytes, (found) => ({ receivedBytes: readInteger(found, '/receivedBytes', 0) })),
  }
}
