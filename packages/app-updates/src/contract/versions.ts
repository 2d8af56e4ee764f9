import { compareNativeVersions, parseBinaryVersion, type NativeVersion } from '@hotpatch/protocol'

export interface AppVersion {
  /** MAJOR.MINOR.PATCH+BUILD */
  version: string
  /** Beside the version; else its +BUILD is the code. */
  versionCode?: number | null
}

export function isAppVersion(text: string): boolean {
  return parseBinaryVersion(text) !== undefined
}

/** App versions §6. What is no version is newer than nothing, and nothing is newer than it. */
export function isNewer(offered: AppVersion, installed: AppVersion): boolean {
  const [there, here] = [parseBinaryVersion(offered.version), parseBinaryVersion(installed.version)]
  if (!there || !here) return false
  const [theirs, ours] = [codeOf(offered, there), codeOf(installed, here)]
  if (theirs !== undefined && ours !== undefined) return theirs > ours
  return compareNativeVersions(there, here) > 0
}

/** App versions §7: by versions alone. */
export function isBelowMinimum(installedVersion: string, minimum: string | null | undefined): boolean {
  if (minimum === null || minimum === undefined) return false
  const [here, least] = [parseBinaryVersion(installedVersion), parseBinaryVersion(minimum)]
  return here !== undefined && least !== undefined && compareNativeVersions(here, least) < 0
}

function codeOf({ versionCode }: AppVersion, { build }: NativeVersion): number | undefined {
  return versionCode ?? build
}
