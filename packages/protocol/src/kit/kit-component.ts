import { readArray, readInteger, readObject, readOptional, readString, UnexpectedJsonError } from '../json-reader.ts'
import { readPlatform, type Platform } from '../platforms.ts'
import { readKitProbe, type KitProbe } from './kit-probe.ts'
import { readKitRepairs, type KitRepair } from './kit-repair.ts'
import { itemOf, memberOf, withUnknown } from './unknown-fields.ts'

/** Kits §3: what is done with a component's bytes. Each has an adapter of its own in whatever applies kits. */
export const KIT_COMPONENT_KINDS = ['files', 'binary', 'template', 'app', 'migration', 'repair', 'coordinator'] as const

export type KitComponentKind = (typeof KIT_COMPONENT_KINDS)[number]

/** Kits §2: one part of a kit, as a release offers it. */
export interface KitComponent {
  /** Such as "gateway". */
  id: string
  kind: KitComponentKind
  version: string
  /** Applied from the lowest to the highest; two of the same order in the order of their ids. */
  order: number
  /** One for each kind of machine; none of `repair`, and none or some of `migration`. */
  files: readonly KitFile[]
  /** False: what it does cannot be taken back, so nothing that can fail comes after it (Kits §3). */
  supportsRollback: boolean
  /** True: a kit that does not have it installed takes the release without it. */
  isOptional: boolean
  probe?: KitProbe
  /** Of a `migration`: the level to which it brings what it migrates, such as "12". */
  migratesTo?: string
  /** Of a `repair`. */
  repairs?: readonly KitRepair[]
}

export interface KitFile {
  platform: Platform
  /** Such as "x86_64" or "arm64"; "any" runs on all. */
  architecture: string
  format: KitFileFormat
  /** Lower-case hex of the SHA-256 of exactly these bytes. */
  sha256: string
  sizeBytes: number
}

export const KIT_FILE_FORMATS = ['zip', 'raw'] as const

export type KitFileFormat = (typeof KIT_FILE_FORMATS)[number]

/** Kits §1: more than any kit has. */
export const MAX_KIT_COMPONENTS = 50
/** Of one component. */
const MAX_KIT_FILES = 20
const MAX_ORDER = 1_000

/** Kits §3: in which a kind's bytes may come. */
const FORMATS: Readonly<Record<KitComponentKind, readonly KitFileFormat[]>> = {
  files: ['zip'],
  binary: ['raw'],
  template: ['raw'],
  app: ['zip', 'raw'],
  migration: ['zip', 'raw'],
  repair: [],
  coordinator: ['zip'],
}

/** Not a digit first: JavaScript puts names that are whole numbers before all others, and a manifest has an order (Kits §1.2). */
export const KIT_COMPONENT_ID = /^[a-z][a-z0-9._-]{0,63}$/
const WORD = /^[a-z0-9][a-z0-9._-]{0,31}$/
const VERSION = /^[0-9A-Za-z][0-9A-Za-z.+_-]{0,99}$/
const DIGEST = /^sha256:[0-9a-f]{64}$/

/** What is no id is in no pointer either: it may be as long as the whole text. */
export function readKitComponentId(id: string): string {
  return readString(id, '/components', { pattern: KIT_COMPONENT_ID, expected: 'ids of components, such as gateway' })
}

/** An app's bundle has its version under another name (Kits §2). */
export function readKitVersion(json: Record<string, unknown>, pointer: string): string {
  const name = json.version === undefined && json.bundle_version !== undefined ? 'bundle_version' : 'version'
  if (name === 'version' && json.bundle_version !== undefined) {
    throw new UnexpectedJsonError(`${pointer}/bundle_version`, 'nothing, as there is a version', json.bundle_version)
  }
  return readString(json[name], `${pointer}/${name}`, { pattern: VERSION, expected: 'a version, such as 1.4.0' })
}

export function readKitDigest(value: unknown, pointer: string): string {
  const digest = readString(value, pointer, { pattern: DIGEST, expected: '"sha256:" and 64 lower-case hex digits' })
  return digest.slice('sha256:'.length)
}

/** @throws UnexpectedJsonError */
export function readKitComponent(id: string, value: unknown, pointer: string): KitComponent {
  const json = readObject(value, pointer)
  const kind = readKind(json.kind, `${pointer}/kind`)
  const files = readOptional(json.files, (found) => readFiles(found, kind, `${pointer}/files`)) ?? []
  expectFiles(kind, files, `${pointer}/files`)
  const digest = readOptional(json.artifact_digest, (found) => readKitDigest(found, `${pointer}/artifact_digest`))
  if (digest !== undefined && !(files.length === 1 && files[0]?.sha256 === digest)) {
    throw new UnexpectedJsonError(`${pointer}/artifact_digest`, 'the digest of its only file, or none', digest)
  }
  const probe = readOptional(json.probe, (found) => readKitProbe(found, `${pointer}/probe`))
  const migratesTo = readOptional(json.migrates_to, (found) =>
    readString(found, `${pointer}/migrates_to`, { pattern: VERSION, expected: 'a level, such as 12' }),
  )
  const repairs = readOptional(json.repairs, (found) => readKitRepairs(found, `${pointer}/repairs`))
  expectOf(kind, 'migration', migratesTo, `${pointer}/migrates_to`)
  expectOf(kind, 'repair', repairs, `${pointer}/repairs`)
  return {
    id,
    kind,
    version: readKitVersion(json, pointer),
    order: readOrder(json.order, `${pointer}/order`),
    files,
    supportsRollback: readFlag(json.supports_rollback, `${pointer}/supports_rollback`, true),
    isOptional: readFlag(json.optional, `${pointer}/optional`, false),
    ...(probe && { probe }),
    ...(migratesTo !== undefined && { migratesTo }),
    ...(repairs && { repairs }),
  }
}

