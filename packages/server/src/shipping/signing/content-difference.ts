/** Where two contents differ, and what stands there: short enough for an error, however long they are. */
interface ContentDifference {
  /** A JSON pointer; empty where it is the whole. */
  pointer: string
  expected: string
  found: string
}

/** What differs may be as long as a content itself, and so may the names on the way there. */
const MAX_SHOWN_CHARACTERS = 100
const MAX_SHOWN_NAMES = 10
/** Of a manifest (Kits §1.3), and more than any other content has. */
const MAX_DEPTH = 32

/**
 * The first difference of two contents as JSON; undefined: there is none. The order of fields is one, too: the same
 * content is the same text.
 */
export function findContentDifference(expected: unknown, found: unknown): ContentDifference | undefined {
  return compare(expected, found, [])
}

function compare(expected: unknown, found: unknown, path: readonly string[]): ContentDifference | undefined {
  if (Object.is(expected, found)) return undefined
  const isBranch = isComparable(expected) && isComparable(found) && Array.isArray(expected) === Array.isArray(found)
  if (!isBranch || path.length >= MAX_DEPTH) return differenceAt(path, shown(expected), shown(found))
  const names = [...new Set([...Object.keys(expected), ...Object.keys(found)])]
  for (const name of names) {
    const difference = compare(memberOf(expected, name), memberOf(found, name), [...path, name])
    if (difference) return difference
  }
  const [before, after] = [Object.keys(expected), Object.keys(found)]
  const isSameOrder = before.every((name, index) => name === after[index])
  return isSameOrder ? undefined : differenceAt(path, orderOf(before), orderOf(after))
}

function isComparable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** A name may be `constructor`. */
function memberOf(value: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined
}

function differenceAt(path: readonly string[], expected: string, found: string): ContentDifference {
  const pointer = path.map((name) => `/${cut(name).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  return { pointer, expected, found }
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : cut(JSON.stringify(value))
}

function orderOf(names: readonly string[]): string {
  const more = names.length > MAX_SHOWN_NAMES ? ', …' : ''
  return `the fields in the order ${names.slice(0, MAX_SHOWN_NAMES).map(cut).join(', ')}${more}`
}

function cut(text: string): string {
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS).toWellFormed()}…` : text
}
