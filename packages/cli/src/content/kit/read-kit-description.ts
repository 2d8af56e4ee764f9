import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import {
  KIT_COMPONENT_KINDS,
  MAX_KIT_MANIFEST_BYTES,
  parsePlainJson,
  readArray,
  readKitContent,
  readObject,
  readPlatform,
  readString,
  UnexpectedJsonError,
  type KitComponentKind,
  type KitFileFormat,
} from '@hotpatch/protocol'
import { parse as parseToml, TomlError } from 'smol-toml'
import { readNewVersion } from '../../arguments/readers.ts'
import { CommandError, hasCode, systemReason } from '../../errors/errors.ts'
import { readPlainText } from '../../files/read-plain-text.ts'
import { mostSimilar } from '../../output/similar-names.ts'
import type { KitDescription, KitSource } from './kit-description.ts'

/** Looked for in this order, where no file is named. */
export const KIT_DESCRIPTIONS = ['kit.release.json', 'kit.release.toml'] as const

/** What options say in place of the file. */
export interface KitChanges {
  release_id?: string | undefined
  channel?: string | undefined
  severity?: string | undefined
  notes?: string | undefined
}

const DEFAULTS = { severity: 'informational', channel: 'stable' }

const KIT_FIELDS = [
  '$schema',
  'release_id',
  'channel',
  'severity',
  'notes',
  'min_installer_version',
  'expected_downtime_seconds',
  'allows_partial',
  'probe',
  'components',
]
const COMPONENT_FIELDS = [
  'kind',
  'version',
  'order',
  'from',
  'format',
  'files',
  'probe',
  'supports_rollback',
  'optional',
  'migrates_to',
  'repairs',
]
const FILE_FIELDS = ['platform', 'architecture', 'from', 'format']

/** Kits §1: little downtime, and nothing that fails for want of what comes later. Where a description says no order. */
const ORDERS: Readonly<Record<KitComponentKind, number>> = {
  files: 100,
  migration: 200,
  repair: 250,
  binary: 300,
  template: 400,
  app: 500,
  coordinator: 1_000,
}

/** What a kind's bytes come in, unless it is said or shows. */
const FORMATS: Partial<Record<KitComponentKind, KitFileFormat>> = {
  files: 'zip',
  coordinator: 'zip',
  binary: 'raw',
  template: 'raw',
}

/** Of what is not packed yet. */
const UNKNOWN_BYTES = { artifact_digest: `sha256:${'0'.repeat(64)}`, size_bytes: 1 }

/** @throws CommandError kit-missing */
export async function findKitDescription(directory: string): Promise<string> {
  for (const name of KIT_DESCRIPTIONS) {
    const path = join(directory, name)
    if ((await kindOf(path)) !== undefined) return path
  }
  const message = `Expected ${KIT_DESCRIPTIONS.join(' or ')} in ${directory}, found neither.`
  throw new CommandError('kit-missing', `${message} It says what the kit consists of; or name another file.`)
}

