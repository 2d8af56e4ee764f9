import { filePathFault, findPathConflict, problem } from '@hotpatch/protocol'

/** Unicode's embeddings, overrides and isolates. */
const TURNS_TEXT = /[\u{202a}-\u{202e}\u{2066}-\u{2069}]/u

/**
 * Names that people save files under, and that stand in addresses.
 * @throws problem invalid-request
 */
export function requireFileNames(names: readonly string[]): void {
  for (const name of names) {
    const found = faultOf(name)
    if (found !== undefined) {
      throw problem('invalid-request', `name: expected one that a file can have everywhere, found ${found}.`)
    }
  }
  const conflict = findPathConflict(names)
  if (conflict) {
    throw problem(
      'invalid-request',
      `name: expected names that can be beside "${conflict.other}", found "${conflict.path}".`,
    )
  }
}

function faultOf(name: string): string | undefined {
  if (name.includes('/')) return 'a folder'
  if (name.startsWith('.')) return 'a name that begins with a dot'
  if (TURNS_TEXT.test(name)) return 'a mark that turns the direction of text: people would read another ending'
  if (!name.isWellFormed()) return 'half a character'
  return filePathFault(name)?.found
}
