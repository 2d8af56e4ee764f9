import { DEFAULT_CHANNEL } from '@hotpatch/api'
import {
  COMPONENT_EVENT_KINDS,
  DOWNLOAD_ARRIVALS,
  KIT_COMPONENT_ID,
  readArray,
  readObject,
  REPORTED_EVENT_KINDS,
  UnexpectedJsonError,
  type DeviceAttributes,
  type ComponentEventKind,
  type DeviceTrust,
  type DownloadArrival,
  type Platform,
  type ReportedEventKind,
} from '@hotpatch/protocol'
import {
  asProblem,
  optionalText,
  optionalTime,
  readAttributes,
  readPlatform,
  readTrust,
  text,
  toldText,
  type Fields,
} from '../reading/read-fields.ts'
import type { RejectedEvent } from '../../updates/dialect.ts'

/** Events §2: who reports, from where, and when by its own clock. */
export interface EventEnvelope {
  deviceId: string
  platform: Platform
  channel: string
  sentAt: number | undefined
  nativeVersion: string | undefined
  runtimeVersion: string | undefined
  attributes: DeviceAttributes | undefined
  trust: DeviceTrust | undefined
}

/** Events §1. */
export interface SentEvent {
  eventId: string
  kind: ReportedEventKind | ComponentEventKind
  releaseId: string | undefined
  version: string | undefined
  rolloutId: string | undefined
  code: string | undefined
  detail: string | undefined
  receivedBytes: number | undefined
  arrival: DownloadArrival | undefined
  /** Events §1.1. */
  component: string | undefined
  occurredAt: number | undefined
}

export interface EventBatch {
  envelope: EventEnvelope
  events: { index: number; event: SentEvent }[]
  rejected: RejectedEvent[]
}

export const MAX_EVENTS = 100

/** @throws problem invalid-request */
export function readAppId(fields: Fields): string | undefined {
  return asProblem(() => optionalText(fields, 'appId', 64))
}

/**
 * Events §2: an event that cannot be read is rejected by itself.
 * @throws problem invalid-request when the envelope cannot be read
 */
export function readEvents(fields: Fields): EventBatch {
  const { envelope, items } = asProblem(() => ({ envelope: readEnvelope(fields), items: readItems(fields) }))
  const batch: EventBatch = { envelope, events: [], rejected: [] }
  for (const [index, item] of items.entries()) {
    try {
      batch.events.push({ index, event: readEvent(item) })
    } catch (error) {
      if (!(error instanceof UnexpectedJsonError)) throw error
      batch.rejected.push({ index, id: idOf(item), type: 'invalid-request', detail: error.message })
    }
  }
  return batch
}

function readItems({ events }: Fields): unknown[] {
  const items = readArray(events, '/events', MAX_EVENTS)
  if (items.length === 0) throw new UnexpectedJsonError('/events', `1 to ${MAX_EVENTS} events`, events)
  return items
}

function readEnvelope(fields: Fields): EventEnvelope {
  return {
    deviceId: text(fields, 'deviceId', 200),
    platform: readPlatform(fields),
    channel: toldText(fields, 'channel', 63) ?? DEFAULT_CHANNEL,
    sentAt: optionalTime(fields, 'sentAt'),
    nativeVersion: toldText(fields, 'nativeVersion', 64),
    runtimeVersion: toldText(fields, 'runtimeVersion', 128),
    attributes: readAttributes(fields),
    trust: readTrust(fields),
  }
}

function readEvent(item: unknown): SentEvent {
  const fields = readObject(item, '')
  const eventId = text(fields, 'id', 64)
  const component = readComponent(fields)
  const kind = readKind(fields, component === undefined ? REPORTED_EVENT_KINDS : COMPONENT_EVENT_KINDS)
  const releaseId = toldText(fields, 'releaseId', 64)
  const version = toldText(fields, 'version', 64)
  // An answer that could not be read names no release.
  const mayNameNone = component === undefined && (kind === 'failed' || kind === 'download-failed')
  if (releaseId === undefined && version === undefined && !mayNameNone) {
    throw new UnexpectedJsonError('/releaseId', 'the release by releaseId or version', undefined)
  }
  return {
    eventId,
    kind,
    releaseId,
    version,
    rolloutId: toldText(fields, 'rolloutId', 64),
    code: toldText(fields, 'code', 100),
    detail: toldText(fields, 'detail', 10_000),
    receivedBytes: readBytes(fields),
    // Another word is of an engine that this server does not know yet: what came counts all the same.
    arrival: DOWNLOAD_ARRIVALS.find((known) => known === fields.arrival),
    component,
    occurredAt: optionalTime(fields, 'occurredAt'),
  }
}

function readKind<Kind extends string>({ kind }: Fields, kinds: readonly Kind[]): Kind {
  const known = kinds.find((each) => each === kind)
  if (known) return known
  throw new UnexpectedJsonError('/kind', `one of ${kinds.join(', ')}`, kind)
}

function readComponent(fields: Fields): string | undefined {
  const id = optionalText(fields, 'component', 64)
  if (id === undefined || KIT_COMPONENT_ID.test(id)) return id
  throw new UnexpectedJsonError('/component', 'the id of a component, such as gateway', id)
}

function readBytes({ receivedBytes }: Fields): number | undefined {
  if (receivedBytes === undefined || receivedBytes === null) return undefined
  if (typeof receivedBytes === 'number' && Number.isSafeInteger(receivedBytes) && receivedBytes >= 0) {
    return receivedBytes
  }
  throw new UnexpectedJsonError('/receivedBytes', 'a whole number of bytes', receivedBytes)
}

function idOf(item: unknown): string | null {
  const id = typeof item === 'object' && item !== null && 'id' in item ? item.id : null
  return typeof id === 'string' ? id.slice(0, 64) : null
}
