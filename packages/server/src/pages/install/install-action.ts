import type { Platform } from '@hotpatch/protocol'
import { appleInstallUrl } from './apple-manifest.ts'
import type { Installable, InstallableFile } from './installables.ts'

/** What a visitor can do with a file. */
export interface InstallAction {
  file: InstallableFile
  label: string
  url: string
}

/** Why a file is there and has no button. */
export interface NoAction {
  file: InstallableFile
  reason: string
}

/** The addresses of one page. */
export interface PageAddresses {
  /** Absolute, of the page itself, without a slash at the end. */
  page: string
  /** In front of what lies below the page, relative to where it was asked for. */
  base: string
  /** What lets in whoever asks without the visitor's cookies. */
  pass: string | undefined
}

export function fileAddress({ page }: PageAddresses, releaseId: string, name: string): string {
  return `${page}/files/${releaseId}/${encodeURIComponent(name)}`
}

export function manifestAddress({ page, pass }: PageAddresses, releaseId: string, name: string): string {
  return withPass(`${page}/manifests/${releaseId}/${encodeURIComponent(name)}.plist`, pass)
}

export function withPass(url: string, pass: string | undefined): string {
  return pass === undefined ? url : `${url}?pass=${pass}`
}

export function actionOf(
  version: Installable,
  file: InstallableFile,
  { addresses, now }: { addresses: PageAddresses; now: number },
): InstallAction | NoAction {
  const { releaseId } = version
  if (!file.isInstallable) {
    return { file, reason: 'is for stores, which make installable apps of it: no device installs it as it is' }
  }
  if (file.format === 'ipa') return appleAction(releaseId, file, addresses, now)
  const url = fileAddress(addresses, releaseId, file.name)
  return { file, url, label: `Download ${labelOf(file)}` }
}

function appleAction(
  releaseId: string,
  file: InstallableFile,
  addresses: PageAddresses,
  now: number,
): InstallAction | NoAction {
  const { application } = file
  if (!application) return { file, reason: 'lies elsewhere, and nothing is known of what is in it' }
  const { provisioning } = application
  if (!provisioning || provisioning.type === 'store') {
    return { file, reason: 'was not signed for installing it from a page: only the App Store and TestFlight can' }
  }
  if (Date.parse(provisioning.expiresAt) <= now) return { file, reason: 'was signed for a time that is over' }
  if (!addresses.page.startsWith('https://')) {
    return { file, reason: 'can be installed only from a page with https, which this one has not' }
  }
  const manifest = manifestAddress(addresses, releaseId, file.name)
  return { file, url: appleInstallUrl(manifest), label: 'Install on this iPhone or iPad' }
}

/** Such as "for arm64 (.deb)", as far as it tells files apart. */
function labelOf({ architecture, format, platform }: InstallableFile): string {
  const isOnlyForm: readonly Platform[] = ['android', 'ios']
  const form = isOnlyForm.includes(platform) ? '' : ` (.${format})`
  return architecture === 'any' ? `the app${form}` : `for ${architecture}${form}`
}

/** For which devices Apple lets an app be installed. */
export function provisioningText({ application }: InstallableFile): string | undefined {
  const provisioning = application?.provisioning
  if (!provisioning || provisioning.type === 'store') return undefined
  const until = provisioning.expiresAt.slice(0, 10)
  if (provisioning.type === 'enterprise') return `For devices of the organisation, until ${until}.`
  const devices = provisioning.devices === 1 ? 'one registered device' : `${provisioning.devices} registered devices`
  return `For ${devices} only, until ${until}.`
}
