import { DEFAULT_GUARD, type GuardSettings } from '@hotpatch/api'
import { judgeHealth } from '../judge-health.ts'

interface Simulation {
  /** In percent. */
  limit: number
  /** The true share of devices that turn bad. */
  rate: number
  previous?: { sample: number; rate: number }
  settings?: Partial<GuardSettings>
  /** Bad devices say so up to so many hours after all have attempted it; 0: at once. */
  lateHours?: number
  runs: number
  /** How many attempt it. */
  devices: number
  seed: number
}

/** For each run, after how many devices the guard stopped; Infinity: never. */
export function stopsOf(simulation: Simulation): number[] {
  const random = createRandom(simulation.seed)
  return Array.from({ length: simulation.runs }, () => follow(simulation, random))
}

/** The guard sees every single device, as one that looks all the time would: nothing in between escapes it. */
function follow({ limit, rate, devices, lateHours = 0, ...simulation }: Simulation, random: () => number): number {
  const settings = { ...DEFAULT_GUARD, ...simulation.settings, maxBadPercent: limit }
  const { sample, rate: previousRate } = simulation.previous ?? { sample: 0, rate: 0 }
  const previous = sample > 0 ? { sample, bad: countBad(sample, previousRate, random) } : null
  const waiting: number[] = []
  let state = { looks: 0, lastAttempted: 0 }
  let bad = 0
  const look = (sample: number, isOverdue: boolean) => {
    const verdict = judgeHealth({ settings, sample, bad, previous, ...state, attempted: sample, isOverdue })
    state = verdict
    return verdict.verdict === 'trip'
  }

  let nextBad = gap(rate, random)
  for (let sample = settings.minimumSample; sample <= devices; sample = nextLook(sample)) {
    for (; nextBad <= sample; nextBad += gap(rate, random)) {
      if (lateHours === 0) bad += 1
      else waiting.push(Math.floor(random() * lateHours))
    }
    if (look(sample, false)) return sample
  }
  for (let hour = 0; hour < lateHours; hour += 1) {
    const before = bad
    bad += waiting.filter((at) => at === hour).length
    if (bad !== before && look(devices, true)) return devices
  }
  return Infinity
}

/** The first sample at which another look is due. */
function nextLook(sample: number): number {
  return Math.ceil(sample * 1.1 - 1e-9)
}

/** How many devices until the next bad one. */
function gap(rate: number, random: () => number): number {
  return rate >= 1 ? 1 : 1 + Math.floor(Math.log(1 - random()) / Math.log(1 - rate))
}

function countBad(sample: number, rate: number, random: () => number): number {
  let bad = 0
  for (let at = gap(rate, random); at <= sample; at += gap(rate, random)) bad += 1
  return bad
}

/** Mulberry32: the same numbers for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
