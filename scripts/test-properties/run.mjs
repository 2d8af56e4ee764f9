// npm run test:properties [-- --seconds N paths…]: the property tests, each property for so long. See docs/fuzzing.md.
import { glob, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runPinnedNode } from '../lib/child.mjs'

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
if (values.help) console.log(USAGE)
else process.exitCode = await run()

async function run() {
  const seconds = Number(values.seconds)
  if (!(seconds > 0 && seconds <= MOST_SECONDS)) {
    console.error(`Expected --seconds above 0 and at most ${MOST_SECONDS}, found "${values.seconds}".\n\n${USAGE}`)
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
  return runPinnedNode([vitest, 'run', '--config', config, ...named, ...files], {
    HOTPATCH_PROPERTY_SECONDS: String(seconds),
  })
}

/** Tests without any are long enough as they are. */
async function filesWithProperties(paths) {
  const found = []
  for await (const path of glob('packages/*/src/**/*.test.ts', { cwd: ROOT })) {
    if (paths.length > 0 && !paths.some((each) => path.includes(each))) continue
    if (/\bfc\.(assert|check)\(/.test(await readFile(new URL(`../../${path}`, import.meta.url), 'utf8')))
      found.push(path)
  }
  return found
}
