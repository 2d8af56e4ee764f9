import { expect, test } from 'vitest'
import { completeContext } from '../process/context.ts'
import { createCollector } from '../testing/run-tool.ts'
import { createProgress } from './progress.ts'

test('where nobody watches, a line says now and then that something happens', () => {
  let now = 0
  const [stdout, stderr] = [createCollector(), createCollector()]
  const context = completeContext({ env: {}, cwd: '/', stdout, stderr, now: () => new Date(now) })
  const progress = createProgress(context, 'Uploading', 40_000_000)
  for (let second = 0; second <= 25; second++) {
    now = second * 1000
    progress.advanceTo(second * 1_000_000)
  }
  progress.stop()
  expect(stderr.text()).toBe('Uploading: 25 % of 40.0 MB\nUploading: 50 % of 40.0 MB\n')
  expect(stdout.text()).toBe('')
})
