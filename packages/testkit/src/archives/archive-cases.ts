import { acceptedArchives } from './accepted-archives.ts'
import { writeZip } from './archive-builder.ts'
import type { ArchiveCase, CaseLimits } from './archive-case.ts'
import { refusedArchives } from './refused-archives.ts'

export const CASE_LIMITS: CaseLimits = { maxFiles: 50, maxUnpackedBytes: 5_000_000, maxPathBytes: 300 }

export const MAX_VECTOR_BYTES = 5_000

/** What server and devices must agree on. Those that are small enough are vectors/archives.json. */
export const archiveCases: readonly ArchiveCase[] = [
  ...acceptedArchives.map(([comment, entries, end]) => ({ comment, rule: null, zip: writeZip(entries, end) })),
  ...refusedArchives,
]
