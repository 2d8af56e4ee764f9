import type { ClientTakes, DeviceAttributes, TakenForm } from '@hotpatch/protocol'
import { ARCHIVES_AS_THEY_ARE } from '../reading/archives-as-they-are.ts'
import { encryptedFor } from './encrypted.ts'
import { hasAt } from './plugin-version.ts'

/** Versions and keys are what devices say: there are few, unless somebody invents them. */
const MAX_KNOWN = 1_000

/** Capgo §7: what a plugin takes, by its version and its key. The same object for the same plugin. */
export function createPluginTakes(): (told: DeviceAttributes) => ClientTakes {
  const known = new Map<string, ClientTakes>()

  return function takesOf({ sdkVersion, decryptionKeyId }) {
    if (sdkVersion === undefined && !decryptionKeyId) return ARCHIVES_AS_THEY_ARE
    // With its length, no two plugins have one name.
    const name = `${sdkVersion?.length} ${sdkVersion}${decryptionKeyId}`
    const found = known.get(name)
    if (found) return found
    if (known.size >= MAX_KNOWN) known.clear()
    const takes = describe(sdkVersion, decryptionKeyId)
    known.set(name, takes)
    return takes
  }
}

function describe(version: string | undefined, keyId: string | undefined): ClientTakes {
  return {
    kinds: ['archive'],
    forms: formsOf(version, keyId),
    embedded: hasAt(version, 'isServed') && hasAt(version, 'goesBackToBuiltIn'),
  }
}

/** With a key nothing that is not encrypted is ever mixed in. */
function formsOf(version: string | undefined, keyId: string | undefined): TakenForm[] {
  if (!hasAt(version, 'isServed')) return []
  if (!keyId) return ['plain']
  return hasAt(version, 'readsEncryptedChecksums') ? [encryptedFor(keyId)] : []
}
