import { acceptedArchives } from './accepted-archives.ts'
import { writeZip } from './archive-builder.ts'
import { refusedArchives } from './refused-archives.ts'

export interface CaseLimits {
  maxFiles: number
  maxUnpackedBytes: number
  maxPathBytes: number
}

export interface ArchiveCase {
  comment: string
  /** Which rule it breaks; null when it is accepted. */
  rule: string | null
  zip: Buffer
  /** Where they differ from CASE_LIMITS. */
  limits?: Partial<CaseLimits>
}

export const CASE_LIMITS: CaseLimits = { maxFiles: 50, maxUnpackedBytes: 5_000_000, maxPathBytes: 300 }

export const MAX_VECTOR_BYTES = 5_000

/** What server and devices must agree on. Those that are small enough are vectors/archives.json. */
export const archiveCases: readonly ArchiveCase[] = [
  ...acceptedArchives.map(([comment, entries, end]) => ({ comment, rule: null, zip: writeZip(entries, end) })),
  ...refusedArchives,
]
