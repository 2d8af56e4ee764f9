import { readInteger, readObject, readOptional, readString, UnexpectedJsonError } from '../json-reader.ts'
import {
  KNOWN_OF_COMPONENT,
  KNOWN_OF_PROBE,
  MAX_KIT_COMPONENTS,
  readFlag,
  readKitComponent,
  readKitComponentId,
  writeKitComponent,
  writeProbe,
  type KitComponent,
} from './kit-component.ts'
import { readKitProbe, type KitProbe } from './kit-probe.ts'
import { parsePlainJson } from './plain-json.ts'
import { memberOf, withUnknown } from './unknown-fields.ts'

/** Kits §1: the only one there is. A reader takes no other: what it means is not known. */
export const KIT_SCHEMA_VERSION = 1

/** Kits §1: longer ones are refused unread. */
export const MAX_KIT_MANIFEST_BYTES = 64 * 1024

/** `security` and `breaking` make an update one that is required, once its signature is verified (Kits §6). */
export const KIT_SEVERITIES = ['informational', 'security', 'breaking'] as const

export type KitSeverity = (typeof KIT_SEVERITIES)[number]

/** Kits §1: what a release of a kit is, however often it is stated. */
export interface KitRelease {
  /** Such as "2026.06.02-alpha.3"; opaque. */
  releaseId: string
  /** That it is stated for: whoever asks for another takes it not (Kits §6.8). A release may be stated for several. */
  channel: string
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

/**
 * Kits §1: a Kit Release Manifest as it is offered, whether by a server or in an installer. Its exact bytes are what is
 * signed: whatever an apply decides on lies inside the signature.
 */
export interface KitManifest extends KitRelease {
  appId: string
  /** Signing §1: rises with every statement of the app. */
  sequence: number
  /** Signing §1: whoever has seen it never goes below this sequence again. */
  floor: number
  /** ISO 8601 in UTC. */
  createdAt: string
}

export type NewKitRelease = Omit<KitRelease, 'document'> & Partial<Pick<KitRelease, 'document'>>
export type NewKitManifest = Omit<KitManifest, 'document'> & Partial<Pick<KitManifest, 'document'>>

/** Kits §1.2: what is said anew whenever a release is stated, and is no part of what the release is. */
export const KIT_STATEMENT_FIELDS = ['app_id', 'sequence', 'floor', 'created_at'] as const

const APP_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const RELEASE_ID = /^[0-9A-Za-z][0-9A-Za-z.+_-]{0,99}$/
const CREATED_AT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/
const CHANNEL = /^[a-z0-9][a-z0-9._-]{0,63}$/
const INSTALLER_VERSION = /^\d+(\.\d+){0,3}([-+][0-9A-Za-z.+-]{1,60})?$/
/** Signing §1: of all components. */
const MAX_KIT_ARTIFACTS = 200
const MAX_NOTES = 10_000
const MAX_DOWNTIME_SECONDS = 86_400

/**
 * Kits §1: reads an offered manifest, after its signature was verified over the bytes that `text` came from. Fields that
 * it does not know are kept and mean nothing.
 * @throws UnexpectedJsonError with the place of the first thing that is not as it must be
 */
export function readKitManifest(text: string): KitManifest {
  const document = readDocument(text)
  const sequence = readInteger(document.sequence, '/sequence', 1)
  const floor = readInteger(document.floor, '/floor', 0)
  if (floor > sequence) throw new UnexpectedJsonError('/floor', `at most the sequence, ${sequence}`, floor)
  return {
    appId: readString(document.app_id, '/app_id', { pattern: APP_ID, expected: 'a UUID in lower case' }),
    sequence,
    floor,
    createdAt: readString(document.created_at, '/created_at', { pattern: CREATED_AT, expected: 'a time in UTC' }),
    ...readRelease(document),
  }
}

/**
 * Kits §1.2: reads what a release is without what states it.
 * @throws UnexpectedJsonError
 */
export function readKitRelease(text: string): KitRelease {
  const document = readDocument(text)
  const stated = KIT_STATEMENT_FIELDS.find((name) => Object.hasOwn(document, name))
  if (stated) throw new UnexpectedJsonError(`/${stated}`, 'nothing, as this states no release', document[stated])
  return readRelease(document)
}

/**
 * Kits §1: the text whose UTF-8 bytes are signed, stored and served, unchanged for ever. What `document` has beside the
 * fields of this version comes behind them.
 */
export function writeKitManifest(manifest: NewKitManifest): string {
  const { appId: app_id, sequence, floor, createdAt: created_at } = manifest
  return writeDocument(manifest, { app_id }, { sequence, floor, created_at })
}

/** Kits §1.2: the same release is the same text. */
export function writeKitRelease(release: NewKitRelease): string {
  return writeDocument(release)
}

function writeDocument(release: NewKitRelease, whose: object = {}, when: object = {}): string {
  const { components, probe, document = {} } = release
  const known: Record<string, unknown> = {
    schema_version: KIT_SCHEMA_VERSION,
    ...whose,
    release_id: release.releaseId,
    channel: release.channel,
    ...when,
    severity: release.severity,
    min_installer_version: release.minInstallerVersion,
    notes: release.notes,
    expected_downtime_seconds: release.expectedDowntimeSeconds,
    allows_partial: release.allowsPartial ? true : undefined,
    probe: probe && withUnknown(writeProbe(probe), document.probe, KNOWN_OF_PROBE),
  }
  const written = components.map(({ id, ...component }) => {
    const before = memberOf(document.components, id)
    return [id, withUnknown(writeKitComponent(component, before), before, KNOWN_OF_COMPONENT)] as const
  })
  const names = [...Object.keys(known), ...KIT_STATEMENT_FIELDS, 'components']
  return JSON.stringify(withUnknown({ ...known, components: Object.fromEntries(written) }, document, new Set(names)))
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

function readDocument(text: string): Record<string, unknown> {
  const document = readObject(parsePlainJson(text, MAX_KIT_MANIFEST_BYTES), '')
  // Signing §1: one text must not be a statement of both kinds, and say something else to each of their readers.
  if (document.type !== undefined) throw new UnexpectedJsonError('/type', 'nothing', document.type)
  expectSchemaVersion(document.schema_version)
  return document
}

function readRelease(document: Record<string, unknown>): KitRelease {
  const minInstallerVersion = readOptional(document.min_installer_version, (found) =>
    readString(found, '/min_installer_version', { pattern: INSTALLER_VERSION, expected: 'a version, such as 1.4' }),
  )
  const notes = readOptional(document.notes, readNotes)
  const expectedDowntimeSeconds = readOptional(document.expected_downtime_seconds, readDowntime)
  const probe = readOptional(document.probe, (found) => readKitProbe(found, '/probe'))
  return {
    releaseId: readKitReleaseId(document.release_id),
    channel: readString(document.channel, '/channel', { pattern: CHANNEL, expected: 'a channel, such as stable' }),
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

function readComponents(value: unknown): KitComponent[] {
  const entries = Object.entries(readObject(value, '/components'))
  if (entries.length === 0 || entries.length > MAX_KIT_COMPONENTS) {
    throw new UnexpectedJsonError('/components', `1 to ${MAX_KIT_COMPONENTS} components`, value)
  }
  const components = entries
    .map(([id, each]) => readKitComponent(readKitComponentId(id), each, `/components/${id}`))
    .toSorted((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1))
  expectOneSize(components)
  expectIrreversibleLast(components)
  return components
}

/** The same bytes may be of several components, and are as many in each; and no statement has room for more artifacts. */
function expectOneSize(components: readonly KitComponent[]): void {
  const sizes = new Map<string, number>()
  let count = 0
  for (const { id, files } of components) {
    for (const [index, { sha256, sizeBytes }] of files.entries()) {
      const known = sizes.get(sha256) ?? sizeBytes
      const at = `/components/${id}/files/${index}/size_bytes`
      if (known !== sizeBytes) throw new UnexpectedJsonError(at, `${known}, as of the same digest elsewhere`, sizeBytes)
      sizes.set(sha256, sizeBytes)
      count += 1
    }
  }
  if (count > MAX_KIT_ARTIFACTS)
    throw new UnexpectedJsonError('/components', `at most ${MAX_KIT_ARTIFACTS} files`, count)
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
  // As all languages count them: characters, and not halves of them.
  if (Array.from(notes).length > MAX_NOTES)
    throw new UnexpectedJsonError('/notes', `at most ${MAX_NOTES} characters`, notes)
  return notes
}

function readDowntime(value: unknown): number {
  const seconds = readInteger(value, '/expected_downtime_seconds', 0)
  if (seconds <= MAX_DOWNTIME_SECONDS) return seconds
  throw new UnexpectedJsonError('/expected_downtime_seconds', `at most ${MAX_DOWNTIME_SECONDS}`, seconds)
}
