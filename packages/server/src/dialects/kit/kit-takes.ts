import type { ClientTakes, DeviceAttributes } from '@hotpatch/protocol'
import { rememberTakes } from '../reading/remember-takes.ts'

/** Kits §7.2: as manifests name what Node and systems have other names for. */
const NAMES: Readonly<Record<string, string>> = { x64: 'x86_64', amd64: 'x86_64', aarch64: 'arm64', ia32: 'x86' }

/** Kits are always forms of their own and always signed, and there is nothing that an installation shipped with. */
export function createKitTakes(): (told: DeviceAttributes) => ClientTakes {
  return rememberTakes(['architecture'], ({ architecture }): ClientTakes => ({
    kinds: ['kit'],
    forms: ['plain'],
    embedded: false,
    unsigned: false,
    components: architecture === undefined ? {} : { architectures: namesOf(architecture.toLowerCase()) },
  }))
}

function namesOf(architecture: string): readonly string[] {
  const named = Object.hasOwn(NAMES, architecture) ? NAMES[architecture] : undefined
  return named === undefined ? [architecture] : [named, architecture]
}
