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

/** Until it has ended well. @throws KitError with `code`, and the last of what it has printed */
export async function runHook(command: HookCommand, { hooks, facts, what, code, component }: HookCall): Promise<void> {
  const own = component === undefined ? {} : { component }
  const { exitCode, output } = await hooks.run(command, facts).catch((cause: unknown) => {
    throw new KitError(code, `${what} failed. ${messageOf(cause)}`, { ...own, cause })
  })
  if (exitCode === 0) return
  const ended = exitCode === undefined ? 'it was ended from outside' : `it ended with ${exitCode}`
  const printed = output === '' ? '' : `\n${output}`
  throw new KitError(code, `${what} failed: expected ${command.run[0]} to end with 0, ${ended}.${printed}`, own)
}
