import {
  COHORTS,
  isBuildId,
  NO_BUILD,
  parseNativeRange,
  parseJson,
  readArray,
  readInteger,
  readNumericCohort,
  readObject,
  readString,
  UnexpectedJsonError,
} from '@hotpatch/protocol'

/** A bundle as hot-updater's database has it. */
export interface HotUpdaterBundle {
  id: string
  platform: 'android' | 'ios'
  channel: string
  requirement: { nativeRange: string } | { runtimeVersion: string }
  notes: string
  isEnabled: boolean
  isForced: boolean
  percentage: number
  /** With a name. */
  cohorts: readonly string[]
  /** Single ones of the thousand, which go into no rollout here. */
  numericCohorts: readonly string[]
  /** Of the archive: its SHA-256, or `sig:` and a signature over that. */
  fileHash: string
  manifestHash: string | undefined
  storageUri: string
}

export interface HotUpdaterHistory {
  bundles: readonly HotUpdaterBundle[]
  unreadable: readonly { path: string; reason: string }[]
}

export const SIGNED = 'sig:'

export function isSigned({ fileHash }: Pick<HotUpdaterBundle, 'fileHash'>): boolean {
  return fileHash.startsWith(SIGNED)
}

const MAX_BUNDLES = 100_000
const MAX_COHORTS = 100
const HASH = /^(?:[0-9a-f]{64}|sig:[A-Za-z0-9+/]{40,4096}={0,2})$/

/** The rows of its table, by whichever tool: a list, lines, `{ data }`, or a list of `{ results }`. */
export function readRows(text: string): unknown[] {
  const isLines = /^\s*\{[^\n]*\}\s*\n\s*\{/.test(text)
  const json = isLines
    ? text
        .trim()
        .split('\n')
        .map((line) => parseJson(line))
    : parseJson(text)
  const [first] = Array.isArray(json) ? (json as unknown[]) : [json]
  const within = typeof first === 'object' && first !== null ? (first as { data?: unknown; results?: unknown }) : {}
  return readArray(within.data ?? within.results ?? json, '', MAX_BUNDLES)
}

/** Oldest first, each once. What one of them lacks is no reason to lose the others. */
export function readBundles(rows: readonly unknown[]): HotUpdaterHistory {
  const bundles = new Map<string, HotUpdaterBundle>()
  const unreadable: { path: string; reason: string }[] = []
  for (const [index, row] of rows.entries()) {
    const fields = inCamelCase(readObject(row, `/${index}`))
    const id = typeof fields.id === 'string' ? fields.id.slice(0, 64) : `/${index}`
    try {
      bundles.set(id, readBundle(fields, `/${index}`))
    } catch (error) {
      if (!(error instanceof UnexpectedJsonError)) throw error
      unreadable.push({ path: id, reason: error.message })
    }
  }
  return { bundles: [...bundles.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)), unreadable }
}

function readBundle(fields: Record<string, unknown>, pointer: string): HotUpdaterBundle {
  const { id, platform, channel, message, enabled, shouldForceUpdate, fileHash, storageUri } = fields
  if (typeof id !== 'string' || !isBuildId(id) || id === NO_BUILD) {
    throw new UnexpectedJsonError(`${pointer}/id`, 'the id of a build, a UUID in lower case', id)
  }
  if (platform !== 'android' && platform !== 'ios') {
    throw new UnexpectedJsonError(`${pointer}/platform`, 'android or ios', platform)
  }
  const count = isAbsent(fields.rolloutCohortCount)
    ? COHORTS
    : readInteger(fields.rolloutCohortCount, `${pointer}/rolloutCohortCount`, 0)
  if (count > COHORTS) throw new UnexpectedJsonError(`${pointer}/rolloutCohortCount`, `at most ${COHORTS}`, count)
  const cohorts = readCohorts(fields.targetCohorts, `${pointer}/targetCohorts`)
  const hash = { pattern: HASH, expected: 'a SHA-256 in hex, or a signature' }
  const { manifestFileHash } = fields
  return {
    id,
    platform,
    channel: isAbsent(channel) ? 'production' : readString(channel, `${pointer}/channel`),
    requirement: readRequirement(fields, pointer),
    notes: isAbsent(message) ? '' : readString(message, `${pointer}/message`),
    isEnabled: readFlag(enabled, `${pointer}/enabled`),
    isForced: readFlag(shouldForceUpdate, `${pointer}/shouldForceUpdate`),
    percentage: (100 * count) / COHORTS,
    cohorts: cohorts.filter((cohort) => readNumericCohort(cohort) === undefined),
    numericCohorts: cohorts.filter((cohort) => readNumericCohort(cohort) !== undefined),
    fileHash: readString(fileHash, `${pointer}/fileHash`, hash),
    manifestHash: isAbsent(manifestFileHash)
      ? undefined
      : readString(manifestFileHash, `${pointer}/manifestFileHash`, hash),
    storageUri: readString(storageUri, `${pointer}/storageUri`),
  }
}

/** Of what its tool deploys, one of the two. */
function readRequirement(fields: Record<string, unknown>, pointer: string): HotUpdaterBundle['requirement'] {
  const { targetAppVersion, fingerprintHash } = fields
  if (isAbsent(targetAppVersion)) {
    return { runtimeVersion: readString(fingerprintHash, `${pointer}/fingerprintHash`, { pattern: /^\S{1,128}$/ }) }
  }
  const nativeRange = readString(targetAppVersion, `${pointer}/targetAppVersion`)
  if (parseNativeRange(nativeRange)) return { nativeRange }
  throw new UnexpectedJsonError(`${pointer}/targetAppVersion`, 'a range of versions', nativeRange)
}

/** SQLite keeps lists as texts. */
function readCohorts(value: unknown, pointer: string): string[] {
  if (isAbsent(value) || value === '') return []
  const list = typeof value === 'string' ? (parseJson(value) ?? []) : value
  const pattern = /^[a-z0-9-]{1,64}$/
  return readArray(list, pointer, MAX_COHORTS).map((each) => readString(each, pointer, { pattern }))
}

/** And flags as numbers. */
function readFlag(value: unknown, pointer: string): boolean {
  if (value === true || value === 1) return true
  if (value === false || value === 0 || isAbsent(value)) return false
  throw new UnexpectedJsonError(pointer, 'true or false', value)
}

/** Columns are in snake case, what its server answers in camel case. */
function inCamelCase(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  )
}

const isAbsent = (value: unknown) => value === undefined || value === null
