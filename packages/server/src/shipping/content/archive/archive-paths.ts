import { filePathFault, findPathConflict } from '@hotpatch/protocol'
import { refusal } from '@hotpatch/binary-files/zip'

export function checkPath(path: string, maxPathBytes: number): void {
  const fault = filePathFault(path, maxPathBytes)
  if (fault) throw refusal(fault.rule, `Expected a short relative path with plain names, found ${fault.found}.`, path)
}

export function checkNoConflicts(paths: Iterable<string>): void {
  const conflict = findPathConflict(paths)
  if (!conflict) return
  const { path, other, kind } = conflict
  const shown = JSON.stringify(other)
  const found = kind === 'same-place' ? `${shown} for the same place` : `${shown}, a file, as its folder`
  throw refusal('duplicate-name', `Expected every path once, found ${found}.`, path)
}
