import { damaged } from '../ground/patch-error.ts'
import { OFFSET_BYTES, readOffset } from './offsets.ts'

export type BsdiffFormat = 'bsdiff40' | 'bsdiff43'

export const MAGICS: Readonly<Record<BsdiffFormat, string>> = { bsdiff40: 'BSDIFF40', bsdiff43: 'ENDSLEY/BSDIFF43' }
/** Three numbers each. */
export const STEP_BYTES = 3 * OFFSET_BYTES

export function writeMagic(bytes: Uint8Array, format: BsdiffFormat): number {
  const magic = MAGICS[format]
  for (let index = 0; index < magic.length; index += 1) bytes[index] = magic.charCodeAt(index)
  return magic.length
}

/** Patches §1: by how it begins. */
export function bsdiffFormatOf(patch: Uint8Array): BsdiffFormat {
  if (beginsWith(patch, MAGICS.bsdiff40)) return 'bsdiff40'
  if (beginsWith(patch, MAGICS.bsdiff43)) return 'bsdiff43'
  throw damaged('Expected a patch that begins with BSDIFF40 or ENDSLEY/BSDIFF43, found something else.')
}

function beginsWith(bytes: Uint8Array, text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (bytes[index] !== text.charCodeAt(index)) return false
  return true
}

/** A number of the header, which is never below zero. */
export function readLength(patch: Uint8Array, at: number, what: string): number {
  if (at + OFFSET_BYTES > patch.length) throw damaged(`Expected the ${what} of a patch, found its end.`)
  const value = readOffset(patch, at)
  if (value < 0) throw damaged(`Expected the ${what} of a patch, found ${value}.`)
  return value
}
