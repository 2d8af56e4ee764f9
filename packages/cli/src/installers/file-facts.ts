import { formatOfName, type BinaryFormatName } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'

/** What systems install from such a file; a zip or a tarball may be for any. */
const PLATFORM_OF: Partial<Record<BinaryFormatName, Platform>> = {
  apk: 'android',
  aab: 'android',
  ipa: 'ios',
  dmg: 'macos',
  pkg: 'macos',
  delta: 'macos',
  exe: 'windows',
  msi: 'windows',
  msix: 'windows',
  appimage: 'linux',
  deb: 'linux',
  rpm: 'linux',
}

/** As builds write them into names, and what they are called here. */
const ARCHITECTURES: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/(?:^|[^a-z0-9])universal(?:[^a-z0-9]|$)/, 'any'],
  [/(?:^|[^a-z0-9])(?:arm64(?:-v8a)?|aarch64)(?:[^a-z0-9]|$)/, 'arm64'],
  [/(?:^|[^a-z0-9])(?:x86[_-]64|x64|amd64)(?:[^a-z0-9]|$)/, 'x86_64'],
  [/(?:^|[^a-z0-9])(?:armeabi-v7a|armv7l?|armhf)(?:[^a-z0-9]|$)/, 'armv7'],
  [/(?:^|[^a-z0-9])(?:ia32|x86|i[36]86)(?:[^a-z0-9]|$)/, 'x86'],
]

export interface FileFacts {
  format: BinaryFormatName
  /** Undefined: the name does not say. */
  platform: Platform | undefined
  /** Undefined: the name does not say. */
  architecture: string | undefined
}

/** What the name of a file says; undefined of what is no file that apps are installed from. */
export function factsOfName(name: string): FileFacts | undefined {
  const format = formatOfName(name)
  if (!format) return undefined
  const lower = name.toLowerCase()
  return { format, platform: PLATFORM_OF[format] ?? platformWord(lower), architecture: findArchitecture(lower) }
}

/** The platform that every file of the format is for, if there is one. */
export function platformOfFormat(format: BinaryFormatName): Platform | undefined {
  return PLATFORM_OF[format]
}

/** A processor by the name that it has here; what has none stays as it is. */
export function architectureWord(name: string): string {
  return findArchitecture(name.toLowerCase()) ?? name.toLowerCase()
}

const findArchitecture = (lower: string) => ARCHITECTURES.find(([pattern]) => pattern.test(lower))?.[1]

function platformWord(name: string): Platform | undefined {
  // As Tauri packs an app of macOS for its updater.
  if (name.endsWith('.app.tar.gz')) return 'macos'
  if (/(?:^|[^a-z0-9])(?:mac|macos|darwin|osx)(?:[^a-z0-9]|$)/.test(name)) return 'macos'
  if (/(?:^|[^a-z0-9])(?:win|win32|windows)(?:[^a-z0-9]|$)/.test(name)) return 'windows'
  return /(?:^|[^a-z0-9])linux(?:[^a-z0-9]|$)/.test(name) ? 'linux' : undefined
}
