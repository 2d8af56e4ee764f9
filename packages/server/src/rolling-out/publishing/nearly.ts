const MAX_LENGTH = 64

/** Whether somebody who wrote `found` may have meant `name`: two slips in a longer word, one in a shorter one. */
export function isNearly(name: string, found: string): boolean {
  const longer = Math.max(name.length, found.length)
  if (longer > MAX_LENGTH) return false
  return distance(name.toLowerCase(), found.toLowerCase()) <= (longer > 4 ? 2 : 1)
}

/** Letters that are to be put in, taken out or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let index = 0; index < a.length; index += 1) {
    const next = [index + 1]
    for (let at = 0; at < b.length; at += 1) {
      const changed = (row[at] ?? 0) + (a[index] === b[at] ? 0 : 1)
      next.push(Math.min(changed, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
