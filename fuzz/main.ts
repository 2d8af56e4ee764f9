import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleTarget } from './engine/bundle-target.ts'
import { CORPUS, FINDINGS, keepCorpus, readInputs, WORK } from './engine/stored-inputs.ts'
import { bytesOfSeed } from './engine/target.ts'
import { watchRun } from './engine/watch-run.ts'
import type { RunFigures } from './engine/run.ts'
import { listTargets, loadTarget, targetPath } from './targets.ts'

const USAGE = `npm run fuzz -- [--target NAME]… [--inputs N | --minutes N] [--seed N] [--keep]

--target   only this one; may come more than once. Without it all of them: ${listTargets().join(', ')}
--inputs   so many of each target (100000)
--minutes  so long for each target, instead
--seed     another row of chance (1)
--keep     write what reaches most into fuzz/corpus, for the tests`

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true },
    inputs: { type: 'string' },
    minutes: { type: 'string' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const SLOW_MS = 250

async function fuzz(name: string): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'hotpatch-fuzz-'))
  try {
    const { target, seeds } = await loadTarget(name)
    const program = await bundleTarget(targetPath(name), directory)
    const first = [
      ...(await seeds()).map(bytesOfSeed),
      ...(await readInputs(CORPUS, name)),
      ...(await readInputs(WORK, name)),
    ]
    const order = {
      program: program.url,
      points: program.functionOf.length,
      functionOf: program.functionOf,
      seeds: first,
      words: [...(target.words ?? []), ...program.words].map((word) => new Uint8Array(Buffer.from(word))),
      inputs: values.minutes === undefined ? Number(values.inputs ?? 100_000) : Number.MAX_SAFE_INTEGER,
      untilMs: values.minutes === undefined ? Infinity : Number(values.minutes) * 60_000,
      seed: Number(values.seed),
      slowMs: SLOW_MS,
    }
    const { figures, findings, corpus } = await watchRun(order, target.maxBytes, (now) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${describe(name, now)}`)
    })
    console.log(
      `${process.stderr.isTTY ? '\r' : ''}${describe(name, figures)}${findings.length === 0 ? '' : `, ${findings.length} FINDINGS`}`,
    )
    for (const [index, finding] of findings.entries()) {
      const path = join(FINDINGS, name, `${finding.signature.replaceAll(/[^\w]+/g, '-').slice(0, 60)}-${index}`)
      await mkdir(join(FINDINGS, name), { recursive: true })
      await writeFile(path, finding.input)
      await writeFile(`${path}.txt`, `${finding.signature}, ${finding.times} times\n\n${finding.detail}\n`)
      console.log(`  ${finding.signature} (${finding.times} times, ${finding.input.length} bytes): ${path}`)
    }
    await keepCorpus(WORK, name, corpus, Infinity)
    if (values.keep) await keepCorpus(CORPUS, name, corpus)
    return findings.length === 0
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function describe(name: string, { inputs, seconds, kept, reached, inEntered }: RunFigures): string {
  const share = Math.round((100 * reached) / Math.max(1, inEntered))
  return `${name}: ${inputs} inputs, ${Math.round(inputs / Math.max(seconds, 0.001))}/s, ${reached} of ${inEntered} points (${share} %), ${kept} kept`
}

if (values.help) console.log(USAGE)
else {
  let isClean = true
  for (const name of values.target ?? listTargets()) isClean = (await fuzz(name)) && isClean
  process.exitCode = isClean ? 0 : 1
}
