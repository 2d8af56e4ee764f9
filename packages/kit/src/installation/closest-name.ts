/** Of the names that are known the one that somebody probably meant; undefined when none is close. */
export function closestName(found: string, known: readonly string[]): string | undefined {
  const word = found.slice(0, 64).toLowerCase()
  const close = known
    .map((name) => ({ name, distance: editsBetween(word, name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.max(1, Math.floor(name.length / 3)))
    .toSorted((a, b) => a.distance - b.distance)
  return close[0]?.name
}

/** Levenshtein's: letters that are to be added, taken away or exchanged. */
function editsBetween(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [row, letter] of Array.from(a).entries()) {
    const line = [row + 1]
    for (const [column, other] of Array.from(b).entries()) {
      const exchanged = (above[column] ?? 0) + (letter === other ? 0 : 1)
      line.push(Math.min(exchanged, (above[column + 1] ?? 0) + 1, (line[column] ?? 0) + 1))
    }
    above = line
  }
  return above.at(-1) ?? 0
}
