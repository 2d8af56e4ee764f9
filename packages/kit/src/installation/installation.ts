import type { HookCommand } from '../ground/hooks.ts'

/**
 * Kits §5: what the operator's own installation says, in `kit.json` at its root (docs/guides/kits.md): what is where, how
 * services are restarted, which keys are trusted. Nothing of it ever comes from a release.
 */
export interface Installation {
  /** The app whose kits these are, and where they are asked for. Undefined: only bundles that are brought along. */
  source: InstallationSource | undefined
  /** Ed25519 keys in base64, and minisign keys as they are written (`RW…`): one of them has to have signed. */
  publicKeys: readonly string[]
  /** "substratum-kit-release.json" when absent. */
  releaseFile: string
  /** The environment variable that names the channel, "SUBSTRATUM_UPDATE_CHANNEL" when absent. */
  channelVariable: string
  /** "stable" when absent. */
  channel: string
  /** Absent: whoever applies is asked each time. */
  consent: ConsentRules
  /** Of templates and repairs, by name. */
  variables: Readonly<Record<string, string>>
  components: Readonly<Record<string, InstalledPlace>>
  /** Where the probe of the whole kit asks. */
  probe: ProbePlace
  /** Settings files that releases may repair, by name. */
  repairTargets: Readonly<Record<string, RepairTarget>>
}

export interface InstallationSource {
  /** The server's own address, without a path of a channel. */
  url: string
  appId: string
  /** That binaries of the app carry; undefined where the app is open. */
  appKey: string | undefined
}

export interface ConsentRules {
  /** Kinds that are applied unasked when nothing else changes: shells of desktops. */
  auto: readonly 'app'[]
  /** When something may be applied unasked, in local time; 1 is Monday. None: at any time. One that ends before it begins goes over midnight. */
  windows: readonly { days: readonly number[]; from: string; to: string }[]
}

/** Where a component lies, and what has to happen around it. Kinds use of it what they need (Kits §3). */
export interface InstalledPlace {
  /** Relative to the root: the link of a folder, the executable, the settings file that a template makes, the staging folder. '' of one that only migrates or repairs. */
  path: string
  service?: ServiceHooks
  /** Of a template: holds the file that was written against the server's own rules, before anything is reloaded. */
  validate?: HookCommand
  /** Of a template or an edge: makes what runs take the file. */
  reload?: HookCommand
  /** Of a migration. */
  migration?: MigrationHooks
  probe?: ProbePlace
}

export interface ServiceHooks {
  stop?: HookCommand
  start?: HookCommand
  /** In the place of both. */
  restart?: HookCommand
  /** Ends with 0 while it runs. */
  isRunning?: HookCommand
}

export interface MigrationHooks {
  /** Brings what it migrates to `HOTPATCH_KIT_MIGRATE_TO`; may run any number of times. */
  run: HookCommand
  /** What is kept before, so that it can be taken back. */
  backup: readonly MigrationBackup[]
}

export type MigrationBackup =
  | { kind: 'file'; path: string }
  | { kind: 'sqlite'; path: string }
  /** Such as pg_dump and pg_restore: `HOTPATCH_KIT_BACKUP` names the file. */
  | { kind: 'commands'; save: HookCommand; restore: HookCommand }

export interface ProbePlace {
  /** Such as "http://127.0.0.1:8080". */
  url?: string
  /** Of `tcp`. */
  address?: { host: string; port: number }
  hook?: HookCommand
}

export interface RepairTarget {
  path: string
  format: 'env' | 'json'
  /** Which of its keys a release may set; of JSON with dots between names. */
  keys: readonly string[]
}
