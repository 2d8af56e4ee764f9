/**
 * Suffix sorting in linear time by induced sorting (Nong, Zhang and Chan 2009), arranged as in Yuta Mori's sais: the
 * array of the answer is the only workspace. Beside it stands one array of counts, for the symbols of each level, which
 * lies in what is free of the answer unless more than a third of all positions begin a substring of their own.
 *
 * Indexes are within bounds by the algorithm, so what is read is never undefined.
 */
type Text = Uint8Array | Int32Array

/** At most, beside the text: four for the answer, and what two in three repeating symbols need for their counts. */
export const SUFFIX_BYTES_PER_BYTE = 6
const BYTE_VALUES = 256

/** The positions of all suffixes of `text` in the order of the suffixes. Yields after each pass over the text. */
export function* sortSuffixes(text: Uint8Array): Generator<undefined, Int32Array> {
  const suffixes = new Int32Array(text.length)
  if (text.length > 1) yield* sortLevel(text, suffixes, { length: text.length, symbols: BYTE_VALUES })
  return suffixes
}

interface Level {
  length: number
  symbols: number
}

/** `suffixes` may be longer than the text: what is beyond is workspace. */
function* sortLevel(text: Text, suffixes: Int32Array, { length, symbols }: Level): Generator<undefined, void> {
  const free = suffixes.length - length
  const ends = symbols <= free ? suffixes.subarray(suffixes.length - symbols) : new Int32Array(symbols)

  const count = placeStarts(text, suffixes, length, ends)
  yield
  let names = count
  if (count > 1) {
    sortSubstrings(text, suffixes, length, ends)
    yield
    names = nameSubstrings(text, suffixes, length, count)
    yield
  }

  if (names < count) {
    // The names, read in the order of the text, are a text of at most half the length.
    const inner = suffixes.subarray(0, length - count + free)
    const named = suffixes.subarray(length - count + free, length + free)
    gatherNames(suffixes, named, length, count)
    yield* sortLevel(named, inner, { length: count, symbols: names })
    writeStarts(text, named, length)
    for (let index = 0; index < count; index += 1) suffixes[index] = named[suffixes[index]!]!
    yield
  }

  // The counts may lie where the names were.
  if (count > 1) spreadStarts(text, suffixes, { length, count, ends })
  induce(text, suffixes, length, ends)
  yield
}

/** Where the suffixes that begin with each symbol start in the answer, or end. */
function findBuckets(text: Text, length: number, borders: Int32Array, which: 'starts' | 'ends'): void {
  borders.fill(0)
  for (let index = 0; index < length; index += 1) borders[text[index]!]! += 1
  let sum = 0
  for (let symbol = 0; symbol < borders.length; symbol += 1) {
    const here = borders[symbol]!
    sum += here
    borders[symbol] = which === 'ends' ? sum : sum - here
  }
}

/** Calls for each place where a suffix is smaller than the next one and than the one before, from the end of the text. */
function eachStart(text: Text, length: number, take: (start: number) => void): void {
  let index = length - 1
  let next = text[index]!
  let isSmaller = false
  for (index -= 1; index >= 0; index -= 1) {
    const symbol = text[index]!
    if (symbol < next) isSmaller = true
    else if (symbol > next && isSmaller) {
      isSmaller = false
      take(index + 1)
    }
    next = symbol
  }
}

/**
 * Puts what is before each start into the bucket of the start's symbol, except for the one found last: nothing before it
 * begins a substring. One that is alone goes there itself, and is sorted.
 */
function placeStarts(text: Text, suffixes: Int32Array, length: number, ends: Int32Array): number {
  findBuckets(text, length, ends, 'ends')
  suffixes.fill(0, 0, length)
  let [count, slot, last] = [0, 0, 0]
  eachStart(text, length, (start) => {
    if (count > 0) suffixes[slot] = last - 1
    const symbol = text[start]!
    slot = ends[symbol]! - 1
    ends[symbol] = slot
    last = start
    count += 1
  })
  if (count === 1) suffixes[slot] = last
  return count
}

