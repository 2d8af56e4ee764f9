import {
  DEVICE_ATTRIBUTE_NAMES,
  isCustomAttribute,
  MAX_CUSTOM_ATTRIBUTES,
  type CustomAttribute,
  type DeviceAttribute,
  type DeviceAttributes,
} from '@hotpatch/protocol'

/** Of a device that told none. */
export const NO_ATTRIBUTES = '{}'

/**
 * As they are stored: in the order of the registry, so that the same attributes are the same text.
 * @param bound cuts a text to what a column takes
 */
export function writeAttributes(told: DeviceAttributes, bound: (text: string) => string | null): string {
  let written: ToldAttributes | undefined
  for (const name of [...DEVICE_ATTRIBUTE_NAMES, ...customNamesOf(told)]) {
    const value = told[name]
    const kept = value === undefined ? null : bound(value)
    if (kept !== null) (written ??= {})[name] = kept
  }
  return written ? JSON.stringify(written) : NO_ATTRIBUTES
}

function customNamesOf(told: DeviceAttributes): CustomAttribute[] {
  return Object.keys(told).filter(isCustomAttribute).sort().slice(0, MAX_CUSTOM_ATTRIBUTES)
}

/**
 * What a device left out this time stays as it was; told empty, it is that there is none now. Those of its app's own are
 * told together, so that what is no longer among them is gone.
 */
export function mergeAttributes(told: string, before: string): string {
  if (told === before || before === NO_ATTRIBUTES) return told
  if (told === NO_ATTRIBUTES) return before
  const [known, now] = [parse(before), parse(told)]
  if (customNamesOf(now).length > 0) for (const name of customNamesOf(known)) delete known[name]
  return writeAttributes({ ...known, ...now }, (text) => text)
}

/** Only those that were told. */
type ToldAttributes = { [Name in DeviceAttribute]?: string } & { [name: CustomAttribute]: string }

export function readStoredAttributes(stored: string): ToldAttributes {
  const told = parse(stored)
  for (const name of DEVICE_ATTRIBUTE_NAMES) if (told[name] === '') delete told[name]
  return told
}

function parse(stored: string): ToldAttributes {
  return stored === NO_ATTRIBUTES ? {} : (JSON.parse(stored) as ToldAttributes)
}
