import { compareNativeVersions, isNewerBinary, parseNativeVersion } from '@hotpatch/protocol'

export interface AppVersion {
  /** MAJOR.MINOR.PATCH+BUILD */
  version: string
  /** Beside the version; else its +BUILD is the code. */
  versionCode?: number | null
}

/** App versions §6: also of fewer numbers, of four, and with a pre-release. */
export function isAppVersion(text: string): boolean {
  return parseNativeVersion(text) !== undefined
}

/** App versions §6. What is no version is newer than nothing, and nothing is newer than it. */
export function isNewer(offered: AppVersion, installed: AppVersion): boolean {
  const [there, here] = [readVersion(offered), readVersion(installed)]
  return there !== undefined && here !== undefined && isNewerBinary(there, here)
}

/** App versions §7: by versions alone. */
export function isBelowMinimum(installedVersion: string, minimum: string | null | undefined): boolean {
  if (minimum === null || minimum === undefined) return false
  const [here, least] = [parseNativeVersion(installedVersion), parseNativeVersion(minimum)]
  return here !== undefined && least !== undefined && compareNativeVersions(here, least) < 0
}

function readVersion({ version: text, versionCode }: AppVersion) {
  const version = parseNativeVersion(text)
  return version && { version, code: versionCode ?? version.build }
}
