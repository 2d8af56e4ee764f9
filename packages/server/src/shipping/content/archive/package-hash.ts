import { createHash } from 'node:crypto'
import { writePackageFiles } from '@hotpatch/protocol'

/** At its root: clients take it for a package of what changed since what they have, and remove what it lists (Code Push §6). */
export const CHANGES_MANIFEST = 'hotcodepush.json'

/** Code Push §5: what clients know a package by, whichever zip it comes in. */
export function packageHashOf(files: Parameters<typeof writePackageFiles>[0]): string {
  return createHash('sha256').update(writePackageFiles(files)).digest('hex')
}
