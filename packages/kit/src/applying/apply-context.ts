import type { CryptoPort, Stopped } from '@hotpatch/device-ground'
import type { KitComponentKind, KitManifest } from '@hotpatch/protocol'
import type { ComponentAdapter, ComponentPorts } from '../components/component-adapter.ts'
import type { Installation } from '../installation/installation.ts'
import type { KitPlan, KitStep } from '../planning/kit-plan.ts'
import type { KitReport } from './kit-report.ts'
import type { ProcessFacts } from '../ground/process-facts.ts'

/** Kits §3.8: whether what was applied works. Each throws KitError probe-failed when it does not. */
export interface KitProbing {
  component(step: KitStep, stopped?: Stopped): Promise<'well' | 'unasked'>
  kit(manifest: KitManifest, stopped?: Stopped): Promise<'well' | 'unasked'>
  /** After it was taken back: whether what ran before runs again. */
  before(step: KitStep): Promise<'well' | 'unasked'>
}

/**
 * Kits §7.6: brings every artifact of a plan to its place among the artifacts, verified, before anything is touched; may be
 * run again after any part of itself. @throws KitError
 */
export type StageArtifacts = (plan: KitPlan, options: { stopped?: Stopped }) => Promise<void>

export interface ApplyLimits {
  /** Of taking back: then people have to look. */
  failedTries: number
  /** Of taking back, or of downloading again, whoever ends it each time. */
  begunTries: number
  /** Before a next try; each is twice as long as the one before. */
  firstPauseMs: number
  /** Of a probe, beyond what it allows itself. */
  probeGraceMs: number
}

export const APPLY_LIMITS: ApplyLimits = {
  failedTries: 5,
  begunTries: 20,
  firstPauseMs: 1_000,
  probeGraceMs: 30_000,
}

/** What a coordinator is made of. */
export interface ApplyContext {
  installation: Installation
  ports: ComponentPorts & { crypto: Pick<CryptoPort, 'sha256' | 'randomUuid'> }
  adapters: ReadonlyMap<KitComponentKind, ComponentAdapter>
  probing: KitProbing
  process: ProcessFacts
  /**
   * May be told the same again after a power cut, never anything else by the same name: whoever keeps reports knows them by
   * their transaction, component and kind. That it fails stops nothing.
   */
  tell: (report: KitReport) => Promise<void>
  /** Behind the point of no return, until it has succeeded once: such as to raise what was seen of sequences. */
  committed?: (manifest: KitManifest) => Promise<void>
  limits?: ApplyLimits
}
