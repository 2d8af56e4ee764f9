/** Readers for the search part of an address, which anybody can write: what does not fit is as if it were not there. */
type Search = Record<string, unknown>

export function readText(search: Search, name: string): string | undefined {
  const value = search[name]
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && value !== '' ? value.slice(0, 500) : undefined
}

export function readOneOf<Value extends string>(
  search: Search,
  name: string,
  values: readonly Value[],
): Value | undefined {
  return values.find((value) => value === search[name])
}
