// npm test: runs everything that this machine can run, and says what it cannot. Arguments go to Vitest.
// In CI (CI=true or HOTPATCH_CI=1) something absent is a failure, so that nothing is skipped unnoticed.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureInstalled } from './ensure-installed.mjs'
import { exitWith, root, runPinnedNode } from './lib/child.mjs'
import { prerequisites } from './lib/prerequisites.mjs'
import { resultsFile } from './lib/results.mjs'

const nothingMayBeAbsent = process.env.HOTPATCH_CI === '1' || ['1', 'true'].includes(process.env.CI ?? '')

await exitWith(async () => {
  rmSync(resultsFile, { force: true })
  await ensureInstalled()

  const ready = ['EXAMPLE', 'CAPACITOR', 'ELECTRON', 'EXPO', 'EXPO_CLIENT', 'ANDROID_ENGINE'].map(
    (name) => `HOTPATCH_${name}_READY`,
  )
  const env = Object.fromEntries(ready.map((name) => [name, '0']))
  // Journeys start servers and tools by the hundred, from sources: what each has to compile first takes most of a start.
  env.NODE_COMPILE_CACHE = process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'compiled')
  const stops = []
  // A signal before or after Vitest must still stop what was started.
  const stay = () => {}
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stay)
  try {
    const missing = []
    // At once: what examples need comes over the network.
    const prepared = await Promise.allSettled(prerequisites.map(async ({ prepare }) => prepare()))
    for (const { value } of prepared) if (value?.stop) stops.push(value.stop)
    for (const [index, { tests }] of prerequisites.entries()) {
      const { reason, value: found } = prepared[index]
      if (!found) throw reason
      if (found.absent) {
        console.log(`skipped: ${tests}. ${found.absent}; to run them, ${found.remedy}.`)
        if (!found.onPurpose) missing.push(found.absent)
      }
      Object.assign(env, found.env)
    }
    if (nothingMayBeAbsent && missing.length > 0) {
      throw new Error(`Nothing may be skipped in CI, but: ${missing.join('; ')}.`)
    }

    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultsFile}`]
    return await runPinnedNode([vitest, 'run', ...reporters, ...process.argv.slice(2)], env)
  } finally {
    for (const stop of stops) await stop()
  }
})
