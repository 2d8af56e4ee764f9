import type { Adoption, PatchFigures } from '@hotpatch/api'
import { TOLD_COUNTERS, type RolloutFigures } from '../../fleet/progress/rollout-progress.ts'

/** What devices told of their downloads. */
export type ToldDownloads = Pick<RolloutFigures, (typeof TOLD_COUNTERS)[number]>

export const NOTHING_TOLD = Object.fromEntries(TOLD_COUNTERS.map((counter) => [counter, 0])) as unknown as ToldDownloads

type Told = Adoption['downloads']

/** @param sizeBytes of the whole release */
export function renderTold(sums: ToldDownloads, sizeBytes: number): Told {
  const { told_downloads: toldDownloads, received_bytes: toldBytes } = sums
  return addTold([
    { toldDownloads, toldBytes, fullBytes: toldDownloads * sizeBytes, patches: renderPatches(sums, sizeBytes) },
  ])
}

function renderPatches(sums: ToldDownloads, sizeBytes: number): PatchFigures {
  const { told_patched, patched_bytes, told_packed, packed_bytes, patch_failed } = sums
  return {
    tried: told_patched + told_packed + patch_failed,
    patched: told_patched,
    patchedBytes: patched_bytes,
    packed: told_packed,
    packedBytes: packed_bytes,
    fellBack: patch_failed,
    savedBytes: (told_patched + told_packed) * sizeBytes - patched_bytes - packed_bytes,
  }
}

/** Of several releases. */
export function addTold(all: readonly Omit<Told, 'savedBytes'>[]): Told {
  const sum = (of: (told: Omit<Told, 'savedBytes'>) => number) => all.reduce((total, each) => total + of(each), 0)
  const patches = (name: keyof PatchFigures) => sum((told) => told.patches[name])
  const told = {
    toldDownloads: sum(({ toldDownloads }) => toldDownloads),
    toldBytes: sum(({ toldBytes }) => toldBytes),
    fullBytes: sum(({ fullBytes }) => fullBytes),
  }
  return {
    ...told,
    savedBytes: told.toldDownloads === 0 ? null : told.fullBytes - told.toldBytes,
    patches: {
      tried: patches('tried'),
      patched: patches('patched'),
      patchedBytes: patches('patchedBytes'),
      packed: patches('packed'),
      packedBytes: patches('packedBytes'),
      fellBack: patches('fellBack'),
      savedBytes: patches('savedBytes'),
    },
  }
}
