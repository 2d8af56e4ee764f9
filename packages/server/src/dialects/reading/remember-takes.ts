import type { ClientTakes, DeviceAttribute, DeviceAttributes } from '@hotpatch/protocol'

/** What devices say: there is little of it, unless somebody invents it. */
const MAX_KNOWN = 1_000

/** The same object for the same words: what follows from it is worked out once. @param words those that count */
export function rememberTakes<Takes extends ClientTakes>(
  words: readonly DeviceAttribute[],
  make: (told: DeviceAttributes) => Takes,
): (told: DeviceAttributes) => Takes {
  const known = new Map<string, Takes>()
  return function takesOf(told) {
    // With its length, no two have one name.
    const name = words.map((word) => `${told[word]?.length} ${told[word]}`).join(' ')
    const found = known.get(name)
    if (found) return found
    if (known.size >= MAX_KNOWN) known.clear()
    const takes = make(told)
    known.set(name, takes)
    return takes
  }
}
