import { parseJson, readInteger, readObject, readOptional, readString, UnexpectedJsonError } from '../json-reader.ts'
import {
  MAX_KIT_COMPONENTS,
  readFlag,
  readKitComponent,
  writeKitComponent,
  writeProbe,
  type KitComponent,
} from './kit-component.ts'
import { readKitProbe, type KitProbe } from './kit-probe.ts'

/** Kits §1: the only one there is. A reader takes no other: what it means is not known. */
export const KIT_SCHEMA_VERSION = 1

/** Kits §1: longer ones are refused unread. */
export const MAX_KIT_MANIFEST_BYTES = 64 * 1024

/** `security` and `breaking` make an update one that is required, once its signature is verified (Kits §6). */
export const KIT_SEVERITIES = ['informational', 'security', 'breaking'] as const

export type KitSeverity = (typeof KIT_SEVERITIES)[number]

/**
 * Kits §1: a Kit Release Manifest as it is offered, whether by a server or in an installer. Its exact bytes are what is
 * signed: whatever an apply decides on lies inside the signature.
 */
export interface KitManifest {
  appId: string
  /** Such as "2026.06.02-alpha.3"; opaque. */
  releaseId: string
  /** That it was made for. A release may be placed on others, too: what decides is the channel that is asked. */
  channel: string
  /** Signing §1: rises with every statement of the app. */
  sequence: number
  /** Signing §1: whoever has seen it never goes below this sequence again. */
  floor: number
  /** ISO 8601 in UTC. */
  createdAt: string
  severity: KitSeverity
  /** The lowest version of whatever applies it. */
  minInstallerVersion?: string
  notes?: string
  /** How long people have to do without, as its publisher expects it. */
  expectedDowntimeSeconds?: number
  /** Whether a kit that lacks components which are not optional may take those that it has. */
  allowsPartial: boolean
  /** Of the whole kit, before it is committed. */
  probe?: KitProbe
  /** In the order in which they are applied. */
  components: readonly KitComponent[]
  /** As it was read, with the fields that this reader does not know: they are kept when it is stated again. */
  document: Readonly<Record<string, unknown>>
}

export type NewKitManifest = Omit<KitManifest, 'document'> & Partial<Pick<KitManifest, 'document'>>

const APP_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const RELEASE_ID = /^[0-9A-Za-z][0-9A-Za-z.+_-]{0,99}$/
const CHANNEL = /^[a-z0-9][a-z0-9._-]{0,63}$/
const INSTALLER_VERSION = /^\d+(\.\d+){0,3}([-+][0-9A-Za-z.+-]{1,60})?$/
const MAX_NOTES = 10_000
const MAX_DOWNTIME_SECONDS = 86_400

/**
 * Kits §1: reads an offered manifest, after its signature was verified over the bytes that `text` came from. Fields that
 * it does not know are kept and mean nothing.
 * @throws UnexpectedJsonError with the place of the first thing that is not as it must be
 */
export function readKitManifest(text: string): KitManifest {
  const document = readObject(parseJson(text), '')
  expectSchemaVersion(document.schema_version)
  const sequence = readInteger(document.sequence, '/sequence', 1)
  const floor = readInteger(document.floor, '/floor', 0)
  if (floor > sequence) throw new UnexpectedJsonError('/floor', `at most the sequence, ${sequence}`, floor)
  const minInstallerVersion = readOptional(document.min_installer_version, (found) =>
    readString(found, '/min_installer_version', { pattern: INSTALLER_VERSION, expected: 'a version, such as 1.4' }),
  )
  const notes = readOptional(document.notes, readNotes)
  const expectedDowntimeSeconds = readOptional(document.expected_downtime_seconds, readDowntime)
  const probe = readOptional(document.probe, (found) => readKitProbe(found, '/probe'))
  return {
    appId: readString(document.app_id, '/app_id', { pattern: APP_ID, expected: 'a UUID in lower case' }),
    releaseId: readKitReleaseId(document.release_id),
    channel: readString(document.channel, '/channel', { pattern: CHANNEL, expected: 'a channel, such as stable' }),
    sequence,
    floor,
    createdAt: readString(document.created_at, '/created_at'),
    severity: readSeverity(document.severity),
    ...(minInstallerVersion !== undefined && { minInstallerVersion }),
    ...(notes !== undefined && { notes }),
    ...(expectedDowntimeSeconds !== undefined && { expectedDowntimeSeconds }),
    allowsPartial: readFlag(document.allows_partial, '/allows_partial', false),
    ...(probe && { probe }),
    components: readComponents(document.components),
    document,
  }
}

