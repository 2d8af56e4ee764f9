import { SDK_CODES } from './sdk-codes.ts'

/** What a device says happened to a release on it. */
export const DEVICE_EVENT_KINDS = ['downloaded', 'applied', 'confirmed', 'failed', 'rolled-back', 'crashed'] as const

export type DeviceEventKind = (typeof DEVICE_EVENT_KINDS)[number]

/**
 * After one of these a release is not offered to that device again (D4).
 * Of a failure the code decides; one that nobody knows, or none, blames the release: original clients send none.
 */
export function isDeviceFailure(kind: DeviceEventKind, code?: string | null): boolean {
  if (kind !== 'failed') return kind === 'rolled-back' || kind === 'crashed'
  return !(code && Object.hasOwn(SDK_CODES, code)) || SDK_CODES[code as keyof typeof SDK_CODES].blamesRelease
}
