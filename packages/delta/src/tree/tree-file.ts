import {
  filePathFault,
  findPathConflict,
  hexFromBytes,
  treeLines,
  type TreeFile,
  utf8FromText,
} from '@hotpatch/protocol'
import type { Sha256 } from '../ground/digest.ts'

/** Patches §4: a list with as many files as a release may have. */
export const MAX_FILES = 20_000

/** Patches §4: of whole trees. Equal exactly when paths and bytes are. */
export async function treeDigest(files: readonly TreeFile[], sha256: Sha256): Promise<string> {
  const hasher = sha256()
  for (const line of treeLines(files)) hasher.update(utf8FromText(line))
  return hexFromBytes(await hasher.digest())
}

/** Why files cannot be a tree, wherever they are written; undefined when they can. */
export function treeFault(files: readonly TreeFile[]): string | undefined {
  for (const { path } of files) {
    const fault = path.endsWith('/') ? { found: "a folder's path" } : filePathFault(path)
    if (fault) return `${fault.found} in ${JSON.stringify(path.slice(0, 200))}`
  }
  const conflict = findPathConflict(files.map(({ path }) => path))
  return conflict && `${JSON.stringify(conflict.path)} beside ${JSON.stringify(conflict.other)}`
}