/**
 * Kits §1: the text whose UTF-8 bytes are signed, stored and served, unchanged for ever. What `document` has beside the
 * fields of this version comes behind them.
 */
export function writeKitManifest(manifest: NewKitManifest): string {
  const { components, probe, document = {} } = manifest
  const known: Record<string, unknown> = {
    schema_version: KIT_SCHEMA_VERSION,
    app_id: manifest.appId,
    release_id: manifest.releaseId,
    channel: manifest.channel,
    sequence: manifest.sequence,
    floor: manifest.floor,
    created_at: manifest.createdAt,
    severity: manifest.severity,
    min_installer_version: manifest.minInstallerVersion,
    notes: manifest.notes,
    expected_downtime_seconds: manifest.expectedDowntimeSeconds,
    allows_partial: manifest.allowsPartial ? true : undefined,
    probe: probe && writeProbe(probe),
  }
  const kept = readOptional(document.components, (found) => readObject(found, '/components')) ?? {}
  const written = components.map(({ id, ...component }) => {
    const before = readOptional(kept[id], (found) => readObject(found, `/components/${id}`)) ?? {}
    return [id, withUnknown(writeKitComponent(component), before, KNOWN_OF_COMPONENT)] as const
  })
  return JSON.stringify(
    withUnknown({ ...known, components: Object.fromEntries(written) }, document, new Set(Object.keys(known))),
  )
}

export function readKitReleaseId(value: unknown): string {
  return readString(value, '/release_id', { pattern: RELEASE_ID, expected: 'a release id, such as 2026.06.02' })
}

/** @throws UnexpectedJsonError */
export function expectSchemaVersion(value: unknown): void {
  if (value !== KIT_SCHEMA_VERSION) {
    throw new UnexpectedJsonError('/schema_version', String(KIT_SCHEMA_VERSION), value)
  }
}

const KNOWN_OF_COMPONENT: ReadonlySet<string> = new Set([
  'version',
  'bundle_version',
  'artifact_digest',
  'kind',
  'order',
  'files',
  'supports_rollback',
  'optional',
  'probe',
  'migrates_to',
  'repairs',
])

function withUnknown(
  written: Record<string, unknown>,
  before: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
): Record<string, unknown> {
  const unknown = Object.entries(before).filter(([name]) => !known.has(name) && !Object.hasOwn(written, name))
  return { ...written, ...Object.fromEntries(unknown) }
}

function readComponents(value: unknown): KitComponent[] {
  const entries = Object.entries(readObject(value, '/components'))
  if (entries.length === 0 || entries.length > MAX_KIT_COMPONENTS) {
    throw new UnexpectedJsonError('/components', `1 to ${MAX_KIT_COMPONENTS} components`, value)
  }
  const components = entries
    .map(([id, each]) => readKitComponent(id, each, `/components/${id}`))
    .toSorted((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1))
  expectIrreversibleLast(components)
  return components
}

/** Kits §3: what cannot be taken back must not be followed by what may fail and has to be. The coordinator replaces itself last. */
function expectIrreversibleLast(components: readonly KitComponent[]): void {
  const isFinal = ({ supportsRollback, kind }: KitComponent) => !supportsRollback || kind === 'coordinator'
  const first = components.findIndex((component) => !component.supportsRollback)
  const after = first < 0 ? undefined : components.slice(first).find((component) => !isFinal(component))
  if (after) {
    const expected = 'a lower order than what cannot be rolled back'
    throw new UnexpectedJsonError(`/components/${after.id}/order`, expected, after.order)
  }
  const coordinator = components.findIndex(({ kind }) => kind === 'coordinator')
  if (coordinator >= 0 && coordinator !== components.length - 1) {
    const { id, order } = components[coordinator] as KitComponent
    throw new UnexpectedJsonError(`/components/${id}/order`, 'the highest order, as it replaces itself last', order)
  }
}

function readSeverity(value: unknown): KitSeverity {
  const severity = KIT_SEVERITIES.find((each) => each === value)
  if (severity === undefined) throw new UnexpectedJsonError('/severity', `one of ${KIT_SEVERITIES.join(', ')}`, value)
  return severity
}

function readNotes(value: unknown): string {
  const notes = readString(value, '/notes')
  if (notes.length > MAX_NOTES) throw new UnexpectedJsonError('/notes', `at most ${MAX_NOTES} characters`, notes)
  return notes
}

function readDowntime(value: unknown): number {
  const seconds = readInteger(value, '/expected_downtime_seconds', 0)
  if (seconds <= MAX_DOWNTIME_SECONDS) return seconds
  throw new UnexpectedJsonError('/expected_downtime_seconds', `at most ${MAX_DOWNTIME_SECONDS}`, seconds)
}
