/** Kits §7.6: bounds of the downloads of one apply. */
export interface StagingLimits {
  /** Of one artifact. */
  artifactBytes: number
  /** Of silence. */
  idleTimeoutMs: number
  /** Of everything together. */
  deadlineMs: number
  /** Of each artifact, in a row without a new byte. */
  attempts: number
  backOffMs: number
  backOffMaxMs: number
  retryAfterMaxMs: number
  redirects: number
}

export const STAGING_LIMITS: StagingLimits = {
  artifactBytes: 16 * 1024 ** 3,
  idleTimeoutMs: 60_000,
  deadlineMs: 6 * 3_600_000,
  attempts: 6,
  backOffMs: 1_000,
  backOffMaxMs: 60_000,
  retryAfterMaxMs: 600_000,
  redirects: 5,
}
