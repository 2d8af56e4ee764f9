/** Kits §1.1: what this version does not know of a release is still part of it when it is stated again. */

export function withUnknown(
  written: Record<string, unknown>,
  before: unknown,
  known: ReadonlySet<string>,
): Record<string, unknown> {
  const unknown = Object.entries(objectOf(before)).filter(([name]) => !known.has(name))
  return { ...written, ...Object.fromEntries(unknown) }
}

/** Undefined where there is none of its own: an id may be "constructor". */
export function memberOf(before: unknown, name: string): unknown {
  const json = objectOf(before)
  return Object.hasOwn(json, name) ? json[name] : undefined
}

export function itemOf(before: unknown, index: number): unknown {
  return Array.isArray(before) ? before[index] : undefined
}

function objectOf(value: unknown): Record<string, unknown> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Record<string, unknown>) : {}
}
