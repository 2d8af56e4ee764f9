import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './child.mjs'

export const resultsFile = join(root, 'test-results', 'results.json')

/** Counts from Vitest's own result file. A test file that could not even be loaded has no tests, and counts as one failure. */
export function countResults() {
  const { testResults } = JSON.parse(readFileSync(resultsFile, 'utf8'))
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { status, assertionResults } of testResults) {
    const failedBefore = counts.failed
    for (const test of assertionResults) {
      if (test.status === 'passed') counts.passed += 1
      else if (test.status === 'failed') counts.failed += 1
      else counts.skipped += 1
    }
    if (status === 'failed' && counts.failed === failedBefore) counts.failed += 1
  }
  return counts
}
