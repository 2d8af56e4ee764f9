import { isAllowedAddress, joinAddress } from '@hotpatch/device-ground'
import {
  KIT_COMPONENT_ID,
  MAX_KIT_COMPONENTS,
  parseJson,
  readArray,
  readInteger,
  readString,
  textFromUtf8,
  UnexpectedJsonError,
} from '@hotpatch/protocol'
import type { KitDisk } from '../ground/kit-disk.ts'
import type { ConsentRules, Installation, InstallationSource, RepairTarget } from './installation.ts'
import { collectMistakes, InstallationError, type Mistakes } from './installation-mistakes.ts'
import { expectApart, INSTALLATION_FILE, readKitPath, type OwnedPath } from './installation-paths.ts'
import { readPlace, readProbePlace } from './read-place.ts'

export const DEFAULT_RELEASE_FILE = 'substratum-kit-release.json'
export const DEFAULT_CHANNEL_VARIABLE = 'SUBSTRATUM_UPDATE_CHANNEL'
export const DEFAULT_CHANNEL = 'stable'

const MAX_INSTALLATION_BYTES = 256 * 1024
const MAX_KEYS = 16
const MAX_VARIABLES = 200
const MAX_TARGETS = 50
const MAX_TARGET_KEYS = 100
const MAX_WINDOWS = 20

const FIELDS = [
  '$schema',
  'source',
  'publicKeys',
  'releaseFile',
  'channelVariable',
  'channel',
  'consent',
  'variables',
  'components',
  'probe',
  'repairTargets',
]
const APP_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const APP_KEY = /^[\x21-\x7e]{1,200}$/
/** 32 bytes in base64, or a minisign key: 42 bytes that begin with "Ed". */
const PUBLIC_KEY = /^(?:[A-Za-z0-9+/]{43}=|RW[A-Za-z0-9+/]{54})$/
const CHANNEL = /^[a-z0-9][a-z0-9._-]{0,63}$/
const ENVIRONMENT_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/
const COMPONENT = KIT_COMPONENT_ID
const VARIABLE = /^[A-Z_][A-Z0-9_]{0,63}$/
/** Facts that the coordinator knows have such names (Kits §3.3). */
const OWN_VARIABLE = /^HOTPATCH_KIT_/
// oxlint-disable-next-line no-control-regex -- it is control characters that no value may have
const ONE_LINE = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]{0,2000}$/
const SETTING = /^[A-Za-z_][A-Za-z0-9_.-]{0,99}$/
const FROM = /^(?:[01]\d|2[0-3]):[0-5]\d$/
const TO = /^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/

/** @throws InstallationError when it is not there, or says something else than it may */
export async function loadInstallation(disk: KitDisk): Promise<Installation> {
  const stat = await disk.stat(INSTALLATION_FILE)
  const where = disk.locate(INSTALLATION_FILE)
  if (stat === undefined) throw unreadable(`a file ${where}, which says what is installed where (Kits §5)`, 'none')
  if (stat.kind !== 'file') throw unreadable(`a file ${where}`, 'something else under this name')
  if (stat.sizeBytes > MAX_INSTALLATION_BYTES) {
    throw unreadable(`at most ${MAX_INSTALLATION_BYTES} bytes`, `${stat.sizeBytes} bytes in ${where}`)
  }
  const text = textFromUtf8((await disk.read(INSTALLATION_FILE)) ?? new Uint8Array())
  if (text === undefined) throw unreadable('UTF-8', `other bytes in ${where}`)
  return readInstallation(text)
}

function unreadable(expected: string, found: string): InstallationError {
  return new InstallationError([{ pointer: '', message: `expected ${expected}, found ${found}` }])
}

/**
 * Kits §5: `kit.json`, with all its mistakes at once.
 * @throws InstallationError
 */
