import type { UpdatePlatform } from '../ground/settings.ts'

/** App versions §2: what installers of a platform take, where the app does not say. */
export const PLATFORM_FORMATS: Readonly<Record<UpdatePlatform, readonly string[]>> = {
  android: ['apk'],
  ios: ['ipa'],
  macos: ['dmg', 'pkg', 'zip'],
  windows: ['exe', 'msi', 'msix'],
  linux: ['appimage', 'deb', 'rpm'],
}

const FORMATS: readonly string[] = Object.values(PLATFORM_FORMATS).flat()

/** By the ending of a name. */
export function formatOf(fileName: string): string | undefined {
  const ending = fileName.slice(fileName.lastIndexOf('.') + 1).toLowerCase()
  return FORMATS.includes(ending) ? ending : undefined
}

const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9._+()-]{0,119}$/
/** To Windows these are machines, whatever their ending. */
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)\./i

/** App versions §10: a name without a path, with the ending of the format; the announced one, where that is such a name. */
export function safeFileName(announced: string | undefined, version: string, format: string): string {
  const isSafe = announced !== undefined && SAFE_NAME.test(announced) && !RESERVED.test(announced)
  if (isSafe && formatOf(announced) === format) return announced
  return `update-${version.trim()}.${format === 'appimage' ? 'AppImage' : format}`
}
