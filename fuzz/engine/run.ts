import { installProbes } from './probes.ts'
import { createCoverage } from './coverage.ts'
import { createInputs, cover, type KeptInput } from './inputs.ts'
import { judge, type Fault } from './judge.ts'
import { mutate, type Material } from './mutate.ts'
import { createRandom } from './random.ts'
import type { Target, TargetModule } from './target.ts'

/** What a run is to do. */
export interface RunOrder {
  program: string
  points: number
  functionOf: readonly number[]
  seeds: readonly Uint8Array[]
  words: readonly Uint8Array[]
  inputs: number
  untilMs: number
  seed: number
  /** How long one input may take. What took longer is tried again, and counts where it takes as much of the processor. */
  slowMs: number
}

export interface RunFigures {
  inputs: number
  seconds: number
  kept: number
  reached: number
  /** Points of the functions that were entered at all: what could have been reached in them. */
  inEntered: number
}

export interface Finding extends Fault {
  input: Uint8Array
  times: number
}

export interface RunListener {
  /** Before each input: whoever watches can say which one did not return. */
  began(input: Uint8Array): void
  told(figures: RunFigures): void
}

export interface RunResult {
  figures: RunFigures
  findings: Finding[]
  /** Few inputs that reach all of it together. */
  corpus: Uint8Array[]
}

const MUTATIONS_OF_EACH = 48
const TELL_EVERY_MS = 2_000
const MAX_MINIMISING = 4_000
const SLOW_TIMES = 3

/** Mutates what has led somewhere new, again and again. */
export async function runFuzzer(order: RunOrder, listener: RunListener): Promise<RunResult> {
  const probes = installProbes(order.points)
  const { target } = (await import(order.program)) as TargetModule
  const random = createRandom(order.seed)
  const coverage = createCoverage(probes.counters.length)
  const inputs = createInputs(random)
  const findings = new Map<string, Finding>()
  const material = {
    inputs: [] as Uint8Array[],
    words: [...order.words],
    comparisons: probes.comparisons,
    maxBytes: target.maxBytes,
  }
  const startedAt = performance.now()
  let tried = 0
  let toldAt = startedAt

  /** At once where the target is. */
  function tryInput(input: Uint8Array): Promise<void> | undefined {
    tried++
    listener.began(input)
    probes.counters.fill(0)
    const before = performance.now()
    const judged = judge(target, input)
    return judged instanceof Promise
      ? judged.then((fault) => weigh(input, performance.now() - before, fault))
      : weigh(input, performance.now() - before, judged)
  }

  function weigh(input: Uint8Array, took: number, fault: Fault | undefined): Promise<void> | undefined {
    const { isNew, points } = coverage.take(probes.counters)
    if (isNew) inputs.add({ bytes: input, points: points.slice(), took })
    if (fault) return note(fault, input)
    return took > order.slowMs && !findings.has('slow') ? noteIfSlow(input, took) : undefined
  }

  async function noteIfSlow(input: Uint8Array, took: number): Promise<void> {
    if (await isSlow(input)) await note({ signature: 'slow', detail: `took ${took} ms` }, input)
  }

  async function isSlow(input: Uint8Array): Promise<boolean> {
    for (let time = 0; time < SLOW_TIMES; time++) {
      const before = process.threadCpuUsage()
      await judge(target, input)
      const { user, system } = process.threadCpuUsage(before)
      if (user + system <= order.slowMs * 1000) return false
    }
    return true
  }

  async function note(fault: Fault, input: Uint8Array): Promise<void> {
    const known = findings.get(fault.signature)
    if (known) {
      known.times++
      return
    }
    const smallest = fault.signature === 'slow' ? input : await minimise(target, fault.signature, input)
    findings.set(fault.signature, { ...fault, input: smallest, times: 1 })
  }

  /** What the program compares on the way of an input, so that a mutation can meet it. */
  async function record(input: Uint8Array): Promise<void> {
    probes.comparisons.length = 0
    probes.isRecording = true
    await judge(target, input)
    probes.isRecording = false
  }

  function figures(): RunFigures {
    const entered = new Set<number>()
    order.functionOf.forEach((owner, point) => {
      if (coverage.isReached(point)) entered.add(owner)
    })
    return {
      inputs: tried,
      seconds: (performance.now() - startedAt) / 1000,
      kept: inputs.kept.length,
      reached: coverage.reached(),
      inEntered: order.functionOf.filter((owner) => entered.has(owner)).length,
    }
  }

  const isOver = () => tried >= order.inputs || performance.now() - startedAt >= order.untilMs

  await tryInput(new Uint8Array(0))
  for (const seed of order.seeds) {
    const input = seed.slice(0, target.maxBytes)
    const before = inputs.kept.length
    await tryInput(input)
    // Somebody has chosen it: it may lead on even where it leads nowhere new by itself.
    if (inputs.kept.length === before) inputs.add({ bytes: input, points: new Uint32Array(0), took: 1 })
  }
  while (!isOver()) {
    const parent = inputs.choose()?.bytes ?? new Uint8Array(0)
    if (material.inputs.length !== inputs.kept.length) material.inputs = inputs.bytes()
    await record(parent)
    for (let time = 0; time < MUTATIONS_OF_EACH && !isOver(); time++) {
      const trying = tryInput(mutate(parent, random, material satisfies Material))
      if (trying) await trying
    }
    if (performance.now() - toldAt > TELL_EVERY_MS) {
      toldAt = performance.now()
      listener.told(figures())
      // Lets what the target has opened close, and what it has left fail.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const corpus = cover(inputs.kept satisfies KeptInput[]).map(({ bytes }) => bytes)
  return { figures: figures(), findings: [...findings.values()], corpus }
}

/** The smallest that still leads to the same, by leaving out one stretch after the other. */
async function minimise(target: Target, signature: string, input: Uint8Array): Promise<Uint8Array> {
  let smallest = input
  let left = MAX_MINIMISING
  for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < smallest.length && left > 0; left--) {
      const shorter = new Uint8Array(Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]))
      if ((await judge(target, shorter))?.signature === signature) smallest = shorter
      else at += size
    }
  }
  return smallest
}
