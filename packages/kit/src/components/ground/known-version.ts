import type { InstalledComponent } from '@hotpatch/protocol'
import type { KitStep } from '../../planning/kit-plan.ts'

/** Of bytes whose digest is known: their version is, where it is one of the two that are spoken of. */
export function knownVersion(
  { installed, component, file }: KitStep,
  sha256: string | undefined,
): InstalledComponent | undefined {
  if (sha256 === undefined) return undefined
  if (sha256 === file?.sha256) return { version: component.version, sha256 }
  return { version: installed?.sha256 === sha256 ? installed.version : 'unknown', sha256 }
}
