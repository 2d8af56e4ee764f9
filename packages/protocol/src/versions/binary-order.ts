import { compareIgnoringBuild, type NativeVersion } from './native-version.ts'

/** Versions §5: where a whole binary stands among those of its app. */
export interface BinaryVersion {
  version: NativeVersion
  /** Rises with every build; undefined where nobody told one. */
  code: number | undefined
}

/**
 * Versions §5: whether `offered` is newer than `own`. By the codes where both have one; else by the versions, without
 * their builds: a device that does not tell its build would otherwise be offered for ever what it has.
 */
export function isNewerBinary(offered: BinaryVersion, own: BinaryVersion): boolean {
  if (offered.code !== undefined && own.code !== undefined) return offered.code > own.code
  return compareIgnoringBuild(offered.version, own.version) > 0
}

/** Some versions, of which only the lowest are kept: a catalog may have thousands, and is looked through at every request. */
export interface SeenBinaries {
  add(binary: BinaryVersion): void
  /** Whether `isNewerBinary` says so of any of them. */
  hasOlderThan(binary: BinaryVersion): boolean
}

export function createSeenBinaries(): SeenBinaries {
  let lowestCode = Number.POSITIVE_INFINITY
  let lowest: NativeVersion | undefined
  let lowestWithoutCode: NativeVersion | undefined
  return {
    add({ version, code }) {
      lowest = lower(version, lowest)
      if (code === undefined) lowestWithoutCode = lower(version, lowestWithoutCode)
      else lowestCode = Math.min(lowestCode, code)
    },
    hasOlderThan({ version, code }) {
      const other = code === undefined ? lowest : lowestWithoutCode
      return (code ?? Number.NEGATIVE_INFINITY) > lowestCode || (other !== undefined && isAbove(version, other))
    },
  }
}

function lower(version: NativeVersion, than: NativeVersion | undefined): NativeVersion {
  return than !== undefined && isAbove(version, than) ? than : version
}

function isAbove(version: NativeVersion, other: NativeVersion): boolean {
  return compareIgnoringBuild(version, other) > 0
}

/** Whether nobody for whom `above` is not newer finds `below` newer. */
export function isNowhereNewer(below: BinaryVersion, above: BinaryVersion): boolean {
  if (compareIgnoringBuild(below.version, above.version) > 0) return false
  if (below.code === undefined || above.code === undefined) return below.code === above.code
  return below.code <= above.code
}
