import { hash } from 'node:crypto'
import { writePackageFiles } from '@hotpatch/protocol'

/** Code Push §5: what clients know a package by, whichever zip it comes in. */
export function packageHashOf(files: Parameters<typeof writePackageFiles>[0]): string {
  return hash('sha256', writePackageFiles(files))
}
