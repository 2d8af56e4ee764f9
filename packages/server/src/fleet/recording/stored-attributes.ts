import { DEVICE_ATTRIBUTE_NAMES, type DeviceAttribute, type DeviceAttributes } from '@hotpatch/protocol'

/** Of a device that told none. */
export const NO_ATTRIBUTES = '{}'

/**
 * As they are stored: in the order of the registry, so that the same attributes are the same text.
 * @param bound cuts a text to what a column takes
 */
export function writeAttributes(told: DeviceAttributes, bound: (text: string) => string | null): string {
  let written: Record<string, string> | undefined
  for (const name of DEVICE_ATTRIBUTE_NAMES) {
    const value = told[name]
    const kept = value === undefined ? null : bound(value)
    if (kept !== null) (written ??= {})[name] = kept
  }
  return written ? JSON.stringify(written) : NO_ATTRIBUTES
}

/** What a device left out this time stays as it was; told empty, it is that there is none now. */
export function mergeAttributes(told: string, before: string): string {
  if (told === before || before === NO_ATTRIBUTES) return told
  if (told === NO_ATTRIBUTES) return before
  const merged = { ...parse(before), ...parse(told) }
  return writeAttributes(merged, (text) => text)
}

/** Only those that were told. */
type ToldAttributes = { [Name in DeviceAttribute]?: string }

export function readStoredAttributes(stored: string): ToldAttributes {
  const told = parse(stored)
  for (const name of DEVICE_ATTRIBUTE_NAMES) if (told[name] === '') delete told[name]
  return told
}

function parse(stored: string): ToldAttributes {
  return stored === NO_ATTRIBUTES ? {} : (JSON.parse(stored) as ToldAttributes)
}
