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
