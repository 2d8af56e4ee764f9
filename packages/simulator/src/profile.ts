import { createRandom, hash, type Weighted } from './random.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** How the people and their devices are. Rates are shares from 0 to 1; times are in simulated milliseconds. */
export interface FleetProfile {
  /** Between two openings of the app, on average. */
  checkIntervalMs: number
  /** By how much of it the single intervals differ. */
  jitter: number
  /** Of the openings, those without a network. */
  offlineRate: number
  /** Of the downloads, those that break off with the network; a later opening resumes them. */
  brokenDownloadRate: number
  /** How likely a version of the app dies before it confirms. */
  crashRate: (version: string) => number
  /** Whether the same devices crash every time, or any device at any start. */
  crashes: 'per-device' | 'per-start'
  /** Of the crashes, those that the app notices itself, and tells the engine of. */
  noticedCrashRate: number
  /** After a crash the app is opened again so soon. */
  reopenMs: readonly [least: number, most: number]
  /** From the start of the app to its "ready". */
  confirmMs: readonly [least: number, most: number]
  /** What the store offered, in this order; everybody begins with the first. */
  nativeVersions: readonly string[]
  /** Of the openings, those before which the store replaced the app with the next native version. */
  nativeUpdateRate: number
  /** Of the openings, those that were the last. */
  uninstallRate: number
  /** Of the devices, those whose clock is wrong, and by how much at most. */
  skewedRate: number
  maxSkewMs: number
  devices: Readonly<Record<string, readonly Weighted<{ model: string; osVersion: string }>[]>>
  locales: readonly Weighted<string>[]
}

const ANDROID = [
  [{ model: 'Pixel 9', osVersion: '16' }, 12],
  [{ model: 'Pixel 8a', osVersion: '15' }, 14],
  [{ model: 'SM-S921B', osVersion: '15' }, 22],
  [{ model: 'SM-A556B', osVersion: '14' }, 24],
  [{ model: 'Redmi Note 13', osVersion: '14' }, 16],
  [{ model: 'moto g84', osVersion: '13' }, 8],
  [{ model: 'SM-A135F', osVersion: '12' }, 4],
] as const
const IOS = [
  [{ model: 'iPhone17,3', osVersion: '19.0' }, 30],
  [{ model: 'iPhone16,1', osVersion: '18.5' }, 30],
  [{ model: 'iPhone14,5', osVersion: '18.5' }, 20],
  [{ model: 'iPhone12,1', osVersion: '17.7' }, 15],
  [{ model: 'iPad13,1', osVersion: '17.7' }, 5],
] as const
const OTHER = [[{ model: 'PC', osVersion: '11' }, 1]] as const

export const DEFAULT_PROFILE: FleetProfile = {
  checkIntervalMs: 6 * HOUR_MS,
  jitter: 0.5,
  offlineRate: 0,
  brokenDownloadRate: 0,
  crashRate: () => 0,
  crashes: 'per-device',
  noticedCrashRate: 0,
  reopenMs: [5_000, 5 * MINUTE_MS],
  confirmMs: [500, 5_000],
  nativeVersions: ['1.0.0'],
  nativeUpdateRate: 0,
  uninstallRate: 0,
  skewedRate: 0,
  maxSkewMs: 24 * HOUR_MS,
  devices: { android: ANDROID, ios: IOS, '*': OTHER },
  locales: [
    ['en-US', 40],
    ['de-DE', 15],
    ['es-MX', 12],
    ['pt-BR', 12],
    ['fr-FR', 9],
    ['ja-JP', 7],
    ['de-AT', 3],
    ['sv-SE', 2],
  ],
}

/** What a device is, and stays. */
export interface DeviceTraits {
  id: string
  platform: string
  model: string
  osVersion: string
  locale: string
  skewMs: number
}

/** The same for the same seed and index: nothing of it needs to be kept. */
export function traitsOf(
  index: number,
  { seed, platforms, profile }: { seed: string; platforms: readonly string[]; profile: FleetProfile },
): DeviceTraits {
  const random = createRandom(hash(seed, 'traits', index))
  const platform = platforms[Math.floor(random.next() * platforms.length)] ?? 'android'
  const { model, osVersion } = random.pick(profile.devices[platform] ?? profile.devices['*'] ?? OTHER)
  const locale = random.pick(profile.locales)
  const isSkewed = random.chance(profile.skewedRate)
  const skewMs = isSkewed ? Math.round(random.between(-profile.maxSkewMs, profile.maxSkewMs)) : 0
  return { id: deviceId(seed, index), platform, model, osVersion, locale, skewMs }
}

export function deviceId(seed: string, index: number): string {
  return `sim-${seed}-${String(index + 1).padStart(6, '0')}`
}

/** Whether this version dies on this device at this start. */
export function crashes(
  version: string,
  { profile, seed, index, start }: { profile: FleetProfile; seed: string; index: number; start: number },
): boolean {
  const rate = profile.crashRate(version)
  if (rate <= 0) return false
  const key = profile.crashes === 'per-device' ? hash(seed, 'crash', version, index) : hash(seed, version, index, start)
  return createRandom(key).chance(rate)
}