/** With its fields in the order in which this writes them. */
export function writeKitComponent(component: Omit<KitComponent, 'id'>, before: unknown): Record<string, unknown> {
  const { kind, version, order, files, supportsRollback, isOptional, probe, migratesTo, repairs } = component
  const [only] = files
  return {
    ...(kind === 'app' ? { bundle_version: version } : { version }),
    ...(files.length === 1 && only && { artifact_digest: `sha256:${only.sha256}` }),
    kind,
    order,
    ...(files.length > 0 && {
      files: files.map((file, index) =>
        withUnknown(writeFile(file), itemOf(memberOf(before, 'files'), index), KNOWN_OF_FILE),
      ),
    }),
    supports_rollback: supportsRollback,
    ...(isOptional && { optional: true }),
    ...(probe && { probe: withUnknown(writeProbe(probe), memberOf(before, 'probe'), KNOWN_OF_PROBE) }),
    ...(migratesTo !== undefined && { migrates_to: migratesTo }),
    ...(repairs && {
      repairs: repairs.map(({ target, set }, index) =>
        withUnknown({ target, set }, itemOf(memberOf(before, 'repairs'), index), KNOWN_OF_REPAIR),
      ),
    }),
  }
}

/** Of this version; what else a document has is kept. */
export const KNOWN_OF_COMPONENT: ReadonlySet<string> = new Set([
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
export const KNOWN_OF_PROBE: ReadonlySet<string> = new Set([
  'type',
  'path',
  'status',
  'attempts',
  'interval_ms',
  'timeout_ms',
])
const KNOWN_OF_FILE: ReadonlySet<string> = new Set([
  'platform',
  'architecture',
  'format',
  'artifact_digest',
  'size_bytes',
])
const KNOWN_OF_REPAIR: ReadonlySet<string> = new Set(['target', 'set'])

function writeFile({ platform, architecture, format, sha256, sizeBytes }: KitFile): Record<string, unknown> {
  return { platform, architecture, format, artifact_digest: `sha256:${sha256}`, size_bytes: sizeBytes }
}

export function writeProbe({ type, path, status, attempts, intervalMs, timeoutMs }: KitProbe): Record<string, unknown> {
  return {
    type,
    ...(path !== undefined && { path }),
    ...(status !== undefined && { status }),
    attempts,
    interval_ms: intervalMs,
    timeout_ms: timeoutMs,
  }
}

export function readFlag(value: unknown, pointer: string, ofAbsent: boolean): boolean {
  if (value === undefined) return ofAbsent
  if (typeof value === 'boolean') return value
  throw new UnexpectedJsonError(pointer, 'true or false', value)
}

function readKind(value: unknown, pointer: string): KitComponentKind {
  const kind = KIT_COMPONENT_KINDS.find((each) => each === value)
  if (kind === undefined) throw new UnexpectedJsonError(pointer, `one of ${KIT_COMPONENT_KINDS.join(', ')}`, value)
  return kind
}

function readOrder(value: unknown, pointer: string): number {
  const order = readInteger(value, pointer, 0)
  if (order > MAX_ORDER) throw new UnexpectedJsonError(pointer, `at most ${MAX_ORDER}`, order)
  return order
}

function readFiles(value: unknown, kind: KitComponentKind, pointer: string): KitFile[] {
  const files = readArray(value, pointer, MAX_KIT_FILES).map((each, index) =>
    readFile(each, FORMATS[kind], `${pointer}/${index}`),
  )
  const seen = new Set<string>()
  for (const [index, { platform, architecture }] of files.entries()) {
    const machine = `${platform} ${architecture}`
    // Two readers must not take different bytes for the same machine.
    if (seen.has(machine)) {
      throw new UnexpectedJsonError(`${pointer}/${index}`, 'another platform or architecture', machine)
    }
    seen.add(machine)
  }
  return files
}

function readFile(value: unknown, formats: readonly KitFileFormat[], pointer: string): KitFile {
  const json = readObject(value, pointer)
  const format = formats.find((each) => each === json.format)
  if (format === undefined) {
    throw new UnexpectedJsonError(`${pointer}/format`, formats.join(' or ') || 'no file of this kind', json.format)
  }
  return {
    platform: readPlatform(json.platform, `${pointer}/platform`),
    architecture: readString(json.architecture, `${pointer}/architecture`, {
      pattern: WORD,
      expected: 'a short word in lower case, such as arm64 or any',
    }),
    format,
    sha256: readKitDigest(json.artifact_digest, `${pointer}/artifact_digest`),
    sizeBytes: readInteger(json.size_bytes, `${pointer}/size_bytes`, 1),
  }
}

function expectFiles(kind: KitComponentKind, files: readonly KitFile[], pointer: string): void {
  if (kind === 'repair' && files.length > 0) throw new UnexpectedJsonError(pointer, 'no files of a repair', files)
  const needsFiles = kind !== 'repair' && kind !== 'migration'
  if (needsFiles && files.length === 0) throw new UnexpectedJsonError(pointer, 'at least one file', files)
}

/** A field that one kind must have, and no other may. */
function expectOf(kind: KitComponentKind, owner: KitComponentKind, value: unknown, pointer: string): void {
  if ((kind === owner) === (value !== undefined)) return
  throw new UnexpectedJsonError(pointer, kind === owner ? `that of a ${owner}` : `nothing, as it is no ${owner}`, value)
}
