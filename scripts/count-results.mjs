// Prints one line, `N passed, N failed`, from the result file of the last npm test; fails when a test failed or none ran.
import { existsSync } from 'node:fs'
import { exitWith } from './lib/child.mjs'
import { countResults, resultsFile } from './lib/results.mjs'

await exitWith(() => {
  const { passed, failed, skipped } = existsSync(resultsFile) ? countResults() : { passed: 0, failed: 0, skipped: 0 }
  console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`)
  return failed === 0 && passed > 0 ? 0 : 1
})
