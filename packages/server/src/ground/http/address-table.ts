/** What an address means: whatever is there for each method, and the words of the address that stand for something. */
export interface FoundAddress<Route> {
  byMethod: Partial<Record<string, Route>>
  params: Readonly<Record<string, string>>
}

const NO_PARAMS = {}

/**
 * Routes by their addresses, in which `:name` stands for one word: such as `/v1/apps/:app/channels`. An address without
 * such a word is found first, and at once.
 */
export function createAddressTable<Route extends { method: string; path: string }>() {
  const plain = new Map<string, FoundAddress<Route>>()
  const patterns = new Map<number, { segments: readonly string[]; byMethod: FoundAddress<Route>['byMethod'] }[]>()

  /** @throws when two want the same address */
  function add(route: Route): void {
    const byMethod = methodsAt(route.path)
    if (byMethod[route.method]) throw new Error(`Two routes want ${route.method} ${route.path}.`)
    byMethod[route.method] = route
  }

  function methodsAt(path: string): FoundAddress<Route>['byMethod'] {
    const segments = path.split('/')
    if (!segments.some(isName)) {
      const found = plain.get(path) ?? { byMethod: {}, params: NO_PARAMS }
      plain.set(path, found)
      return found.byMethod
    }
    const alike = patterns.get(segments.length) ?? []
    patterns.set(segments.length, alike)
    const same = alike.find((other) => other.segments.every((word, at) => isAlike(word, segments[at] ?? '')))
    if (same) return same.byMethod
    const pattern = { segments, byMethod: {} }
    alike.push(pattern)
    return pattern.byMethod
  }

  /** Undefined as well when a word is not encoded as addresses are. */
  function find(path: string): FoundAddress<Route> | undefined {
    const found = plain.get(path)
    if (found || patterns.size === 0) return found
    const words = path.split('/')
    for (const { segments, byMethod } of patterns.get(words.length) ?? []) {
      if (!segments.every((segment, at) => (isName(segment) ? words[at] !== '' : segment === words[at]))) continue
      const params = readParams(segments, words)
      return params && { byMethod, params }
    }
    return undefined
  }

  return { add, find }
}

function isName(segment: string): boolean {
  return segment.startsWith(':')
}

function isAlike(a: string, b: string): boolean {
  return a === b || (isName(a) && isName(b))
}

function readParams(segments: readonly string[], words: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {}
  for (const [at, segment] of segments.entries()) {
    if (!isName(segment)) continue
    const word = decodeWord(words[at] ?? '')
    if (word === undefined) return undefined
    params[segment.slice(1)] = word
  }
  return params
}

/** Undefined when it is not encoded as addresses are. */
export function decodeWord(word: string): string | undefined {
  try {
    return word.includes('%') ? decodeURIComponent(word) : word
  } catch {
    return undefined
  }
}