/** Leaves the starts, negated, in the order of the substrings that reach from each to the next. */
function sortSubstrings(text: Text, suffixes: Int32Array, length: number, borders: Int32Array): void {
  findBuckets(text, length, borders, 'starts')
  let symbol = text[length - 1]!
  let target = borders[symbol]!
  suffixes[target] = text[length - 2]! < symbol ? ~(length - 2) : length - 2
  target += 1
  for (let index = 0; index < length; index += 1) {
    let position = suffixes[index]!
    if (position > 0) {
      const here = text[position]!
      if (here !== symbol) {
        borders[symbol] = target
        symbol = here
        target = borders[symbol]!
      }
      position -= 1
      suffixes[target] = text[position]! < symbol ? ~position : position
      target += 1
      suffixes[index] = 0
    } else if (position < 0) {
      suffixes[index] = ~position
    }
  }

  findBuckets(text, length, borders, 'ends')
  symbol = 0
  target = borders[symbol]!
  for (let index = length - 1; index >= 0; index -= 1) {
    let position = suffixes[index]!
    if (position <= 0) continue
    const here = text[position]!
    if (here !== symbol) {
      borders[symbol] = target
      symbol = here
      target = borders[symbol]!
    }
    position -= 1
    target -= 1
    suffixes[target] = text[position]! > symbol ? ~(position + 1) : position
    suffixes[index] = 0
  }
}

/**
 * Moves the sorted starts to the front, and behind them, at half of its start, gives each substring a name that rises
 * with it and that equal ones share. Returns how many names there are.
 */
function nameSubstrings(text: Text, suffixes: Int32Array, length: number, count: number): number {
  let kept = 0
  for (let index = 0; kept < count; index += 1) {
    const position = suffixes[index]!
    if (position >= 0) continue
    suffixes[index] = 0
    suffixes[kept] = ~position
    kept += 1
  }
  let end = length
  eachStart(text, length, (start) => {
    suffixes[count + (start >> 1)] = end - start
    end = start + 1
  })

  let name = 0
  let before = length
  let lengthBefore = 0
  for (let index = 0; index < count; index += 1) {
    const start = suffixes[index]!
    const substring = suffixes[count + (start >> 1)]!
    let isEqual = substring === lengthBefore && before + substring < length
    for (let offset = 0; isEqual && offset < substring; offset += 1) {
      isEqual = text[start + offset] === text[before + offset]
    }
    if (!isEqual) {
      name += 1
      before = start
      lengthBefore = substring
    }
    suffixes[count + (start >> 1)] = name
  }
  return name
}

function gatherNames(suffixes: Int32Array, named: Int32Array, length: number, count: number): void {
  let target = count - 1
  for (let index = count + (length >> 1) - 1; index >= count; index -= 1) {
    const name = suffixes[index]!
    if (name === 0) continue
    named[target] = name - 1
    target -= 1
  }
}

function writeStarts(text: Text, starts: Int32Array, length: number): void {
  let target = starts.length - 1
  eachStart(text, length, (start) => {
    starts[target] = start
    target -= 1
  })
}

/** From the front of the array, each to the end of the bucket of its symbol, with nothing in between. */
function spreadStarts(
  text: Text,
  suffixes: Int32Array,
  { length, count, ends }: { length: number; count: number; ends: Int32Array },
): void {
  findBuckets(text, length, ends, 'ends')
  let filledFrom = length
  let target = length
  let symbol = -1
  for (let index = count - 1; index >= 0; index -= 1) {
    const start = suffixes[index]!
    if (text[start] !== symbol) {
      symbol = text[start]!
      target = ends[symbol]!
      suffixes.fill(0, target, filledFrom)
    }
    target -= 1
    suffixes[target] = start
    filledFrom = target
  }
  suffixes.fill(0, 0, filledFrom)
}

/** All suffixes from the sorted starts: first those that are larger than the next one, then the others. */
function induce(text: Text, suffixes: Int32Array, length: number, borders: Int32Array): void {
  findBuckets(text, length, borders, 'starts')
  let symbol = text[length - 1]!
  let target = borders[symbol]!
  suffixes[target] = text[length - 2]! < symbol ? ~(length - 1) : length - 1
  target += 1
  for (let index = 0; index < length; index += 1) {
    let position = suffixes[index]!
    suffixes[index] = ~position
    if (position <= 0) continue
    position -= 1
    const here = text[position]!
    if (here !== symbol) {
      borders[symbol] = target
      symbol = here
      target = borders[symbol]!
    }
    suffixes[target] = position > 0 && text[position - 1]! < symbol ? ~position : position
    target += 1
  }

  findBuckets(text, length, borders, 'ends')
  symbol = 0
  target = borders[symbol]!
  for (let index = length - 1; index >= 0; index -= 1) {
    let position = suffixes[index]!
    if (position <= 0) {
      suffixes[index] = ~position
      continue
    }
    position -= 1
    const here = text[position]!
    if (here !== symbol) {
      borders[symbol] = target
      symbol = here
      target = borders[symbol]!
    }
    target -= 1
    suffixes[target] = position === 0 || text[position - 1]! > symbol ? ~position : position
  }
}
