import { makeTreePatch } from '@hotpatch/delta/make'
import type { PatchFormat, PatchOffer } from '../server/update-contract.ts'
import { SERVER, type FakePatch } from './fake-server.ts'
import { sha256Of, treeOf, type PublishedRelease } from './publisher.ts'

const PACKINGS = { 'hpdelta1-br': 'brotli', 'hpdelta1-deflate': 'deflate' } as const

/** What a server makes after a publish; of nothing without a base. */
export async function patchBetween(
  base: PublishedRelease | null,
  target: PublishedRelease,
  format: PatchFormat = 'hpdelta1-br',
): Promise<FakePatch> {
  const [from, to] = [base ? filesOf(base) : [], filesOf(target)]
  const { patches, baseSha256, targetSha256 } = await makeTreePatch(from, to, { packings: [PACKINGS[format]] })
  const { bytes } = patches[0]!
  return offered(base, target, bytes, { format, baseTree: baseSha256, tree: targetSha256 })
}

/** The same for devices whose binary shipped with the files of `base`. */
export async function patchFromEmbedded(base: PublishedRelease, target: PublishedRelease): Promise<FakePatch> {
  return { ...(await patchBetween(base, target)), from: treeOf(base.files) }
}

export function offered(
  base: PublishedRelease | null,
  { releaseId: to }: PublishedRelease,
  bytes: Uint8Array,
  about: Pick<PatchOffer, 'format' | 'baseTree' | 'tree'>,
): FakePatch {
  const sha256 = sha256Of(bytes)
  return {
    from: base?.releaseId ?? null,
    to,
    bytes,
    offer: { ...about, url: `${SERVER}/artifacts/${sha256}`, sha256, sizeBytes: bytes.length },
  }
}

function filesOf({ files }: PublishedRelease) {
  return [...files].map(([path, bytes]) => ({
    path,
    sizeBytes: bytes.length,
    sha256: sha256Of(bytes),
    read: () => Promise.resolve(bytes),
  }))
}
