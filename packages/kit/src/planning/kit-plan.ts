import type { InstalledComponent, KitComponent, KitFile, KitManifest } from '@hotpatch/protocol'

/** Kits §7: what an apply will do, known before anything is touched. */
export interface KitPlan {
  /** Of what is installed; undefined when nothing says what that is. */
  from: { releaseId: string; sequence: number | undefined } | undefined
  manifest: KitManifest
  /** The exact text that was signed. */
  manifestText: string
  direction: 'forward' | 'back'
  /** In the order in which they are applied. */
  steps: readonly KitStep[]
  /** Components that are what they should be already, or that this kit does not have. */
  left: readonly { id: string; because: 'same' | 'not-installed' }[]
  downloadBytes: number
  /** What has to be free on the disk, all that is kept for a way back included. */
  neededBytes: number
  /** For people; undefined when the release does not say. */
  expectedDowntimeSeconds: number | undefined
  /** Whether it can be taken back after each step. */
  isReversible: boolean
}

export interface KitStep {
  component: KitComponent
  installed: InstalledComponent | undefined
  /** That this machine takes; undefined of kinds without files. */
  file: KitFile | undefined
}
