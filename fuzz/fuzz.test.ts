import { isPromise } from 'node:util/types'
import { expect, test } from 'vitest'
import { judge } from './engine/judge.ts'
import { mutate } from './engine/mutate.ts'
import { createRandom } from './engine/random.ts'
import { CORPUS, readInputs } from './engine/stored-inputs.ts'
import { bytesOfSeed } from './engine/target.ts'
import { listTargets, loadTarget } from './targets.ts'

/** Fresh ones, the same each time: `npm run fuzz` tries millions, and looks where they lead. */
const FRESH_INPUTS = 200

test.each(listTargets())('%s answers or refuses whatever it is given', async (name) => {
  const { target, seeds } = await loadTarget(name)
  const first = (await seeds()).map(bytesOfSeed)
  const kept = await readInputs(CORPUS, name)
  const inputs = [...first, ...kept]
  const random = createRandom(2027)
  const material = {
    inputs,
    words: (target.words ?? []).map((word) => Buffer.from(word)),
    comparisons: [],
    maxBytes: target.maxBytes,
  }
  const fresh = Array.from({ length: FRESH_INPUTS }, () => mutate(random.oneOf(inputs), random, material))
  for (const input of [...inputs, ...fresh]) {
    const judged = judge(target, input)
    const fault = isPromise(judged) ? await judged : judged
    expect(fault && { ...fault, input: Buffer.from(input).toString('base64') }).toBeUndefined()
  }
})
