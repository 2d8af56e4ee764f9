import { expect, test } from 'vitest'
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
