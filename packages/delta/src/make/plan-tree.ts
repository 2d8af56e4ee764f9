import type { TreeFile } from '@hotpatch/protocol'
import { createSimilarFiles, sketchOf, type SimilarFiles } from './similar-files.ts'

/** A file that is read when it is needed, and let go again. */
export interface SourceFile extends TreeFile {
  read(): Promise<Uint8Array>
}

/** By number in the base, whose files are in the order of paths. */
export type PlannedFile =
  | { kind: 'kept' | 'moved'; file: SourceFile; base: number }
  | { kind: 'new'; file: SourceFile }
  | { kind: 'patched'; file: SourceFile; base: number }

/** Less has no piece that could be found elsewhere. */
const SMALLEST_SIMILAR = 256

/** Where each file of the target comes from. Both sides in the order of paths. Reads the base once, unless all is found by name. */
export async function planTree(
  base: readonly SourceFile[],
  target: readonly SourceFile[],
  pause: () => Promise<void>,
): Promise<PlannedFile[]> {
  const numbersByPath = new Map(base.map(({ path }, number) => [path, number]))
  const numbersByDigest = new Map(base.map(({ sha256 }, number) => [sha256, number]))
  const planned: PlannedFile[] = []
  let similar: SimilarFiles | undefined
  for (const file of target) {
    const same = numbersByPath.get(file.path)
    if (same !== undefined && base[same]?.sha256 === file.sha256) {
      planned.push({ kind: 'kept', file, base: same })
      continue
    }
    const moved = numbersByDigest.get(file.sha256)
    if (moved !== undefined) {
      planned.push({ kind: 'moved', file, base: moved })
      continue
    }
    if (file.sizeBytes === 0) {
      planned.push({ kind: 'new', file })
      continue
    }
    let found = same
    if (file.sizeBytes >= SMALLEST_SIMILAR) {
      similar ??= await sketchAll(base, pause)
      found = similar.find(file.path, sketchOf(await file.read()))
      await pause()
    }
    planned.push(found === undefined ? { kind: 'new', file } : { kind: 'patched', file, base: found })
  }
  return planned
}

async function sketchAll(base: readonly SourceFile[], pause: () => Promise<void>): Promise<SimilarFiles> {
  const similar = createSimilarFiles()
  for (const [number, file] of base.entries()) {
    similar.add(number, file, sketchOf(await file.read()))
    await pause()
  }
  return similar
}
