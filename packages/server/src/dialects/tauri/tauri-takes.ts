import type { ClientTakes, Platform } from '@hotpatch/protocol'
import { architectureNames } from '../reading/architectures.ts'
import { rememberTakes } from '../reading/remember-takes.ts'

export type TauriPlatform = Extract<Platform, 'linux' | 'macos' | 'windows'>

/** Tauri §4: what an app is installed from. */
interface Bundle {
  /** As the updater says it. */
  name: string
  /** As we call such files. */
  format: string
  /** As the updater of cargo-packager wants to be told it. */
  packager?: string
}

/** The one first that an app gets which does not say what it was installed from. */
export const BUNDLES: { readonly [Name in TauriPlatform]: readonly Bundle[] } = {
  linux: [
    { name: 'appimage', format: 'appimage', packager: 'appimage' },
    { name: 'deb', format: 'deb' },
    { name: 'rpm', format: 'rpm' },
  ],
  macos: [{ name: 'app', format: 'tar.gz', packager: 'app' }],
  windows: [
    { name: 'nsis', format: 'exe', packager: 'nsis' },
    { name: 'msi', format: 'msi', packager: 'wix' },
  ],
}

const FORMATS = {
  linux: BUNDLES.linux.map(({ format }) => format),
  macos: BUNDLES.macos.map(({ format }) => format),
  windows: BUNDLES.windows.map(({ format }) => format),
} satisfies Record<TauriPlatform, readonly string[]>

/** Tauri §2. */
const TARGETS: Partial<Record<string, TauriPlatform>> = {
  linux: 'linux',
  darwin: 'macos',
  macos: 'macos',
  windows: 'windows',
}

export function platformOfTarget(target: string): TauriPlatform | undefined {
  return Object.hasOwn(TARGETS, target) ? TARGETS[target] : undefined
}

/** D11: the bundle that it was installed from, for its processor, with a signature. */
export const takes = rememberTakes<ClientTakes>(
  ['architecture', 'installSource'],
  ({ architecture, installSource }) => {
    const all = Object.values(BUNDLES).flat()
    const told = all.filter(({ name }) => name === installSource)
    return {
      kinds: ['binary'],
      forms: ['plain'],
      // There is no word for it: going back is a higher version.
      embedded: false,
      binaries: {
        formats: (told.length > 0 ? told : all).map(({ format }) => format),
        ...(told.length === 0 && { formatsOf: FORMATS }),
        ...(architecture !== undefined && { architectures: architectureNames(architecture) }),
        scheme: 'minisign',
        versions: 'semver',
      },
    }
  },
)