export function readInstallation(text: string): Installation {
  const mistakes = collectMistakes()
  const parsed = mistakes.attempt<unknown>(undefined, () => parseJson(text))
  mistakes.throwAny()
  const json = mistakes.fields(parsed, '', FIELDS)
  const textOf = (name: string, pattern: RegExp, expected: string, ofAbsent: string) =>
    mistakes.attempt(ofAbsent, () => readString(json[name] ?? ofAbsent, `/${name}`, { pattern, expected }))
  const installation: Installation = {
    source: json.source === undefined ? undefined : readSource(mistakes, json.source),
    publicKeys: readKeys(mistakes, json.publicKeys),
    releaseFile: readKitPath(mistakes, json.releaseFile ?? DEFAULT_RELEASE_FILE, '/releaseFile'),
    channelVariable: textOf('channelVariable', ENVIRONMENT_NAME, 'a variable', DEFAULT_CHANNEL_VARIABLE),
    channel: textOf('channel', CHANNEL, 'a channel, such as stable', DEFAULT_CHANNEL),
    consent: readConsent(mistakes, json.consent ?? {}),
    variables: readVariables(mistakes, json.variables),
    components: mistakes.byName(json.components, '/components', {
      name: COMPONENT,
      max: MAX_KIT_COMPONENTS,
      read: (each, at) => readPlace(mistakes, each, at),
    }),
    probe: json.probe === undefined ? {} : readProbePlace(mistakes, json.probe, '/probe'),
    repairTargets: mistakes.byName(json.repairTargets, '/repairTargets', {
      name: COMPONENT,
      max: MAX_TARGETS,
      read: (each, at) => readTarget(mistakes, each, at),
    }),
  }
  if (json.components === undefined) mistakes.tell('/components', 'what is installed where', 'nothing')
  expectPlacesApart(mistakes, installation)
  mistakes.throwAny()
  return installation
}

function readSource(mistakes: Mistakes, value: unknown): InstallationSource {
  const { url, appId, appKey } = mistakes.fields(value, '/source', ['url', 'appId', 'appKey'])
  return {
    url: mistakes.attempt('', () => readSourceUrl(url)),
    appId: mistakes.attempt('', () =>
      readString(appId, '/source/appId', { pattern: APP_ID, expected: 'the id of the app, a UUID in lower case' }),
    ),
    appKey: appKey === undefined ? undefined : readAppKey(mistakes, appKey),
  }
}

function readSourceUrl(value: unknown): string {
  const expected = 'the address of the server: https, or http on this machine, without a query'
  const url = readString(value, '/source/url', { expected })
  const isFit = isAllowedAddress(url, 'loopback') && joinAddress(url, '/') !== undefined
  if (!isFit) throw new UnexpectedJsonError('/source/url', expected, url)
  return url
}

/** Never shown, not even where it is wrong. */
function readAppKey(mistakes: Mistakes, value: unknown): string {
  if (typeof value === 'string' && APP_KEY.test(value)) return value
  mistakes.tell('/source/appKey', "the app's key, in one word", `something else of the type ${typeof value}`)
  return ''
}

function readKeys(mistakes: Mistakes, value: unknown): string[] {
  return mistakes.attempt([], () => {
    const keys = readArray(value, '/publicKeys', MAX_KEYS).map((each, index) =>
      readString(each, `/publicKeys/${index}`, {
        pattern: PUBLIC_KEY,
        expected: 'an Ed25519 public key of 32 bytes in base64, or a minisign key (RW…)',
      }),
    )
    if (keys.length > 0) return keys
    throw new UnexpectedJsonError('/publicKeys', 'at least one key, as nothing unsigned is ever taken', value)
  })
}

function readConsent(mistakes: Mistakes, value: unknown): ConsentRules {
  const json = mistakes.fields(value, '/consent', ['auto', 'windows'])
  const auto = mistakes.attempt<ConsentRules['auto']>([], () =>
    readArray(json.auto ?? [], '/consent/auto', 1).map((each, index) => {
      if (each === 'app') return 'app'
      throw new UnexpectedJsonError(`/consent/auto/${index}`, '"app", the only kind that is applied unasked', each)
    }),
  )
  const windows = mistakes.attempt([], () => readArray(json.windows ?? [], '/consent/windows', MAX_WINDOWS))
  return { auto, windows: windows.map((each, index) => readWindow(mistakes, each, `/consent/windows/${index}`)) }
}

