import type { App, Release } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { wholeOf, type ReleaseBytes } from '../content/kinds.ts'
import { addVariant } from '../encryption/add-variant.ts'
import type { CapgoKey } from '../encryption/capgo-key.ts'
import { signKit, type KitSigner } from '../signing/kit-signer.ts'
import { kitOfRelease } from '../signing/verified-kit.ts'
import { formatList } from '../output/text.ts'
import type { Session } from '../session/session.ts'
import { addRsaSignatures } from '../signing/add-rsa-signature.ts'
import type { ChosenSignature } from '../signing/choose-file-signatures.ts'
import type { RegisteredRsaKey } from '../signing/choose-rsa-key.ts'
import { addFileSignatures } from '../signing/file-signatures.ts'
import type { RsaKey } from '../signing/rsa-key.ts'

/** What is made of a release besides, for clients that have keys of their own. */
export interface ReleaseExtras {
  /** Encrypts it for Capgo's plugin. */
  capgoKey?: CapgoKey | undefined
  /** Signs it for Capawesome's plugin. */
  rsaKey?: RegisteredRsaKey | undefined
  /** Has signed what is in the zip, for CodePush's plugins: there is nothing more to do. */
  codePushKey?: RsaKey | undefined
  /** What others' tools signed of its files, verified already. */
  fileSignatures?: readonly ChosenSignature[] | undefined
  /** Signs the manifest of a kit by minisign. */
  kitSigner?: (KitSigner & { ownKeys: readonly string[] }) | undefined
}

/**
 * What is there is left as it is. Until it is there, devices with such a key are offered nothing of the release, so that
 * an end in the middle harms nobody.
 */
export async function addExtras(
  session: Session,
  { app, release, bundle }: { app: App; release: Pick<Release, 'id'>; bundle: ReleaseBytes },
  { capgoKey, rsaKey, fileSignatures = [], kitSigner }: ReleaseExtras,
  directory: string,
): Promise<void> {
  if (!capgoKey && !rsaKey && !kitSigner && fileSignatures.length === 0) return
  session.output.notice(
    'It is published. Devices with a key of their own get it when what follows is done; if it is interrupted, the same command goes on.',
  )
  await addFileSignatures(session, { app, releaseId: release.id }, subjectsOf(bundle, fileSignatures))
  if (kitSigner) {
    const published = await session.api.getRelease(release.id)
    const kit = await kitOfRelease(session, app, published, kitSigner.ownKeys)
    await signKit(session, { app, releaseId: release.id }, kit, kitSigner)
  }
  if (!capgoKey && !rsaKey) return
  const zip = wholeOf(bundle)
  if (rsaKey) await addRsaSignatures(session, { app, release, zip }, rsaKey, directory)
  if (capgoKey) await addVariant(session, { app, release, zip }, capgoKey, directory)
}

/** By the bytes that were published: a file of the same name for another platform has others. */
function subjectsOf({ content }: ReleaseBytes, signatures: readonly ChosenSignature[]) {
  const files = content.kind === 'binary' ? content.files : []
  return files.flatMap(({ name, platform, sha256 }) =>
    signatures.filter((of) => of.name === name && of.platform === platform).map((of) => ({ ...of, subject: sha256 })),
  )
}

/** For a person who has to say yes or no. */
export function extraLines(
  { capgoKey, rsaKey, codePushKey, fileSignatures = [], kitSigner }: ReleaseExtras,
  platform: Platform,
): Record<string, string> {
  const ofFiles = fileSignatures.filter((of) => of.platform === platform)
  const told = ofFiles.map(({ name, scheme, from }) => `${name} by ${scheme} (${from})`)
  return {
    ...(told.length > 0 && { 'Files signed': formatList(told) }),
    ...(kitSigner && { 'Minisign signed': `besides, with the key ${kitSigner.key.keyId} (${kitSigner.path})` }),
    ...(rsaKey && { 'RSA signed': `besides, for Capawesome's plugin with the key ${rsaKey.keyId} (${rsaKey.path})` }),
    ...(codePushKey && {
      'Package signed': `within the zip, for CodePush's plugins with the key in ${codePushKey.path}`,
    }),
    ...(capgoKey && { Encrypted: `besides, for Capgo's plugin with the key ${capgoKey.keyId}` }),
  }
}

/** For `--json`. */
export function extrasJson(
  { capgoKey, rsaKey, codePushKey, fileSignatures = [], kitSigner }: ReleaseExtras,
  platform: Platform,
) {
  const ofFiles = fileSignatures.filter((of) => of.platform === platform)
  return {
    ...(ofFiles.length > 0 && { fileSignatures: ofFiles.map(({ name, scheme, keyId }) => ({ name, scheme, keyId })) }),
    ...(kitSigner && { minisignKeyId: kitSigner.key.keyId }),
    ...(rsaKey && { rsaKeyId: rsaKey.keyId }),
    ...(codePushKey && { packageSigned: true }),
    ...(capgoKey && { encryptedFor: capgoKey.keyId }),
  }
}
