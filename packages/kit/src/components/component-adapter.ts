import type { ClockPort, CryptoPort } from '@hotpatch/device-ground'
import type { InstalledComponent, KitComponentKind } from '@hotpatch/protocol'
import type { HooksPort } from '../ground/hooks.ts'
import type { KitDisk } from '../ground/kit-disk.ts'
import type { Installation, InstalledPlace } from '../installation/installation.ts'
import type { KitStep } from '../planning/kit-plan.ts'

/** SQLite's own way to copy a database that is in use. */
export interface SqlitePort {
  /** Both as the machine has them (KitDisk.locate); what is at `to` is replaced. */
  copy(from: string, to: string): Promise<void>
}

/** What adapters stand on. */
export interface ComponentPorts {
  disk: KitDisk
  hooks: HooksPort
  clock: ClockPort
  crypto: Pick<CryptoPort, 'sha256'>
  /** Without it databases are copied as files are, with what is beside them: their services have to be stopped. */
  sqlite?: SqlitePort
}

/** One component in one apply. */
export interface ComponentWork {
  step: KitStep
  place: InstalledPlace
  installation: Installation
  /** Of the artifact, verified; relative to the root. Undefined of kinds without files. */
  artifactPath: string | undefined
  /** A folder of this component in this apply alone, for what is made ready and for what is kept to go back. Durable. */
  workPath: string
  ports: ComponentPorts
}

/**
 * One kind of component (Kits §3). The coordinator writes its journal before it calls `prepare`, `apply` or `revert`, and
 * may be killed at any moment: so each of them can be run twice, after any part of itself, and comes to the same.
 */
export interface ComponentAdapter {
  kind: KitComponentKind
  /** What speaks against an apply, before anything is touched: such as a place that is missing. For people. */
  objections(work: Omit<ComponentWork, 'artifactPath' | 'workPath'>): Promise<readonly string[]>
  /** What lies there, as far as that can be told from the disk; undefined: it cannot. */
  inspect(work: Omit<ComponentWork, 'artifactPath' | 'workPath'>): Promise<InstalledComponent | undefined>
  /** Makes the new ready beside the old, and keeps what a way back needs. Nothing that runs sees anything of it. @throws KitError */
  prepare(work: ComponentWork): Promise<void>
  /** Exchanges the old for the new, and restarts or reloads what runs. @throws KitError */
  apply(work: ComponentWork): Promise<void>
  /**
   * Comes back to what was there before `prepare`, wherever that or `apply` ended, and has it run again. Of what never
   * was there, to nothing. @throws KitError revert-failed, with the reason
   */
  revert(work: ComponentWork): Promise<void>
  /** After a commit: what the way back needed and nobody needs any more, but for `workPath`, which goes by itself. */
  cleanUp(work: ComponentWork): Promise<void>
}
