import type { Platform } from '@hotpatch/protocol'

export const PLATFORM_NAMES: Readonly<Record<Platform, string>> = {
  android: 'Android',
  ios: 'iPhone and iPad',
  macos: 'macOS',
  windows: 'Windows',
  linux: 'Linux',
  web: 'Web',
  any: 'any system',
}

/** In the order in which they are shown. */
export const SHOWN_PLATFORMS = ['android', 'ios', 'macos', 'windows', 'linux'] as const

export const ANDROID_STEPS =
  'Open the file when it is there. Android asks once whether this browser may install unknown apps: allow it, and go back.'

/** As Google has announced it; its pages differ on what it means for apps from elsewhere. */
export const ANDROID_VERIFICATION =
  'Android developer verification: on certified devices apps have to come from a developer who is registered with Google, ' +
  'since September 2026 in Brazil, Indonesia, Singapore and Thailand, and from 2027 on everywhere. If Android does not ' +
  'install this app, its publisher has to register, or you take the longer way that Android offers for it.'

export const FOR_EVERYONE =
  'This page shows what everyone gets. A version that is being rolled out step by step, or that is for some people only, ' +
  'appears here once it is for everyone.'

export function fileSize(bytes: number): string {
  const megabytes = bytes / 1_000_000
  if (megabytes < 0.1) return `${Math.max(1, Math.round(bytes / 1000))} kB`
  return `${megabytes < 10 ? megabytes.toFixed(1) : Math.round(megabytes)} MB`
}

/** Such as "28 November 2026", the same for everyone. */
export function dayOf(time: string): string {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(time))
}
