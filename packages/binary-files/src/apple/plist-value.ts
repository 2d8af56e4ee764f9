/** What a property list holds. Dictionaries are maps: a key may have any name. */
export type PlistValue = string | number | boolean | Date | Uint8Array | PlistValue[] | PlistDictionary
export type PlistDictionary = ReadonlyMap<string, PlistValue>

/** Real ones have a few hundred; a value counts as often as it is referred to. */
export const MAX_PLIST_VALUES = 50_000
export const MAX_PLIST_DEPTH = 32

const MAX_TEXT_CHARACTERS = 255

export function textIn(plist: PlistDictionary, key: string): string | undefined {
  const value = plist.get(key)
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_TEXT_CHARACTERS) : undefined
}

export function dictionaryIn(plist: PlistDictionary | undefined, key: string): PlistDictionary | undefined {
  const value = plist?.get(key)
  return value instanceof Map ? (value as PlistDictionary) : undefined
}

export function listIn(plist: PlistDictionary | undefined, key: string): readonly PlistValue[] | undefined {
  const value = plist?.get(key)
  return Array.isArray(value) ? value : undefined
}
