import type { ClientTakes, Platform } from '@hotpatch/protocol'
import { architectureNames } from '../reading/architectures.ts'
import { rememberTakes } from '../reading/remember-takes.ts'

export type ElectronPlatform = Extract<Platform, 'windows' | 'macos' | 'linux'>

/** Electron §4: what the client installs from, the usual one first. On Windows it would run whatever else is first. */
export const FORMATS = {
  windows: ['exe'],
  macos: ['zip', 'dmg'],
  linux: ['appimage', 'deb', 'rpm'],
} as const satisfies Record<ElectronPlatform, readonly string[]>

/** D11: any file that the client installs from; where there is a channel file for each processor, for that. */
export const takes = rememberTakes<ClientTakes>(['architecture'], ({ architecture }) => ({
  kinds: ['binary'],
  forms: ['plain'],
  // There is no word for it: going back is a higher version.
  embedded: false,
  judges: ['minOsVersion'],
  binaries: {
    formats: Object.values(FORMATS).flat(),
    formatsOf: FORMATS,
    ...(architecture !== undefined && { architectures: architectureNames(architecture) }),
    versions: 'semver',
  },
}))
