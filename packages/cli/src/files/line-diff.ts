/** More pairs of lines are not compared: the old ones are then shown above the new ones. */
const MAX_PAIRS = 4_000_000
const AROUND = 2

/** What is to change in a file, for a person: lines that go with "-", lines that come with "+". */
export function lineDiff(before: string, after: string): string[] {
  const [old, now] = [before, after].map((text) => text.split(/\r?\n/)) as [string[], string[]]
  const marked = mark(old, now)
  const isNear = marked.map((_, index) =>
    marked.slice(Math.max(0, index - AROUND), index + AROUND + 1).some((line) => !line.startsWith(' ')),
  )
  return marked.flatMap((line, index) => {
    if (isNear[index]) return [line]
    return isNear[index + 1] ? ['…'] : []
  })
}

function mark(old: readonly string[], now: readonly string[]): string[] {
  if (old.length * now.length > MAX_PAIRS) return [...old.map((line) => `- ${line}`), ...now.map((line) => `+ ${line}`)]
  // How many lines are the same from here on, in the best of cases.
  const same = Array.from({ length: old.length + 1 }, () => new Uint32Array(now.length + 1))
  const at = (i: number, j: number) => same[i]?.[j] ?? 0
  for (let i = old.length - 1; i >= 0; i -= 1) {
    const row = same[i] as Uint32Array
    for (let j = now.length - 1; j >= 0; j -= 1) {
      row[j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const marked: string[] = []
  let [i, j] = [0, 0]
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      marked.push(`  ${old[i]}`)
      i += 1
      j += 1
    } else if (j >= now.length || (i < old.length && at(i + 1, j) >= at(i, j + 1))) {
      marked.push(`- ${old[i]}`)
      i += 1
    } else {
      marked.push(`+ ${now[j]}`)
      j += 1
    }
  }
  return marked
}
