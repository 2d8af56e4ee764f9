import type { FilesPort } from '@hotpatch/device-ground'
import { MAX_KIT_MANIFEST_BYTES } from '@hotpatch/protocol'
import { KitError } from '../ground/kit-error.ts'
import { minisignOf, signaturesOf } from './offer-signatures.ts'
import type { SignedBytes } from './read-offer.ts'

/**
 * Kits §6: what `hotpatch kit bundle` wrote, for machines without a network. It is believed no more than a server.
 * @throws KitError check-failed when there is none
 */
export async function readBundle(folder: Pick<FilesPort, 'read' | 'stat' | 'locate'>): Promise<SignedBytes> {
  const bytes = await readSmall(folder, 'latest.json')
  if (!bytes) throw new KitError('check-failed', `expected a bundle, found no latest.json in ${folder.locate('')}`)
  const ours = await readSmall(folder, 'latest.json.sig')
  const minisign = await readSmall(folder, 'latest.json.minisig')
  return { bytes, signatures: [...(ours ? signaturesOf(ours) : []), ...(minisign ? [minisignOf(minisign)] : [])] }
}

async function readSmall(
  folder: Pick<FilesPort, 'read' | 'stat' | 'locate'>,
  name: string,
): Promise<Uint8Array | undefined> {
  const found = await folder.stat(name)
  if (!found) return undefined
  if (found.kind === 'file' && found.sizeBytes <= MAX_KIT_MANIFEST_BYTES) return folder.read(name)
  const expected = `expected a file of at most ${MAX_KIT_MANIFEST_BYTES} bytes`
  throw new KitError('check-failed', `${expected}, found something else at ${folder.locate(name)}`)
}
