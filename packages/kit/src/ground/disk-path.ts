import { KitError } from './kit-error.ts'
import { COORDINATOR_FOLDER, KIT_FOLDER, VERSIONS_FOLDER } from './kit-layout.ts'

const LINKED_FOLDERS = [VERSIONS_FOLDER, COORDINATOR_FOLDER].map((folder) => folder.split('/'))

/** More links than any path of a kit has: the next one is in a circle. */
export const MAX_LINKS = 8

/** The names of a path on a KitDisk; none of ''. @throws KitError path-escapes */
export function namesOf(path: string): string[] {
  if (path === '') return []
  const names = path.split('/')
  if (names.every(isName)) return names
  const expected = 'a path below the root, with "/" between names'
  throw new KitError('path-escapes', `Expected ${expected}, found ${JSON.stringify(path)}.`)
}

function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[\\\0]/.test(name)
}

/**
 * Kits §8.2: the names of what a link leads to: a kept version, and nothing else, so that nobody who may write into a
 * component's folder makes the coordinator read or replace something beside it.
 * @throws KitError path-escapes
 */
export function followLink(link: readonly string[], target: string): string[] {
  const names = link.slice(0, -1)
  const isKept =
    !target.startsWith('/') &&
    target.split('/').every((name) => {
      if (name === '..') return names.pop() !== undefined
      names.push(name)
      return isName(name)
    })
  const leadsInto = (folder: readonly string[]) =>
    names.length > folder.length && folder.every((name, index) => names[index] === name)
  if (isKept && LINKED_FOLDERS.some(leadsInto)) return names
  const advice =
    link[0] === KIT_FOLDER
      ? 'Remove the link: the coordinator makes its own folders there.'
      : 'Put what it leads to in its place, or name another place in kit.json.'
  throw new KitError(
    'path-escapes',
    `Expected no link at ${link.join('/')}, or one into ${VERSIONS_FOLDER}; it leads to ${JSON.stringify(target)}. ${advice}`,
  )
}

/** @throws KitError path-escapes */
export function expectFewLinks(count: number, path: string): void {
  if (count > MAX_LINKS) throw new KitError('path-escapes', `Expected a path without a circle of links, found ${path}.`)
}
