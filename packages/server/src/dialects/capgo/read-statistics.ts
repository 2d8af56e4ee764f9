import { problem, readObject, UnexpectedJsonError } from '@hotpatch/protocol'
import type { AskedReport, RejectedEvent, ReportOutcome, SentEvent } from '../../updates/dialect.ts'
import { asProblem, objectsOf, optionalTime, text, toldText, type Fields } from '../reading/read-fields.ts'
import { meaningOf, type ActionMeaning } from './actions.ts'
import { snakeCase } from './error-codes.ts'
import { downloadedVersion, readDevice } from './read-device.ts'

/** The plugin keeps at most 200 while it cannot send them. */
const MAX_EVENTS = 1_000

/**
 * Capgo §4: one event, or a list of them, which are of one device.
 * @throws problem invalid-request when there is none, or the first says of no device
 */
export function readStatistics(body: unknown): AskedReport {
  const items = itemsOf(body)
  const deviceId = asProblem(() => text(objectsOf(body)[0], 'device_id', 200))
  const report = { deviceId, events: [] as { index: number; event: SentEvent }[], rejected: [] as RejectedEvent[] }
  for (const [index, item] of items.entries()) {
    try {
      const event = readEvent(readObject(item, ''), deviceId)
      if (event) report.events.push({ index, event })
    } catch (error) {
      if (!(error instanceof UnexpectedJsonError)) throw error
      report.rejected.push({ index, id: null, type: 'invalid-request', detail: error.message })
    }
  }
  return report
}

function itemsOf(body: unknown): readonly unknown[] {
  const items: readonly unknown[] = Array.isArray(body) ? body : [body]
  if (items.length > 0 && items.length <= MAX_EVENTS) return items
  throw problem('invalid-request', `Expected 1 to ${MAX_EVENTS} events, found ${items.length}.`)
}

/** Undefined of what is not kept: the plugin has new actions with nearly every version. */
function readEvent(fields: Fields, ofDevice: string): SentEvent | undefined {
  const action = text(fields, 'action', 100)
  const meaning = meaningOf(action)
  if (!meaning) return undefined
  const { deviceId, ...device } = readDevice(fields)
  if (deviceId !== ofDevice) throw new UnexpectedJsonError('/device_id', 'that of the first event', deviceId)
  const named = toldText(fields, 'version_name', 1_000)
  // Of a file of it: "1.2.0:assets/index.js".
  const [version] = downloadedVersion(fields, named)?.split(':', 1) ?? []
  // What the binary shipped with was not brought by us.
  if (meaning.isAboutVersion && version === undefined) return undefined
  const metadata = metadataOf(fields)
  const occurredAt = happenedAt(fields, metadata)
  return {
    ...device,
    eventId: eventIdOf({ action, named, occurredAt, meaning }),
    kind: meaning.kind,
    releaseId: undefined,
    version: meaning.isAboutVersion ? version : undefined,
    code: meaning.code,
    detail: [action, named, metadata.exit_reason, metadata.exit_description].filter(isToldText).join(' '),
    occurredAt,
    sentAt: undefined,
  }
}

/** The plugin gives none, and sends again what was not answered: what is told is the same then, its time included. */
function eventIdOf(told: {
  action: string
  named: string | undefined
  occurredAt: number | undefined
  meaning: ActionMeaning
}): string | undefined {
  const { action, named = '', occurredAt, meaning } = told
  if (meaning.isRepeated) return undefined
  return JSON.stringify([action, named, occurredAt ?? null])
}

/** Of a process that ended, when it did; it is told at the next start. */
function happenedAt(fields: Fields, { exit_timestamp: endedAt }: Fields): number | undefined {
  const ended = typeof endedAt === 'string' && /^\d{12,14}$/.test(endedAt) ? Number(endedAt) : undefined
  return ended ?? optionalTime(fields, 'timestamp')
}

function metadataOf({ metadata }: Fields): Fields {
  return typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata) ? (metadata as Fields) : {}
}

function isToldText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** Capgo §4: what is not kept was taken, too. */
export function renderStatistics({ rejected }: ReportOutcome, body: unknown): string {
  if (!Array.isArray(body)) {
    const [refused] = rejected
    if (refused) throw problem('invalid-request', refused.detail, { capgo: codeOfRejected(refused) })
    return JSON.stringify({ status: 'ok' })
  }
  const refusals = new Map(rejected.map((refused) => [refused.index, codeOfRejected(refused)]))
  const results = body.map((_item, index) => {
    const error = refusals.get(index)
    return error === undefined ? { status: 'ok', index } : { status: 'error', index, error }
  })
  return JSON.stringify({ status: 'ok', results })
}

function codeOfRejected({ type }: RejectedEvent): string {
  return type === 'release-not-found' ? 'version_not_found' : snakeCase(type)
}