/** @throws CommandError kit-invalid with the place of the first thing that is not as it must be */
export async function readKitDescription(path: string, changes: KitChanges = {}): Promise<KitDescription> {
  const json = await readJson(path)
  try {
    refuseUnknown(json, '', KIT_FIELDS)
    const { $schema: _, components, ...release } = json
    const sources: KitSource[] = []
    const drafts: Record<string, unknown> = {}
    for (const [id, each] of Object.entries(readObject(components, '/components'))) {
      drafts[id] = await readComponent(id, each, { directory: dirname(path), sources })
    }
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
    const document = { schema_version: 1, ...DEFAULTS, ...release, ...given, components: drafts }
    const draft = readKitContent(JSON.stringify(document))
    requireVersion(draft.releaseId)
    return { path, draft, sources }
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    throw new CommandError('kit-invalid', `${path} describes no kit: ${cause.message}.`, { cause })
  }
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  try {
    const text = (await readPlainText(path)).replace(/^\uFEFF/, '')
    // Through JSON: what TOML has besides, dates and more, is text in it.
    const plain = path.endsWith('.toml') ? JSON.stringify(parseToml(text)) : text
    return readObject(parsePlainJson(plain, MAX_KIT_MANIFEST_BYTES), '')
  } catch (cause) {
    if (cause instanceof CommandError) throw cause
    if (cause instanceof UnexpectedJsonError || cause instanceof TomlError) {
      throw new CommandError('kit-invalid', `${path} describes no kit: ${cause.message}`, { cause })
    }
    throw new CommandError('kit-missing', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}

async function readComponent(
  id: string,
  value: unknown,
  { directory, sources }: { directory: string; sources: KitSource[] },
): Promise<Record<string, unknown>> {
  const pointer = `/components/${id.slice(0, 64)}`
  const json = readObject(value, pointer)
  refuseUnknown(json, pointer, COMPONENT_FIELDS)
  const kind = KIT_COMPONENT_KINDS.find((each) => each === json.kind)
  if (kind === undefined) {
    throw new UnexpectedJsonError(`${pointer}/kind`, `one of ${KIT_COMPONENT_KINDS.join(', ')}`, json.kind)
  }
  const { from, format, files, version, ...rest } = json
  const found = []
  for (const [at, file] of filesOf({ from, format, files }, pointer)) {
    const source = await readSource(file, at, { id, kind, directory })
    sources.push(source)
    const { platform, architecture, what } = source
    found.push({ platform, architecture, format: what === 'file' ? 'raw' : 'zip', ...UNKNOWN_BYTES })
  }
  return {
    ...(kind === 'app' ? { bundle_version: version } : { version }),
    order: ORDERS[kind],
    ...rest,
    ...(found.length > 0 && { files: found }),
  }
}

/** One file for all machines is said in short. */
function* filesOf(
  { from, format, files }: Record<'from' | 'format' | 'files', unknown>,
  pointer: string,
): Generator<[at: string, file: Record<string, unknown>]> {
  if (from !== undefined) {
    if (files !== undefined) throw new UnexpectedJsonError(`${pointer}/files`, 'from or files, not both', files)
    yield [pointer, { platform: 'any', architecture: 'any', from, format }]
    return
  }
  for (const [index, file] of readArray(files ?? [], `${pointer}/files`, MAX_FILES).entries()) {
    const at = `${pointer}/files/${index}`
    const json = readObject(file, at)
    refuseUnknown(json, at, FILE_FIELDS)
    yield [at, { ...json, format: json.format ?? format }]
  }
}

const MAX_FILES = 20

async function readSource(
  { platform = 'any', architecture = 'any', from, format }: Record<string, unknown>,
  pointer: string,
  { id, kind, directory }: { id: string; kind: KitComponentKind; directory: string },
): Promise<KitSource> {
  const path = resolve(
    directory,
    readString(from, `${pointer}/from`, { pattern: /\S/, expected: 'a file or a folder' }),
  )
  const found = await kindOf(path)
  if (found === undefined) throw new UnexpectedJsonError(`${pointer}/from`, 'a file or a folder', `${path}: nothing`)
  const asked = readFormat(format, `${pointer}/format`) ?? FORMATS[kind]
  const what = found === 'folder' ? 'folder' : (asked ?? formatOfName(path)) === 'zip' ? 'zip' : 'file'
  if (what === 'folder' && asked === 'raw') {
    throw new UnexpectedJsonError(`${pointer}/from`, `one file, as of every ${kind}`, `the folder ${path}`)
  }
  return {
    component: id,
    kind,
    platform: readPlatform(platform, `${pointer}/platform`),
    architecture: readString(architecture, `${pointer}/architecture`),
    what,
    path,
  }
}

function readFormat(value: unknown, pointer: string): KitFileFormat | undefined {
  if (value === undefined || value === 'zip' || value === 'raw') return value
  throw new UnexpectedJsonError(pointer, 'zip or raw', value)
}

const formatOfName = (path: string): KitFileFormat => (path.toLowerCase().endsWith('.zip') ? 'zip' : 'raw')

async function kindOf(path: string): Promise<'folder' | 'file' | undefined> {
  try {
    const stats = await stat(path)
    return stats.isDirectory() ? 'folder' : stats.isFile() ? 'file' : undefined
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) return undefined
    throw new CommandError('bundle-unreadable', `${path} cannot be read: ${systemReason(cause)}.`, { cause })
  }
}

/** What is misspelt would be left out, and signed like that. */
function refuseUnknown(json: Record<string, unknown>, pointer: string, known: readonly string[]): void {
  const unknown = Object.keys(json).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const meant = mostSimilar(unknown, known)
  const expected = meant === undefined ? `one of ${known.join(', ')}` : `${meant}, or another that there is`
  throw new UnexpectedJsonError(`${pointer}/${unknown.slice(0, 64)}`, expected, unknown)
}

/** Of releases there is more to say than of a kit's id: they are named on command lines, and compared. */
function requireVersion(releaseId: string): void {
  try {
    readNewVersion(releaseId)
  } catch (cause) {
    const expected = 'a digit, or "v" and a digit, then letters, digits, ".", "+", "_" or "-"; at most 50'
    throw Object.assign(new UnexpectedJsonError('/release_id', expected, releaseId), { cause })
  }
}
