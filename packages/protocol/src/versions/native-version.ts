import { comparePrereleases, parsePrerelease } from './semver.ts'

/**
 * Versions §2: what app stores and operating systems call a version: "1", "2.0", "1.2.3.4", "1.2.3-rc.1", "1.2.3+45".
 * Missing parts are zero; `build` is undefined when the text names none.
 */
export interface NativeVersion {
  parts: readonly number[]
  prerelease: readonly (string | number)[]
  build: number | undefined
}

const NATIVE = /^v?(\d{1,15}(?:\.\d{1,15}){0,3})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z.-]+))?$/
const BINARY = /^(?:0|[1-9]\d{0,14})(?:\.(?:0|[1-9]\d{0,14})){2}(?:\+\d{1,15})?$/

/** A fleet has few versions, and each check tells one. */
const MAX_REMEMBERED = 1_000
/** A longer text that was cut out of a request may hold on to all of it. */
const MAX_REMEMBERED_LENGTH = 12
const remembered = new Map<string, NativeVersion>()

/** Undefined when `text` is no version at all, is longer than 64 characters, or has a part of more than 15 digits. */
export function parseNativeVersion(text: string): NativeVersion | undefined {
  const known = remembered.get(text)
  if (known) return known
  const version = parse(text)
  if (!version || text.length > MAX_REMEMBERED_LENGTH) return version
  if (remembered.size >= MAX_REMEMBERED) remembered.clear()
  remembered.set(text, version)
  return version
}

function parse(text: string): NativeVersion | undefined {
  const match = text.length <= 64 ? NATIVE.exec(text.trim()) : null
  if (!match?.[1]) return undefined
  const build = match[3]
  return {
    parts: match[1].split('.').map(Number),
    prerelease: parsePrerelease(match[2]),
    build: build !== undefined && /^\d{1,15}$/.test(build) ? Number(build) : undefined,
  }
}

/** Versions §3: strictly MAJOR.MINOR.PATCH with an optional +BUILD number, as whole app binaries carry it. */
export function parseBinaryVersion(text: string): NativeVersion | undefined {
  return BINARY.test(text) ? parseNativeVersion(text) : undefined
}

/**
 * Negative when `a` comes first, 0 when equal, positive when `b` comes first.
 * Versions §3: the build number decides last, and a missing one counts as 0.
 */
export function compareNativeVersions(a: NativeVersion, b: NativeVersion): number {
  return compareIgnoringBuild(a, b) || (a.build ?? 0) - (b.build ?? 0)
}

/** As `compareNativeVersions`, but a bound that names no build number accepts every build (Versions §4). */
export function compareWithBound(version: NativeVersion, bound: NativeVersion): number {
  return bound.build === undefined ? compareIgnoringBuild(version, bound) : compareNativeVersions(version, bound)
}

/** What two builds of the same version are equal by. */
export function compareIgnoringBuild(a: NativeVersion, b: NativeVersion): number {
  const length = Math.max(a.parts.length, b.parts.length)
  for (let index = 0; index < length; index += 1) {
    const difference = (a.parts[index] ?? 0) - (b.parts[index] ?? 0)
    if (difference !== 0) return difference
  }
  return comparePrereleases(a.prerelease, b.prerelease)
}
