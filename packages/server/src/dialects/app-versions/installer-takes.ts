import type { ClientTakes, DeviceAttributes, Platform, TakenBinaries } from '@hotpatch/protocol'

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

/** What devices say: there is little of it, unless somebody invents it. */
const MAX_KNOWN = 1_000

export interface InstallerTakes extends ClientTakes {
  binaries: TakenBinaries
}

/** App versions §2: whole binaries, for the processor and in the formats that it tells. The same object for the same words. */
export function createInstallerTakes(): (told: DeviceAttributes) => InstallerTakes {
  const known = new Map<string, InstallerTakes>()
  return function takesOf({ architecture, installerFormats }) {
    // With its length, no two have one name.
    const name = `${architecture?.length} ${architecture} ${installerFormats}`
    const found = known.get(name)
    if (found) return found
    if (known.size >= MAX_KNOWN) known.clear()
    const formats = installerFormats
      ? { formats: installerFormats.toLowerCase().split(',').filter(isNoDelta) }
      : { formats: USUAL, formatsOf: USUAL_OF }
    const architectures = architecture === undefined ? [ANY] : [...namesOf(architecture.toLowerCase()), ANY]
    const takes = {
      kinds: ['binary' as const],
      forms: ['plain' as const],
      embedded: false,
      binaries: { ...formats, architectures },
    }
    known.set(name, takes)
    return takes
  }
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
