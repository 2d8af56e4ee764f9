/** Versions §1: Semantic Versioning 2.0.0, parsed. Build metadata is kept for display and never compared. */
export interface SemanticVersion {
  major: number
  minor: number
  patch: number
  /** Numbers of more than 15 digits stay text, as they would lose digits. */
  prerelease: readonly (string | number)[]
  build: string
}

const NUMBER = '(?:0|[1-9]\\d{0,15})'
const SEMVER = new RegExp(
  `^(${NUMBER})\\.(${NUMBER})\\.(${NUMBER})` +
    '(?:-((?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\\.(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?' +
    '(?:\\+([0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*))?$',
)

/** Undefined when `text` is not exactly a semantic version of at most 256 characters, with numbers up to 2^53 − 1. */
export function parseSemver(text: string): SemanticVersion | undefined {
  const match = text.length <= 256 ? SEMVER.exec(text) : null
  if (!match) return undefined
  const [major = 0, minor = 0, patch = 0] = match.slice(1, 4).map(Number)
  if (![major, minor, patch].every(Number.isSafeInteger)) return undefined
  return { major, minor, patch, prerelease: parsePrerelease(match[4]), build: match[5] ?? '' }
}

export function parsePrerelease(text: string | undefined): (string | number)[] {
  if (!text) return []
  return text.split('.').map((part) => {
    if (!/^\d+$/.test(part)) return part
    // Only lenient versions have leading zeros (Versions §2).
    const digits = part.replace(/^0+(?=\d)/, '')
    return digits.length <= 15 ? Number(digits) : digits
  })
}

/** Semver §11 precedence: negative when `a` comes first, 0 when equal, positive when `b` comes first. */
export function compareSemver(a: SemanticVersion, b: SemanticVersion): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch || comparePrereleases(a.prerelease, b.prerelease)
}

/** Semver §11.3–11.4: a release comes after its pre-releases; numbers before words; fewer fields before more. */
export function comparePrereleases(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const left = a[index]
    const right = b[index]
    if (left === undefined) return -1
    if (right === undefined) return 1
    if (left === right) continue
    return compareIdentifiers(left, right)
  }
  return 0
}

function compareIdentifiers(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [isNumericA, isNumericB] = [isNumeric(a), isNumeric(b)]
  if (isNumericA !== isNumericB) return isNumericA ? -1 : 1
  // Without leading zeros, the longer number is the larger one.
  const [left, right] = [String(a), String(b)]
  if (isNumericA && left.length !== right.length) return left.length - right.length
  return left < right ? -1 : 1
}

function isNumeric(identifier: string | number): boolean {
  return typeof identifier === 'number' || /^\d+$/.test(identifier)
}
