import { PatchError, treeDigest } from '@hotpatch/delta'
import { EMPTY_TREE } from '@hotpatch/protocol'
import type { Limits } from '../ground/settings.ts'
import type { PatchOffer } from '../server/update-contract.ts'
import { readTree, type ReleaseFile } from '../state/release-tree.ts'
import { SLOTS } from '../state/storage-layout.ts'
import { findEmbeddedTree, type EmbeddedPorts } from './embedded-tree.ts'

/** What is on this device and a release is made of: another one, or what the binary shipped with; or nothing at all. */
export interface PatchBase {
  isEmbedded: boolean
  files: readonly ReleaseFile[]
  readRange(path: string, offset: number, length: number): Promise<Uint8Array>
}

const NOTHING: PatchBase = { isEmbedded: false, files: [], readRange: async () => new Uint8Array() }

/** @throws PatchError */
export async function findBase(
  { baseTree, tree, sizeBytes }: PatchOffer,
  expected: { tree: string | null; bundleBytes: number },
  { ports, limits }: { ports: EmbeddedPorts; limits: Limits },
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
  if (baseTree === EMPTY_TREE) return NOTHING
  const { files, crypto, embeddedFiles } = ports
  for (const root of [SLOTS.bundle, SLOTS.previous]) {
    const base = await readTree(files, root)
    if (base && (await treeDigest(base.files, () => crypto.sha256())) === baseTree) {
      const readRange: PatchBase['readRange'] = (path, ...part) => files.readRange(`${root}/${path}`, ...part)
      return { isEmbedded: false, files: base.files, readRange }
    }
  }
  const embedded = await findEmbeddedTree(ports, limits)
  if (embeddedFiles && embedded?.tree === baseTree) {
    return { isEmbedded: true, files: embedded.files, readRange: (...part) => embeddedFiles.readRange(...part) }
  }
  throw new PatchError('base-differs', `Expected a patch from what lies here, found one from ${baseTree}.`)
}
