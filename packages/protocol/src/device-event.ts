import { KIT_CODES } from './kit/kit-codes.ts'
import { SDK_CODES, type SdkCode } from './sdk-codes.ts'

/**
 * What can happen to a release on a device: one vocabulary for all dialects.
 * `checked`, `offered`, `native-updated` and `uninstalled-unknown` (not seen for long) are what the server concludes,
 * `planned` and `probed` are of a kit's components alone, the others are what devices report.
 */
export const DEVICE_EVENT_KINDS = [
  'checked',
  'offered',
  'download-started',
  'downloaded',
  'download-failed',
  'applied',
  'confirmed',
  'failed',
  'rolled-back',
  'crashed',
  'planned',
  'probed',
  'native-updated',
  'uninstalled-unknown',
] as const

export type DeviceEventKind = (typeof DEVICE_EVENT_KINDS)[number]

/**
 * How a release came over the network: as the bytes that its statement names, as a patch of what the device had, or packed,
 * as a patch of nothing.
 */
export const DOWNLOAD_ARRIVALS = ['whole', 'patch', 'packed'] as const

export type DownloadArrival = (typeof DOWNLOAD_ARRIVALS)[number]

/** What a device may report. */
export const REPORTED_EVENT_KINDS = [
  'download-started',
  'downloaded',
  'download-failed',
  'applied',
  'confirmed',
  'failed',
  'rolled-back',
  'crashed',
] as const satisfies DeviceEventKind[]

export type ReportedEventKind = (typeof REPORTED_EVENT_KINDS)[number]

/** Events §1.1: what may be reported of one component of a kit, in the order in which it happens. */
export const COMPONENT_EVENT_KINDS = [
  'planned',
  'downloaded',
  'applied',
  'probed',
  'confirmed',
  'rolled-back',
  'failed',
] as const satisfies DeviceEventKind[]

export type ComponentEventKind = (typeof COMPONENT_EVENT_KINDS)[number]

/**
 * Of a `crashed`: the release had proved itself on the device, which goes on running it. It counts like any other crash,
 * and takes the release from nobody.
 */
export const CRASHED_IN_USE = 'crashed-in-use'

/**
 * After one of these a release is not offered to that device again (D4).
 * Of a failure the code decides; one that nobody knows, or none, blames the release: original clients send none.
 */
export function isDeviceFailure(kind: DeviceEventKind, code?: string | null): boolean {
  if (kind === 'crashed') return code !== CRASHED_IN_USE
  if (kind !== 'failed') return kind === 'rolled-back'
  return blamesRelease(code)
}

/** Engines on devices and what applies kits have codes of their own; one that both have means the same. */
function blamesRelease(code: string | null | undefined): boolean {
  if (!code) return true
  if (Object.hasOwn(SDK_CODES, code)) return SDK_CODES[code as keyof typeof SDK_CODES].blamesRelease
  return !Object.hasOwn(KIT_CODES, code) || KIT_CODES[code as keyof typeof KIT_CODES].isOfRelease
}

/** What keeps a device from the bytes of a release, and says nothing about the release itself. */
const DOWNLOAD_CODES: ReadonlySet<string> = new Set([
  'check-failed',
  'catalog-expired',
  'catalog-too-old',
  'download-failed',
  'download-timeout',
  'download-too-large',
  'download-truncated',
  'storage-full',
] satisfies SdkCode[])

/** With these a device keeps itself from going back, also behind its own binary: they say nothing about the release, which it never tried. */
const REFUSAL_CODES: ReadonlySet<string> = new Set([
  'sequence-too-low',
  'sequence-too-far',
  'below-floor',
  'older-than-binary',
] satisfies SdkCode[])

/** Whether a `failed` is only the device's refusal to go back. */
export function isRefusalToGoBack(code: string | null | undefined): boolean {
  return REFUSAL_CODES.has(code ?? '')
}

/** A `failed` of which the code says that the download failed is a `download-failed`: clients know one word for both. */
export function reportedKind<Kind extends DeviceEventKind>(kind: Kind, code?: string | null): Kind | 'download-failed' {
  return kind === 'failed' && code && DOWNLOAD_CODES.has(code) ? 'download-failed' : kind
}
