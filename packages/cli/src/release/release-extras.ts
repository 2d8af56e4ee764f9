import type { App, Release } from '@hotpatch/api'
import { wholeOf, type ReleaseBytes } from '../content/kinds.ts'
import { addVariant } from '../encryption/add-variant.ts'
import type { CapgoKey } from '../encryption/capgo-key.ts'
import type { Session } from '../session/session.ts'
import { addRsaSignatures } from '../signing/add-rsa-signature.ts'
import type { RegisteredRsaKey } from '../signing/choose-rsa-key.ts'

/** What is made of a release besides, for clients that have keys of their own. */
export interface ReleaseExtras {
  /** Encrypts it for Capgo's plugin. */
  capgoKey?: CapgoKey | undefined
  /** Signs it for Capawesome's plugin. */
  rsaKey?: RegisteredRsaKey | undefined
}

/**
 * What is there is left as it is. Until it is there, devices with such a key are offered nothing of the release, so that
 * an end in the middle harms nobody.
 */
export async function addExtras(
  session: Session,
  { app, release, bundle }: { app: App; release: Pick<Release, 'id'>; bundle: ReleaseBytes },
  { capgoKey, rsaKey }: ReleaseExtras,
  directory: string,
): Promise<void> {
  if (!capgoKey && !rsaKey) return
  session.output.notice(
    'It is published. Devices with a key of their own get it when what follows is done; if it is interrupted, the same command goes on.',
  )
  const zip = wholeOf(bundle)
  if (rsaKey) await addRsaSignatures(session, { app, release, zip }, rsaKey, directory)
  if (capgoKey) await addVariant(session, { app, release, zip }, capgoKey, directory)
}

/** For a person who has to say yes or no. */
export function extraLines({ capgoKey, rsaKey }: ReleaseExtras): Record<string, string> {
  return {
    ...(rsaKey && { 'RSA signed': `besides, for Capawesome's plugin with the key ${rsaKey.keyId} (${rsaKey.path})` }),
    ...(capgoKey && { Encrypted: `besides, for Capgo's plugin with the key ${capgoKey.keyId}` }),
  }
}

/** For `--json`. */
export function extrasJson({ capgoKey, rsaKey }: ReleaseExtras) {
  return {
    ...(rsaKey && { rsaKeyId: rsaKey.keyId }),
    ...(capgoKey && { encryptedFor: capgoKey.keyId }),
  }
}
