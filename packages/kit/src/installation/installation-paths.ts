import { filePathFault, foldFilePath, readString } from '@hotpatch/protocol'
import type { Mistakes } from './installation-mistakes.ts'

/** Of the coordinator: no component lies here, and no release writes here. */
const OWN_FOLDERS = ['.kit', 'logs']
export const INSTALLATION_FILE = 'kit.json'

/** Kits §5.1: a path below the root, that is harmless everywhere; '' when it is not, which is told. */
export function readKitPath(mistakes: Mistakes, value: unknown, pointer: string): string {
  const path = mistakes.attempt('', () => readString(value, pointer, { expected: 'a path below the root' }))
  if (path === '') {
    if (value === '') mistakes.tell(pointer, 'a path below the root', '""')
    return ''
  }
  const fault = kitPathFault(path)
  if (fault !== undefined) mistakes.tell(pointer, 'a path below the root, with "/" between names', fault)
  return fault === undefined ? path : ''
}

function kitPathFault(path: string): string | undefined {
  const shown = JSON.stringify(path.slice(0, 80))
  const fault = filePathFault(path)
  if (fault) return `${fault.found}: ${shown}`
  if (path.endsWith('/')) return `a "/" at the end: ${shown}`
  const folded = foldFilePath(path)
  const first = folded.split('/')[0] ?? ''
  if (OWN_FOLDERS.includes(first)) return `${shown}, which is the coordinator's own`
  return folded === INSTALLATION_FILE ? `${shown}, which is this file itself` : undefined
}

/** A path, and whose it is. */
export interface OwnedPath {
  pointer: string
  path: string
  /** For people, such as "the component web". */
  owner: string
}

/** Kits §5.1: of two paths that are the same somewhere, or of which one is in the other, one is told to be elsewhere. */
export function expectApart(mistakes: Mistakes, paths: readonly OwnedPath[], others: readonly OwnedPath[] = []): void {
  const kept = paths.filter(({ path }) => path !== '')
  for (const [index, one] of kept.entries()) {
    const other = [...kept.slice(0, index), ...others].find(
      ({ path }) => path !== '' && areOnOneAnother(one.path, path),
    )
    if (other) mistakes.tell(one.pointer, `a place apart from ${other.path}, of ${other.owner}`, one.path)
  }
}

function areOnOneAnother(one: string, other: string): boolean {
  const [a, b] = [`${foldFilePath(one)}/`, `${foldFilePath(other)}/`]
  return a.startsWith(b) || b.startsWith(a)
}
