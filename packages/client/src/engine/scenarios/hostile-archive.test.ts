import { describe, expect, test } from 'vitest'
import { createHostileRows } from '../../testing/hostile-rows.ts'
import { holdVectors } from '../../testing/scenarios/hold-vectors.ts'
import { createScenarioRecorder } from '../../testing/scenarios/record-scenario.ts'
import { scenarioDevice } from '../../testing/scenarios/test-device.ts'

const { publisher, good, update, mend, rows } = createHostileRows('archive')

const recorder = createScenarioRecorder({
  section: 'Engine §4, §5',
  comment:
    'Whatever a network or a server may do to a device that runs a good release: nothing of it is applied, it is told with its code, and nothing of it stands in the way of the next good release.',
  device: scenarioDevice([publisher.publicKey], { limits: { unpackedBytes: 2_000_000, fileCount: 100 } }),
  releases: [good, update, mend],
  async prelude(life) {
    life.server.target = { release: good }
    await life.boot()
    await life.sync()
    await life.boot()
    await life.confirm()
  },
})

describe('scenarios of a hostile network', () => {
  test.each(rows)('$name', ({ name, attack, code }) =>
    recorder.record(name, async (life) => {
      const { server } = life
      server.target = { release: update }
      attack(server, life)
      expect((await life.sync()).outcome).toMatchObject({ kind: 'failed', code })
      expect((await life.boot()).launch).toMatchObject({ version: '1.0.0' })
      server.intercept = () => undefined
      server.tamper = (unchanged) => unchanged
      await life.do({ do: 'wait', ms: 3_600_000 })
      await life.flushReports({ json: ['ota/metadata.json', 'ota/outbox.json', 'ota/pending/download.json'] })
      server.target = { release: mend }
      expect((await life.sync()).outcome).toMatchObject({ kind: 'staged', version: '1.2.0' })
      expect((await life.boot()).launch).toMatchObject({ version: '1.2.0' })
    }),
  )

  test('are what is written down', () => holdVectors('scenarios/hostile-archive.json', recorder.file()))
})
