import { PatchError, treeDigest } from '@hotpatch/delta'
import { EMPTY_TREE } from '@hotpatch/protocol'
import type { Ports } from '../ground/ports.ts'
import type { PatchOffer } from '../server/update-contract.ts'
import { readTree, type ReleaseFile } from '../state/release-tree.ts'
import { SLOTS } from '../state/storage-layout.ts'

/** A release on this device that another one is made of, or nothing at all. */
export interface PatchBase {
  root: string
  files: readonly ReleaseFile[]
}

/** @throws PatchError */
export async function findBase(
  { baseTree, tree, sizeBytes }: PatchOffer,
  expected: { tree: string | null; bundleBytes: number },
  { files, crypto }: Pick<Ports, 'files' | 'crypto'>,
): Promise<PatchBase> {
  if (tree !== expected.tree) {
    const found = expected.tree ?? 'none'
    throw new PatchError(
      'result-differs',
      `Expected a patch to the tree that the release states, ${found}, found ${tree}.`,
    )
  }
  if (sizeBytes >= expected.bundleBytes) {
    throw new PatchError(
      'patch-too-large',
      `Expected less than the ${expected.bundleBytes} bytes of the bundle, found ${sizeBytes}.`,
    )
  }
  // A packed release: all of its files are in it.
  if (baseTree === EMPTY_TREE) return { root: SLOTS.bundle, files: [] }
  for (const root of [SLOTS.bundle, SLOTS.previous]) {
    const base = await readTree(files, root)
    if (base && (await treeDigest(base.files, () => crypto.sha256())) === baseTree) return { root, files: base.files }
  }
  throw new PatchError('base-differs', `Expected a patch from what lies here, found one from ${baseTree}.`)
}