/** As a plan's: 1 is Monday, and one that ends before it begins goes over midnight. */
function readWindow(mistakes: Mistakes, value: unknown, pointer: string): ConsentRules['windows'][number] {
  const json = mistakes.fields(value, pointer, ['days', 'from', 'to'])
  return mistakes.attempt({ days: [], from: '', to: '' }, () => {
    const days = readArray(json.days, `${pointer}/days`, 7).map((each, index) => {
      const day = readInteger(each, `${pointer}/days/${index}`, 1)
      if (day <= 7) return day
      throw new UnexpectedJsonError(`${pointer}/days/${index}`, '1, Monday, to 7, Sunday', day)
    })
    if (days.length === 0) throw new UnexpectedJsonError(`${pointer}/days`, 'at least one day', json.days)
    const from = readString(json.from, `${pointer}/from`, { pattern: FROM, expected: 'a time, such as 02:00' })
    const to = readString(json.to, `${pointer}/to`, { pattern: TO, expected: 'a time, such as 05:00 or 24:00' })
    return { days, from, to }
  })
}

/** Values may be secrets: they are never shown. */
function readVariables(mistakes: Mistakes, value: unknown): Record<string, string> {
  return mistakes.byName(value, '/variables', {
    name: VARIABLE,
    max: MAX_VARIABLES,
    read(each, pointer, name) {
      if (OWN_VARIABLE.test(name)) mistakes.tell(pointer, 'a name that does not begin with HOTPATCH_KIT_', name)
      if (typeof each === 'string' && ONE_LINE.test(each)) return each
      mistakes.tell(
        pointer,
        'one line of at most 2,000 characters',
        typeof each === 'string' ? 'other text' : typeof each,
      )
      return ''
    },
  })
}

function readTarget(mistakes: Mistakes, value: unknown, pointer: string): RepairTarget {
  const json = mistakes.fields(value, pointer, ['path', 'format', 'keys'])
  const format = mistakes.attempt<RepairTarget['format']>('env', () => {
    if (json.format === 'env' || json.format === 'json') return json.format
    throw new UnexpectedJsonError(`${pointer}/format`, 'env or json', json.format)
  })
  const keys = mistakes.attempt([], () => {
    const found = readArray(json.keys, `${pointer}/keys`, MAX_TARGET_KEYS).map((each, index) =>
      readString(each, `${pointer}/keys/${index}`, { pattern: SETTING, expected: 'a key, such as OAUTH_BASE_URL' }),
    )
    if (found.length > 0) return found
    throw new UnexpectedJsonError(`${pointer}/keys`, 'the keys that a release may set', json.keys)
  })
  return { path: readKitPath(mistakes, json.path, `${pointer}/path`), format, keys }
}

/** Kits §5.1: each place is one's alone. What a migration keeps may lie in a file that repairs change, too. */
function expectPlacesApart(mistakes: Mistakes, { releaseFile, components, repairTargets }: Installation): void {
  const release: OwnedPath = { pointer: '/releaseFile', path: releaseFile, owner: 'the file of what is installed' }
  const places = Object.entries(components).map(([id, { path }]) => ({
    pointer: `/components/${id}/path`,
    path,
    owner: `the component ${id}`,
  }))
  const targets = Object.entries(repairTargets).map(([name, { path }]) => ({
    pointer: `/repairTargets/${name}/path`,
    path,
    owner: `the repair target ${name}`,
  }))
  const backups = Object.entries(components).flatMap(([id, { migration }]) =>
    (migration?.backup ?? []).map((backup, index) => ({
      pointer: `/components/${id}/migration/backup/${index}/path`,
      path: backup.kind === 'commands' ? '' : backup.path,
      owner: `the migration ${id}`,
    })),
  )
  expectApart(mistakes, [...places, ...targets], [release])
  for (const backup of backups) expectApart(mistakes, [backup], [...places, release])
}
