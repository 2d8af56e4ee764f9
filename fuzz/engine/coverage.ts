/** Which points were passed, and about how often: the classes of counts that AFL has found to be worth keeping apart. */
export interface Coverage {
  /** Looks at what one run has counted, and forgets it there. */
  take(counters: Uint8Array): Taken
  /** Points that were passed at all. */
  reached(): number
  isReached(point: number): boolean
}

export interface Taken {
  isNew: boolean
  points: Uint32Array
}

const CLASS_OF = Uint8Array.from({ length: 256 }, (_, count) => {
  if (count === 0) return 0
  if (count <= 3) return 1 << (count - 1)
  if (count <= 7) return 8
  if (count <= 15) return 16
  if (count <= 31) return 32
  return count <= 127 ? 64 : 128
})

export function createCoverage(size: number): Coverage {
  const seen = new Uint8Array(size)
  const passed = new Uint32Array(size)
  let reached = 0

  function take(counters: Uint8Array): Taken {
    const words = new Uint32Array(counters.buffer, counters.byteOffset, counters.length >> 2)
    let isNew = false
    let found = 0
    for (let word = 0; word < words.length; word++) {
      if (words[word] === 0) continue
      words[word] = takeWord(word)
    }
    return { isNew, points: passed.subarray(0, found) }

    function takeWord(word: number): 0 {
      for (let point = word * 4; point < word * 4 + 4; point++) {
        const counted = CLASS_OF[counters[point] ?? 0] ?? 0
        if (counted === 0) continue
        passed[found++] = point
        const before = seen[point] ?? 0
        if ((before & counted) !== 0) continue
        isNew = true
        if (before === 0) reached++
        seen[point] = before | counted
      }
      return 0
    }
  }

  return { take, reached: () => reached, isReached: (point) => (seen[point] ?? 0) !== 0 }
}
