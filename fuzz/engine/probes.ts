/** Two values that the program compared, and that were not the same. */
export type Comparison = readonly [string | number, string | number]

/** What an instrumented program counts into: it takes it from the global object when it is loaded. */
export interface Probes {
  /** How often each point was passed, modulo 256. */
  counters: Uint8Array
  isRecording: boolean
  comparisons: Comparison[]
}

const MAX_COMPARISONS = 400
const MAX_COMPARED_LENGTH = 64

export const PROBES = '__hotpatchFuzzProbes'
export const COUNTERS = '__fuzzCounters'
export const IS_SAME = '__fuzzIsSame'

/** Before the program is loaded. */
export function installProbes(points: number): Probes {
  // A whole number of words, which are looked at four bytes at a time.
  const probes: Probes = { counters: new Uint8Array((points + 4) & ~3), isRecording: false, comparisons: [] }
  const record = (left: unknown, right: unknown) => {
    const isKnown =
      (typeof left === 'string' && typeof right === 'string') || (typeof left === 'number' && typeof right === 'number')
    if (!isKnown || probes.comparisons.length >= MAX_COMPARISONS) return
    if (String(left).length > MAX_COMPARED_LENGTH || String(right).length > MAX_COMPARED_LENGTH) return
    probes.comparisons.push([left, right])
  }
  Object.assign(globalThis, { [PROBES]: Object.assign(probes, { record }) })
  return probes
}

/** In front of the program, in one line, as its lines stay what they are. */
export const PROBE_HEADER =
  `const __fuzz = globalThis.${PROBES}, ${COUNTERS} = __fuzz.counters; ` +
  `function ${IS_SAME}(a, b) { if (__fuzz.isRecording && a !== b) __fuzz.record(a, b); return a === b } `
