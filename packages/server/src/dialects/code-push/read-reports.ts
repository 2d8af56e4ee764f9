import { DEFAULT_CHANNEL } from '@hotpatch/api'
import { UnexpectedJsonError, type DeviceEventKind, type SdkCode } from '@hotpatch/protocol'
import type { AskedReport, SentEvent } from '../../updates/dialect.ts'
import { asProblem, fieldsOf, optionalText, text, toldText, type Fields } from '../reading/read-fields.ts'
import { readAppVersion } from './read-update-check.ts'
import { fieldsInBothSpellings } from './spellings.ts'

interface Meaning {
  kind: DeviceEventKind
  code?: SdkCode
}

/** Code Push §4: the app had said that it is ready, or had not by its next start. */
const STATUSES: Readonly<Record<string, Meaning>> = {
  DeploymentSucceeded: { kind: 'confirmed' },
  DeploymentFailed: { kind: 'rolled-back', code: 'not-confirmed' },
}

/** Code Push §4. @throws problem invalid-request */
export function readDeployReport(body: unknown): AskedReport {
  return asProblem(() => {
    const fields = fieldsInBothSpellings(fieldsOf(body))
    const nativeVersion = readAppVersion(fields)
    const label = toldText(fields, 'label', 32)
    const events = label === undefined ? [] : [eventOf(label, readStatus(fields), nativeVersion)]
    return reportOf(fields, events)
  })
}

/** Code Push §4. @throws problem invalid-request */
export function readDownloadReport(body: unknown): AskedReport {
  return asProblem(() => {
    const fields = fieldsInBothSpellings(fieldsOf(body))
    return reportOf(fields, [eventOf(text(fields, 'label', 32), { kind: 'downloaded' }, undefined)])
  })
}

function reportOf(fields: Fields, events: readonly SentEvent[]): AskedReport {
  const deviceId = optionalText(fields, 'client_unique_id', 200) ?? null
  return { deviceId, events: events.map((event, index) => ({ index, event })), rejected: [] }
}

function readStatus({ status }: Fields): Meaning {
  const meaning = typeof status === 'string' && Object.hasOwn(STATUSES, status) ? STATUSES[status] : undefined
  if (meaning) return meaning
  throw new UnexpectedJsonError('/status', `one of ${Object.keys(STATUSES).join(', ')}`, status)
}

/** Without an id of its own: a device tells each of a release once, however often it is sent. */
function eventOf(countedLabel: string, { kind, code }: Meaning, nativeVersion: string | undefined): SentEvent {
  return {
    eventId: undefined,
    kind,
    platform: undefined,
    channel: DEFAULT_CHANNEL,
    releaseId: undefined,
    version: undefined,
    name: { countedLabel },
    code,
    detail: undefined,
    occurredAt: undefined,
    sentAt: undefined,
    nativeVersion,
  }
}
