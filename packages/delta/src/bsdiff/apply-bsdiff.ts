import { PatchError } from '../ground/patch-error.ts'
import { expectDigest, type Sha256 } from '../ground/digest.ts'
import { applySteps } from './apply-steps.ts'
import { readBsdiff40 } from './bsdiff40.ts'
import { readBsdiff43 } from './bsdiff43.ts'
import { bsdiffFormatOf } from './bsdiff-format.ts'

/** What the patch is to make, as a signature or a manifest announces it. */
export interface AnnouncedBytes {
  sizeBytes: number
  /** In lower-case hex. */
  sha256: string
}

export interface BsdiffApplication {
  patch: Uint8Array
  base: Uint8Array
  target: AnnouncedBytes
  sha256: Sha256
  /** Undefined: the base is what it should be. Else it is hashed first. */
  baseSha256?: string
}

/**
 * The target, whose digest was held against the announced one. Takes as much memory as the target and 11 MB.
 * @throws PatchError
 */
export async function applyBsdiff({ patch, base, baseSha256, target, sha256 }: BsdiffApplication): Promise<Uint8Array> {
  if (baseSha256 !== undefined) await expectDigest(sha256, base, { sha256: baseSha256, code: 'base-differs' })
  const made = applyUnverified(patch, base, target.sizeBytes)
  await expectDigest(sha256, made, { sha256: target.sha256, code: 'result-differs' })
  return made
}

/** For whoever holds the result against something else. */
export function applyUnverified(patch: Uint8Array, base: Uint8Array, announcedBytes: number): Uint8Array {
  const { targetBytes, steps } = bsdiffFormatOf(patch) === 'bsdiff40' ? readBsdiff40(patch) : readBsdiff43(patch)
  // Before memory is taken for it.
  if (targetBytes !== announcedBytes) {
    throw new PatchError(
      'result-differs',
      `Expected a patch for ${announcedBytes} bytes, found one for ${targetBytes}.`,
    )
  }
  const target = new Uint8Array(targetBytes)
  applySteps(base, target, steps())
  return target
}
