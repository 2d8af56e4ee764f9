const MAX_PART_LENGTH = 1024 * 1024

/** Cuts a list into parts that fit into memory: an entry may be as long as a request. */
export function partsOf<Item extends { length: number }>(items: readonly Item[]): Item[][] {
  const parts: Item[][] = []
  let length = 0
  for (const item of items) {
    length += item.length
    const part = parts.at(-1)
    if (part && length <= MAX_PART_LENGTH) part.push(item)
    else {
      parts.push([item])
      length = item.length
    }
  }
  return parts
}
