// npm run test:properties [-- --seconds N paths…]: the property tests, each property for so long. See docs/fuzzing.md.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { glob, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MOST_SECONDS = 86_400
const USAGE = `npm run test:properties -- [--seconds N] [--test NAME] [PATH…]

--seconds  for each property (60; at most ${MOST_SECONDS})
--test     only tests with this in their name
PATH       only test files with this in their path`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' }, test: { type: 'string' }, help: { type: 'boolean' } },
})
process.exitCode = values.help ? tellUsage() : await run()

function tellUsage(): number {
  console.log(USAGE)
  return 0
}

async function run(): Promise<number> {
  const seconds = Number(values.seconds)
  if (!(seconds > 0 && seconds <= MOST_SECONDS)) {
    console.error(`Expected --seconds from 1 to ${MOST_SECONDS}, found "${values.seconds}".\n\n${USAGE}`)
    return 2
  }
  const files = await filesWithProperties(positionals)
  if (files.length === 0) {
    console.error(`Expected the path of a test file that has properties, found none in "${positionals.join(' ')}".`)
    return 2
  }
  const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))
  const config = fileURLToPath(new URL('vitest.config.ts', import.meta.url))
  const named = values.test === undefined ? [] : ['--testNamePattern', values.test]
  const child = spawn(process.execPath, [vitest, 'run', '--config', config, ...named, ...files], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, HOTPATCH_PROPERTY_SECONDS: String(seconds) },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  const [code] = await once(child, 'exit')
  return typeof code === 'number' ? code : 1
}

/** Tests without any are long enough as they are. */
async function filesWithProperties(paths: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for await (const path of glob('packages/*/src/**/*.test.ts', { cwd: ROOT })) {
    if (paths.length > 0 && !paths.some((each) => path.includes(each))) continue
    if (/\bfc\.(assert|check)\(/.test(await readFile(new URL(`../../${path}`, import.meta.url), 'utf8')))
      found.push(path)
  }
  return found.toSorted()
}
