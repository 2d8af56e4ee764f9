import { problem, type Problem } from '@hotpatch/protocol'

/** Which rule an archive broke: `rule` of the problem invalid-archive. */
export type ArchiveRule =
  | 'structure'
  | 'zip64'
  | 'hidden-data'
  | 'overlap'
  | 'file-count'
  | 'unpacked-size'
  | 'path'
  | 'path-length'
  | 'name-encoding'
  | 'duplicate-name'
  | 'special-file'
  | 'encrypted'
  | 'method'
  | 'header-mismatch'
  | 'content-mismatch'

/** Reads `throw refusal('path', 'Expected …, found …', entry)`. */
export function refusal(rule: ArchiveRule, detail: string, entry?: string, options?: ErrorOptions): Problem {
  if (entry === undefined) return problem('invalid-archive', detail, { rule }, options)
  const shown = shorten(entry)
  return problem('invalid-archive', `${JSON.stringify(shown)}: ${detail}`, { rule, entry: shown }, options)
}

/** Devices do not read this form, which is for archives far beyond the limits of a bundle. */
export function zip64Refusal(entry?: string): Problem {
  const remedy = 'Make it with `hotpatch release`, or with a zip tool that writes no ZIP64, into a file and not a pipe.'
  return refusal('zip64', `Expected a plain zip, found ZIP64, which devices do not read. ${remedy}`, entry)
}

/** A name in a zip may have 65,535 bytes. */
function shorten(name: string): string {
  return name.length > 200 ? `${name.slice(0, 200)}…` : name
}
