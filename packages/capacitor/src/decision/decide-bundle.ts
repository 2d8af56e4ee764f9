import type { AllowInsecure } from '@hotpatch/device-ground'
import { compareWithBound, parseNativeVersion, UnexpectedJsonError } from '@hotpatch/protocol'
import { bundleAddress, isAllowedAddress } from './addresses.ts'
import { readManifest, type BundleManifest } from './manifest.ts'

/** A bundle that was rolled back here. Without a checksum its version has to do. */
export interface BrokenBundle {
  version: string
  checksum: string
}

export interface Situation {
  serverUrl: string
  /** What the running bundle, downloaded or shipped with the app, is called. */
  currentVersion: string
  /** Of the installed app, as the store shows it. */
  nativeVersion: string
  broken: readonly BrokenBundle[]
  allowInsecure?: AllowInsecure
}

export type BundleDecision =
  | {
      kind: 'nothing'
      reason: 'same-version' | 'manifest-invalid' | 'address-refused' | 'native-version-unreadable' | 'broken-here'
      detail: string
    }
  /** `manifest.url` is absolute. */
  | { kind: 'download'; reason: 'version-differs' | 'version-lower'; isDowngrade: boolean; manifest: BundleManifest }
  | { kind: 'native-too-old'; reason: 'native-too-old'; version: string; minNativeVersion: string }

/**
 * Web bundle §7: what an app does about a manifest. Total and without I/O.
 *
 * @example
 * decideBundle(await response.json(), { serverUrl, currentVersion: '1.0.0', nativeVersion: '1.0.0', broken: [] })
 */
export function decideBundle(json: unknown, situation: Situation): BundleDecision {
  let manifest: BundleManifest
  try {
    manifest = readManifest(json)
  } catch (error) {
    if (!(error instanceof UnexpectedJsonError)) throw error
    return nothing('manifest-invalid', error.message)
  }
  return judge(manifest, situation)
}

function judge(manifest: BundleManifest, situation: Situation): BundleDecision {
  const { version, minNativeVersion } = manifest
  const { currentVersion, nativeVersion, serverUrl, broken, allowInsecure = false } = situation
  if (version === currentVersion) return nothing('same-version', `${version} is running`)

  const [installed, minimum] = [parseNativeVersion(nativeVersion), parseNativeVersion(minNativeVersion)]
  // Without knowing, nothing is downloaded: it could be a bundle that this app cannot run.
  if (!installed || !minimum) {
    return nothing('native-version-unreadable', `the app's own version is no version: ${nativeVersion.slice(0, 60)}`)
  }
  if (compareWithBound(installed, minimum) < 0) {
    return { kind: 'native-too-old', reason: 'native-too-old', version, minNativeVersion }
  }
  if (broken.some((bundle) => isSameBundle(bundle, manifest))) {
    return nothing('broken-here', `${version} was rolled back on this device`)
  }
  const url = bundleAddress(serverUrl, manifest.url)
  if (url === undefined || !isAllowedAddress(url, serverUrl, allowInsecure)) {
    return nothing('address-refused', `the bundle's address is refused: ${manifest.url.slice(0, 200)}`)
  }
  const isDowngrade = isLower(version, currentVersion)
  const reason = isDowngrade ? 'version-lower' : 'version-differs'
  return { kind: 'download', reason, isDowngrade, manifest: { ...manifest, url } }
}

function nothing(reason: (BundleDecision & { kind: 'nothing' })['reason'], detail: string): BundleDecision {
  return { kind: 'nothing', reason, detail }
}

function isSameBundle(broken: BrokenBundle, { version, checksum }: BundleManifest): boolean {
  return broken.checksum === '' ? broken.version === version : broken.checksum === checksum
}

/** False for what cannot be compared: it differs, and that is enough. */
function isLower(version: string, currentVersion: string): boolean {
  const [offered, current] = [parseNativeVersion(version), parseNativeVersion(currentVersion)]
  return offered !== undefined && current !== undefined && compareWithBound(offered, current) < 0
}
