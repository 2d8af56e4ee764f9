import type { ClientTakes, DeviceAttributes, Platform, TakenBinaries } from '@hotpatch/protocol'
import { rememberTakes } from '../reading/remember-takes.ts'

/** App versions §2: what installers take where the client does not say, the usual one first. */
const USUAL_OF = {
  android: ['apk'],
  ios: ['ipa'],
  macos: ['dmg', 'pkg', 'zip'],
  windows: ['exe', 'msi', 'msix'],
  linux: ['appimage', 'deb', 'rpm'],
} as const satisfies Partial<Record<Platform, readonly string[]>>
const USUAL = Object.values(USUAL_OF).flat()
/** What runs on all. */
const ANY = 'any'

export interface InstallerTakes extends ClientTakes {
  binaries: TakenBinaries
}

/** App versions §2: whole binaries, for the processor and in the formats that it tells. */
export function createInstallerTakes(): (told: DeviceAttributes) => InstallerTakes {
  return rememberTakes(['architecture', 'installerFormats'], ({ architecture, installerFormats }) => {
    const formats = installerFormats
      ? { formats: installerFormats.toLowerCase().split(',').filter(isNoDelta) }
      : { formats: USUAL, formatsOf: USUAL_OF }
    const architectures = architecture === undefined ? [ANY] : [...namesOf(architecture.toLowerCase()), ANY]
    return { kinds: ['binary'], forms: ['plain'], embedded: false, binaries: { ...formats, architectures } }
  })
}

/** Of one nothing can be installed by itself. */
const isNoDelta = (format: string) => format !== 'delta'

/** Systems and build tools call the same processor by several names. */
const NAMES: readonly (readonly string[])[] = [
  ['arm64', 'aarch64', 'arm64-v8a'],
  ['arm', 'armv7', 'armv7l', 'armeabi-v7a'],
  ['x86_64', 'x64', 'amd64'],
  ['x86', 'i386', 'i686', 'ia32'],
]

function namesOf(architecture: string): readonly string[] {
  return NAMES.find((names) => names.includes(architecture)) ?? [architecture]
}
