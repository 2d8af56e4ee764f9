import { PerformanceObserver } from 'node:perf_hooks'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createMetrics } from './metrics.ts'

test('checks are counted by client protocol and decision, however often they are asked for', async () => {
  const metrics = createMetrics()
  for (const kind of ['update', 'up-to-date', 'update']) metrics.countCheck('react-native', kind)
  metrics.countCheck('web-bundle', 'feed')
  for (let time = 0; time < 2; time++) {
    const lines = (await metrics.render()).split('\n').filter((line) => line.startsWith('hotpatch_checks_total'))
    expect(lines).toEqual([
      'hotpatch_checks_total{dialect="react-native",decision="update"} 2',
      'hotpatch_checks_total{dialect="react-native",decision="up-to-date"} 1',
      'hotpatch_checks_total{dialect="web-bundle",decision="feed"} 1',
    ])
  }
})

test('every server tells the figures of the process, which is watched once', async () => {
  const observing = vi.spyOn(PerformanceObserver.prototype, 'observe')
  onTestFinished(() => observing.mockRestore())
  const [first, second] = [createMetrics(), createMetrics()]
  expect(observing.mock.calls.length).toBeLessThanOrEqual(1)
  first.countDownload(5)
  expect(await first.render()).toMatch(/^process_cpu_seconds_total [\d.]+$/m)
  expect(await second.render()).toMatch(/^process_cpu_seconds_total [\d.]+$/m)
  expect(await second.render()).toMatch(/^hotpatch_downloads_total 0$/m)
})
