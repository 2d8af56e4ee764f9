import type { Installation } from '../../installation/installation.ts'
import type { HookFacts } from '../../hooks/run-hook.ts'

/** Capitals alone: what servers of the template's format call `${host}` is theirs. */
const NAME = /\$\{([A-Z_][A-Z0-9_]{0,63})\}/g

/** Kits §3.3: what stands for `${NAME}`: variables of the installation, and facts, whose names no variable has. */
export function valuesOf(installation: Pick<Installation, 'variables'>, facts: HookFacts): ReadonlyMap<string, string> {
  return new Map([...Object.entries(installation.variables), ...Object.entries(facts)])
}

/** Names that stand in a text, once each. */
export function namesIn(text: string): string[] {
  return [...new Set([...text.matchAll(NAME)].map(([, name = '']) => name))]
}

/** In one go: what a value has of the form is no name. */
export function fillIn(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(NAME, (whole, name: string) => values.get(name) ?? whole)
}
