import type { Stopped } from '@hotpatch/device-ground'
import type { InstalledKit, KitManifest } from '@hotpatch/protocol'
import type { ApplyOutcome, RecoveryOutcome } from '../applying/apply-outcome.ts'
import type { OpenApply } from '../applying/coordinator.ts'
import type { KitReport } from '../applying/kit-report.ts'
import type { Installation } from '../installation/installation.ts'
import type { FailedRelease } from '../keeping/failed-releases.ts'
import type { KitLogEntry } from '../keeping/kit-log.ts'
import type { Snoozed } from '../keeping/snoozed.ts'
import type { KitOffer } from '../offers/kit-offer.ts'
import type { KitTrust } from '../offers/trust-state.ts'
import type { KitPlan } from '../planning/kit-plan.ts'
import type { Flushed } from '../reporting/outbox.ts'
import type { StagingProgress } from '../staging/stage.ts'
import type { KitPorts } from './kit-parts.ts'

export interface KitOptions {
  /** The folder with kit.json. */
  root: string
  /** In place of that of the environment and of kit.json. */
  channel?: string | undefined
  /** Of this process: the channel may stand in it, and hooks get it. */
  environment: Readonly<Record<string, string | undefined>>
  /** Of whatever applies: a release may need a newer one. */
  installerVersion: string
  /** What the process runs on: Node's own `process`. */
  process: { platform: string; arch: string }
  ports?: Partial<KitPorts>
}

export interface AskOptions {
  /** A folder that `hotpatch kit bundle` wrote, in the place of the server. */
  bundle?: string | undefined
  /** Also what did not work here before. */
  triesAgain?: boolean
  stopped?: Stopped | undefined
}

/** Kits §6: what came of a check. */
export type KitCheck =
  | {
      kind: 'up-to-date'
      releaseId: string | undefined
      reason: string
      message: string
      /** What was newer and did not work here: that nothing is offered may be because of it. */
      failed: readonly FailedRelease[]
    }
  | { kind: 'available'; releaseId: string; isRequired: boolean; snoozed: Snoozed | undefined; manifest: KitManifest }
  /** It did not work here before: it is not tried again by itself. */
  | { kind: 'failed-before'; failed: FailedRelease; manifest: KitManifest }
  | { kind: 'skipped'; reason: 'dev' | 'no-source' | 'installed-unknown' }

export interface Planned {
  offer: KitOffer
  plan: KitPlan
  /** What speaks against it on this machine, for people. */
  objections: readonly string[]
}

/** Who decides: whoever is asked about the plan, or the rules of the installation, when nobody is there. */
export type Consent = { kind: 'ask'; ask: (planned: Pick<Planned, 'plan'>) => Promise<boolean> } | { kind: 'unasked' }

export interface ApplyOptions extends AskOptions {
  consent: Consent
  onProgress?: (progress: StagingProgress) => void
  /** What happens, as it happens. */
  onReport?: (report: KitReport) => void
}

export type KitApply =
  | Exclude<ApplyOutcome, { kind: 'nothing-to-do' }>
  | { kind: 'nothing-to-do'; reason: string; message: string }

export interface KitStatus {
  channel: string
  installed: InstalledKit | undefined
  open: OpenApply | undefined
  trust: KitTrust
  failed: readonly FailedRelease[]
  /** To which `rollback` would go. */
  before: string | undefined
}

export interface Kit {
  installation: Installation
  /** @throws KitError check-failed, and what is wrong with what was offered */
  check(options?: AskOptions): Promise<KitCheck>
  /** @throws KitError as `check`, and partial-kit, no-file-for-machine */
  plan(options?: AskOptions): Promise<Planned | Exclude<KitCheck, { kind: 'available' | 'failed-before' }>>
  apply(options: ApplyOptions): Promise<KitApply>
  /** To the release before, whose bytes are here. */
  rollback(options: Omit<ApplyOptions, 'bundle' | 'triesAgain'>): Promise<KitApply>
  /** What an earlier process has left is finished, or taken back. */
  recover(options?: { hasBeenLookedAt?: boolean }): Promise<RecoveryOutcome>
  status(): Promise<KitStatus>
  log(limit: number): Promise<KitLogEntry[]>
  /** Undefined: there is nothing to put off. */
  snooze(options?: AskOptions): Promise<Snoozed | undefined>
  /** Tells the server what waits. Never rejects. */
  report(): Promise<Flushed>
}
