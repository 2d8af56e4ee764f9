import { readingOf, refusal } from '../refusal.ts'
import { readBinaryPlist } from './binary-plist.ts'
import type { PlistDictionary } from './plist-value.ts'
import { readXmlPlist } from './xml-plist.ts'

/**
 * In both forms.
 * @param what such as "Info.plist"
 */
export function readPlist(bytes: Buffer, what: string): PlistDictionary {
  const isBinary = bytes.toString('latin1', 0, 6) === 'bplist'
  const value = isBinary ? readingOf(what, () => readBinaryPlist(bytes)) : readXmlPlist(bytes, what)
  if (value instanceof Map) return value as PlistDictionary
  throw refusal(`${what}: expected a property list that is a dictionary, found none.`)
}
