import { filePathFault, findPathConflict, problem } from '@hotpatch/protocol'

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
  return filePathFault(name)?.found
}
