import { PatchError, type TreePatchInput } from '@hotpatch/delta'
import type { PatchReason } from '../ground/engine-event.ts'
import type { Ports } from '../ground/ports.ts'
import type { Limits, Settings } from '../ground/settings.ts'
import { asUpdateError, isFinalStatus, type UpdateError } from '../ground/update-error.ts'
import type { Installation } from '../install/installer.ts'
import { PATCH_FORMATS, type PatchFormat, type PatchOffer } from '../server/update-contract.ts'
import { findEmbeddedTree, forgetEmbeddedTree, type EmbeddedPorts, type EmbeddedTree } from './embedded-tree.ts'
import { findBase, type PatchBase } from './find-base.ts'
import { installPatch } from './install-patch.ts'
import { createUnpacking } from './unpacking.ts'

/** An engine part: without it no patches are asked for, and nothing of what reads them is taken in. */
export interface Patcher {
  /** What can be unpacked here, the best first. */
  formats(ports: Pick<Ports, 'unpackBrotli'>): readonly PatchFormat[]
  /** What the binary shipped with, where it can be a base. */
  findEmbedded(place: PatchPlace): Promise<EmbeddedTree | undefined>
  /**
   * Whether a patch can be one for what lies here, before a byte of it is fetched. `tree` is what the release is by its
   * statement, or by the answer alone where no keys are.
   * @throws PatchError
   */
  findBase(
    patch: PatchOffer,
    expected: { tree: string | null; bundleBytes: number },
    place: PatchPlace,
  ): Promise<PatchBase>
  /**
   * Makes ota/pending/files out of the verified patch, as installers do.
   * @throws PatchError
   */
  install(patch: PatchOffer, base: PatchBase, installation: PatchInstallation): Promise<void>
  judge(error: unknown): PatchFault
}

export interface PatchPlace {
  ports: EmbeddedPorts & Pick<Ports, 'unpackBrotli'>
  settings: { limits: Limits }
}

export interface PatchInstallation extends Installation {
  ports: Pick<Ports, 'files' | 'crypto' | 'unpackBrotli'>
  settings: Pick<Settings, 'limits'>
}

export interface PatchFault {
  reason: PatchReason
  error: Error
  /** The same patch would fail again. */
  isFinal: boolean
  /** The disk's doing: the whole bundle tells of it, if it has the same trouble. */
  isOfDisk: boolean
}

export const treePatcher: Patcher = {
  formats: ({ unpackBrotli }) => PATCH_FORMATS.filter((format) => format !== 'hpdelta1-br' || unpackBrotli),

  findEmbedded: ({ ports, settings }) => findEmbeddedTree(ports, settings.limits),

  async findBase(patch, expected, { ports, settings: { limits } }) {
    if (!treePatcher.formats(ports).includes(patch.format)) {
      throw new PatchError('packing-unsupported', `Expected a patch that can be unpacked here, found ${patch.format}.`)
    }
    return findBase(patch, expected, { ports, limits })
  },

  async install(patch, base, installation) {
    const { ports, settings } = installation
    const unpacking: TreePatchInput['unpacking'] = createUnpacking(ports, settings.limits)
    try {
      await installPatch(installation, { base, tree: patch.tree, unpacking })
    } catch (error) {
      if (base.isEmbedded && error instanceof PatchError && error.code === 'base-differs') {
        await forgetEmbeddedTree(ports)
      }
      throw error
    }
  },

  judge(cause) {
    if (cause instanceof PatchError) return { reason: cause.code, error: cause, isFinal: true, isOfDisk: false }
    const error = asUpdateError(cause)
    const isOfDisk = error.code === 'storage-full' || error.code === 'storage-failed'
    return { reason: error.code, error, isFinal: isFinal(error), isOfDisk }
  },
}

function isFinal({ code, status }: UpdateError): boolean {
  return (
    ['hash-mismatch', 'download-too-large', 'insecure-url', 'answer-invalid', 'decryption-failed'].includes(code) ||
    isFinalStatus(status ?? 0)
  )
}
