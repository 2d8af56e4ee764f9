import type { KitCode } from '../ground/kit-error.ts'

/** Kits §6: a release that is offered, and was verified unless it came with an installer. */
export interface OfferedUpdate {
  releaseId: string
  channel: string
  sequence: number
  severity: 'informational' | 'security' | 'breaking'
  notes: string | undefined
  expectedDowntimeSeconds: number | undefined
  minInstallerVersion: string | undefined
  /** Whether what would install it is too old for it; false where its version is not known. */
  needsNewerInstaller: boolean
  /** Which components change, as far as versions and digests say it. */
  components: readonly { id: string; from: string | undefined; to: string }[]
}

/** What is known of a kit without asking anybody. */
export type KnownOutcome =
  | { kind: 'up_to_date'; releaseId: string; reason: string | undefined }
  | { kind: 'update_available'; installed: string; update: OfferedUpdate }
  /** Of severity security or breaking, by a signature that was verified. */
  | { kind: 'update_required'; installed: string; update: OfferedUpdate }

export type SkipReason = 'offline' | 'throttled' | 'disabled' | 'unknown-installed' | 'dev'

/** Kits §6: what comes of one check. None of them is an error that an application has to handle. */
export type CheckOutcome =
  | KnownOutcome
  | { kind: 'check_skipped'; reason: SkipReason; until: number | undefined }
  /** For the log, never for people who did not ask. */
  | { kind: 'check_failed'; code: KitCode; message: string }

export function isUpdate(outcome: CheckOutcome | undefined): outcome is Extract<KnownOutcome, { update: object }> {
  return outcome?.kind === 'update_available' || outcome?.kind === 'update_required'
}
