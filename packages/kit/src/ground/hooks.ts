/**
 * Kits §3.9: what the installation runs, such as the restart of a service. Always the operator's own words: programs and
 * their arguments stand in the installation's file, and nothing that came from a network is ever one of them.
 */
export interface HookCommand {
  /** The program and its arguments; no shell reads them. */
  run: readonly [string, ...string[]]
  /** How long it may take; then it and what it has started are ended. */
  timeoutMs: number
}

export interface HookOutcome {
  /** Undefined when it was ended from outside. */
  exitCode: number | undefined
  /** The last of what it has printed, bounded, for people. */
  output: string
}

export interface HooksPort {
  /**
   * @param environment facts about what happens, `HOTPATCH_KIT_…`, beside the environment of this process
   * @throws KitError hook-failed when it cannot be started, or takes too long
   */
  run(command: HookCommand, environment: Readonly<Record<string, string>>): Promise<HookOutcome>
  /**
   * Kits §3.9: ends what still runs of hooks whose coordinator was killed; for whoever holds the lock, before anything else.
   * Absent where none can be left.
   * @throws KitError already-running of one that cannot be ended, or of which nobody can tell whether it is one
   */
  endLeft?(): Promise<void>
}
