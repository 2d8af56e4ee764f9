import { compareWithBound, parseNativeVersion, type NativeVersion } from './native-version.ts'

/**
 * Versions §4: which native versions a release runs on, in the notation of npm ranges:
 * `>=1.2 <3`, `^1.4.0`, `~2.1`, `1.x`, `1.2 - 2.3`, joined by `||`.
 * Unlike npm, a pre-release is compared like any other version.
 */
export interface NativeRange {
  /** Any one of these must hold; within one, every bound. */
  alternatives: readonly (readonly Bound[])[]
}

interface Bound {
  operator: '<' | '<=' | '>' | '>=' | '='
  version: NativeVersion
}

const COMPARATOR =
  /^(<=|>=|<|>|=|\^|~)?v?((?:\d{1,15}|[xX*])(?:\.(?:\d{1,15}|[xX*])){0,3})((?:-[0-9A-Za-z.-]+)?(?:\+\d{1,15})?)$/
const MAX_BOUNDS = 64

/** Undefined when `text` is not a range, is longer than 256 characters, or has an alternative of more than 64 bounds. */
export function parseNativeRange(text: string): NativeRange | undefined {
  if (text.length > 256) return undefined
  const alternatives: Bound[][] = []
  for (const alternative of text.split('||')) {
    const bounds = parseAlternative(alternative.trim())
    if (!bounds || bounds.length > MAX_BOUNDS) return undefined
    alternatives.push(bounds)
  }
  return { alternatives }
}

export function isInNativeRange(version: NativeVersion, range: NativeRange): boolean {
  return range.alternatives.some((bounds) => bounds.every((bound) => isWithin(version, bound)))
}

function isWithin(version: NativeVersion, { operator, version: bound }: Bound): boolean {
  const order = compareWithBound(version, bound)
  switch (operator) {
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    case '=':
      return order === 0
  }
}

function parseAlternative(text: string): Bound[] | undefined {
  const hyphen = /^(\S+)\s+-\s+(\S+)$/.exec(text)
  if (hyphen?.[1] && hyphen[2]) {
    const from = parseComparator(`>=${hyphen[1]}`)
    const to = parseComparator(`<=${hyphen[2]}`)
    return from && to ? [...from, ...to] : undefined
  }
  const bounds: Bound[] = []
  // ">= 1.0" is common: join an operator with the version that follows it. "> = 1" is a slip, and stays one.
  for (const word of text.replace(/([<>=^~])\s+(?=[vxX*\d])/g, '$1').split(/\s+/)) {
    const parsed = parseComparator(word)
    if (!parsed) return undefined
    bounds.push(...parsed)
  }
  return bounds
}

function parseComparator(word: string): Bound[] | undefined {
  const match = COMPARATOR.exec(word)
  if (!match) return undefined
  const [, operator = '', dotted = '', suffix = ''] = match
  const written = dotted.split('.')
  const firstWildcard = written.findIndex((part) => !/^\d+$/.test(part))
  const parts = written.slice(0, firstWildcard === -1 ? undefined : firstWildcard).map(Number)
  // "1.x.3" means nothing; read as "1.x" it would mean more than was written.
  if (written.slice(parts.length).some((part) => /^\d+$/.test(part))) return undefined
  const isPartial = firstWildcard !== -1 || parts.length < 3
  if (suffix && isPartial) return undefined
  if (parts.length === 0) return operator === '<' || operator === '>' ? undefined : []
  return expand(operator, parts, suffix, isPartial)
}

/** Npm's rules for partial versions, tilde and caret, as plain bounds. */
function expand(operator: string, parts: number[], suffix: string, isPartial: boolean): Bound[] | undefined {
  const low = version(parts, suffix)
  if (!low) return undefined
  const afterLast = versionAfter(parts, parts.length - 1)
  switch (operator) {
    case '^': {
      const firstNonZero = parts.findIndex((part) => part > 0)
      const index = firstNonZero === -1 ? parts.length - 1 : Math.min(firstNonZero, parts.length - 1)
      return [atLeast(low), below(versionAfter(parts, index))]
    }
    case '~':
      return [atLeast(low), below(versionAfter(parts, Math.min(1, parts.length - 1)))]
    case '>':
      return isPartial ? [{ operator: '>=', version: afterLast }] : [{ operator: '>', version: low }]
    case '<=':
      return isPartial ? [below(afterLast)] : [{ operator: '<=', version: low }]
    case '<':
      return [isPartial ? below(low) : { operator: '<', version: low }]
    case '>=':
      return [atLeast(low)]
    default:
      return isPartial ? [atLeast(low), below(afterLast)] : [{ operator: '=', version: low }]
  }
}

function version(parts: readonly number[], suffix: string): NativeVersion | undefined {
  return parseNativeVersion(parts.join('.') + suffix)
}

function versionAfter(parts: readonly number[], index: number): NativeVersion {
  const raised = parts.slice(0, index + 1)
  raised[index] = (raised[index] ?? 0) + 1
  return { parts: raised, prerelease: [], build: undefined }
}

function atLeast(bound: NativeVersion): Bound {
  return { operator: '>=', version: bound }
}

/** `-0` is the lowest pre-release, so that 2.0.0-beta is not "below 2". */
function below(bound: NativeVersion): Bound {
  return { operator: '<', version: { ...bound, prerelease: bound.prerelease.length > 0 ? bound.prerelease : [0] } }
}
