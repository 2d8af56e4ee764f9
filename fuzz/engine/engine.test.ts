import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { bundleTarget } from './bundle-target.ts'
import { instrument } from './instrument.ts'
import { cover, type KeptInput } from './inputs.ts'
import { createRandom } from './random.ts'
import { watchRun } from './watch-run.ts'

async function found(read: string, inputs: number, more = 'refuses: () => false') {
  const directory = await mkdtemp(join(tmpdir(), 'hotpatch-fuzz-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'parser.ts')
  await writeFile(path, `export const target = { reads: 'a text', maxBytes: 40, read(input) { ${read} }, ${more} }`)
  const program = await bundleTarget(path, directory)
  const { findings, figures, corpus } = await watchRun(
    {
      program: program.url,
      points: program.functionOf.length,
      functionOf: program.functionOf,
      seeds: [Buffer.from('hello')],
      words: [],
      inputs,
      untilMs: Infinity,
      seed: 1,
      slowMs: Infinity,
    },
    40,
    () => undefined,
  )
  return { findings, figures, corpus }
}

const DEEP = `
  const text = Buffer.from(input).toString('latin1')
  if (text[0] === 'D') { if (text[1] === 'E') { if (text[2] === 'E') { if (text[3] === 'P') { null.length } } } }`

test('a mistake behind four checks is found, and its input made as small as it can be', async () => {
  const { findings } = await found(DEEP, 60_000)
  expect(findings.map(({ signature, input }) => [signature, Buffer.from(input).toString('latin1')])).toEqual([
    ['TypeError in Object.read', 'DEEP'],
  ])
})

test('a text that chance would never make is found, as the program compares something with it', async () => {
  const magic = `if (Buffer.from(input).toString('latin1').slice(0, 12) === 'x9Q!'.repeat(3)) throw new RangeError('found')`
  const { findings } = await found(magic, 60_000)
  expect(findings.map(({ signature }) => signature)).toEqual(['RangeError in Object.read'])
})

test('what a target refuses is no finding', async () => {
  const { findings, figures } = await found(DEEP, 5_000, 'refuses: (error) => error instanceof TypeError')
  expect(findings).toEqual([])
  expect(figures.inputs).toBe(5_000)
})

test('what an input leaves on all objects is found', async () => {
  const pollute = `const [key] = Buffer.from(input).toString('latin1').split('='); if (key === 'hellohello') ({}).__proto__.x = 1`
  const { findings } = await found(pollute, 60_000)
  expect(findings.map(({ signature }) => signature)).toEqual(['prototype pollution'])
})

test('an instrumented program does what it did', () => {
  const source = `
    function sign(n) { if (n > 0) return 'plus'; else if (n === 0) return 'zero'; return n < -5 ? 'low' : 'minus' }
    const pick = (a, b = 'default') => a ?? b
    let log = []
    for (const n of [3, 0, -1, -9]) log.push(sign(n))
    switch (log.length) { case 3: log.push('three'); break; case 4: { log.push('four') } default: log.push('more') }
    try { null.x } catch { log.push('caught') }
    if (log.length) if (!log[0]) log.push('no'); else log.push('dangling')
    const { a = 1, ...rest } = { b: 2 }
    let c; c ||= a && rest.b
    log.push(pick(undefined), pick(0), c, (() => ({ made: true }))().made)
    result.push(...log)`
  const run = (text: string): unknown[] => {
    const result: unknown[] = []
    const probes = { counters: new Uint8Array(100), isRecording: false }
    Object.assign(globalThis, { __hotpatchFuzzProbes: probes })
    // oxlint-disable-next-line typescript/no-implied-eval -- a program of this test's own
    new Function('result', text)(result)
    return result
  }
  const { text, functionOf, words } = instrument(source)
  expect(run(text)).toEqual(run(source))
  expect(text.split('\n').length).toBe(source.split('\n').length)
  expect(new Set(functionOf).size).toBe(4)
  expect(words).toContain('dangling')
})

test('few inputs cover what all of them reach', () => {
  const input = (text: string, ...points: number[]): KeptInput => ({
    bytes: Buffer.from(text),
    points: Uint32Array.from(points),
    took: 1,
  })
  const chosen = cover([input('a', 1), input('b', 2), input('ab', 1, 2), input('long long long long long', 1, 2, 3)])
  expect(chosen.map(({ points }) => [...points])).toEqual([
    [1, 2],
    [1, 2, 3],
  ])
})

test('the same seed gives the same numbers, and none beyond the limit', () => {
  const [one, other] = [createRandom(7), createRandom(7)]
  const numbers = Array.from({ length: 1_000 }, () => one.below(10))
  expect(numbers).toEqual(Array.from({ length: 1_000 }, () => other.below(10)))
  expect(new Set(numbers)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
})
