import type { Platform } from '@hotpatch/protocol'

/** In this order: what comes first also names what comes later. An iPad may say that it is a Mac. */
const SIGNS: readonly (readonly [sign: RegExp, platform: Platform])[] = [
  [/android/i, 'android'],
  [/iphone|ipad|ipod/i, 'ios'],
  [/windows/i, 'windows'],
  [/macintosh|mac os x/i, 'macos'],
  [/linux|x11/i, 'linux'],
]

/** What somebody's browser says that it runs on. */
export function visitorPlatform(userAgent: string | undefined): Platform | undefined {
  return SIGNS.find(([sign]) => sign.test(userAgent ?? ''))?.[1]
}
