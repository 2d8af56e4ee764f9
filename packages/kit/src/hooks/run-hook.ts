import { messageOf } from '@hotpatch/device-ground'
import type { HookCommand, HooksPort } from '../ground/hooks.ts'
import { KitError, type KitCode } from '../ground/kit-error.ts'

/** Kits §3.9: what a hook is told, by the names of variables. */
export type HookFacts = Readonly<Record<`HOTPATCH_KIT_${string}`, string>>

export interface HookCall {
  hooks: HooksPort
  facts: HookFacts
  /** For people: what it is for, such as "the restart of gateway". */
  what: string
  /** Of the error when it fails. */
  code: KitCode
  component?: string
}

/** Where something lies on this machine: of what is told these alone may be a part of arguments, as no release says them. */
const PATHS = /\$\{(HOTPATCH_KIT_(?:ROOT|PLACE|FILE|BACKUP))\}/g

/** Kits §3.9: `${HOTPATCH_KIT_FILE}` and its like in an argument, which stays one. */
export function withPaths({ run: [program, ...more], timeoutMs }: HookCommand, facts: HookFacts): HookCommand {
  const filled = more.map((each) => each.replace(PATHS, (whole, name: keyof HookFacts) => facts[name] ?? whole))
  return { run: [program, ...filled], timeoutMs }
}

/** Until it has ended well. @throws KitError with `code`, and the last of what it has printed */
export async function runHook(command: HookCommand, { hooks, facts, what, code, component }: HookCall): Promise<void> {
  const own = component === undefined ? {} : { component }
  const { exitCode, output } = await hooks.run(withPaths(command, facts), facts).catch((cause: unknown) => {
    throw new KitError(code, `${what} failed. ${messageOf(cause)}`, { ...own, cause })
  })
  if (exitCode === 0) return
  const ended = exitCode === undefined ? 'it was ended from outside' : `it ended with ${exitCode}`
  const printed = output === '' ? '' : `\n${output}`
  throw new KitError(code, `${what} failed: expected ${command.run[0]} to end with 0, ${ended}.${printed}`, own)
}
