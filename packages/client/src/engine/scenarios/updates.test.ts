import { describe, expect, test } from 'vitest'
import { createPublisher } from '../../testing/publisher.ts'
import { holdVectors } from '../../testing/scenarios/hold-vectors.ts'
import { createScenarioRecorder, type RecordedLife } from '../../testing/scenarios/record-scenario.ts'
import { scenarioDevice } from '../../testing/scenarios/test-device.ts'

const publisher = createPublisher('archive', 'publisher')
const v1 = publisher.publish({ version: '1.0.0', sequence: 10 })
const v2 = publisher.publish({ version: '1.1.0', sequence: 11, floor: 5 })

const recorder = createScenarioRecorder({
  section: 'Engine §2 to §7',
  comment: 'The ordinary life of a device: updates that work, updates that do not, and the way back.',
  device: scenarioDevice([publisher.publicKey]),
  releases: [v1, v2],
})

async function install(life: RecordedLife, release: typeof v1): Promise<void> {
  life.server.target = { release }
  await life.sync()
  await life.boot()
  await life.confirm()
}

describe('scenarios of updates', () => {
  test('the first update, with everything that is in the folder and every change of the disk', () =>
    recorder.record(
      'the first update, with everything that is in the folder and every change of the disk',
      async (life) => {
        const shown = { files: true, operations: true } as const
        await life.boot(shown)
        life.server.target = { release: v1 }
        expect((await life.check(shown)).outcome).toMatchObject({ kind: 'available', version: '1.0.0' })
        expect((await life.download(shown)).outcome).toMatchObject({ kind: 'staged', version: '1.0.0' })
        await life.boot(shown)
        await life.confirm(shown)
        await life.boot(shown)
        await life.confirm(shown)
      },
    ))

  test('a second update', () =>
    recorder.record('a second update: what was confirmed is kept', async (life) => {
      await life.boot()
      await install(life, v1)
      await install(life, v2)
      expect((await life.sync()).outcome).toMatchObject({ kind: 'up-to-date' })
      await life.boot({ files: true, operations: true })
    }))

  test('a release that is never confirmed', () =>
    recorder.record(
      'a release that is never confirmed is rolled back at its third start, and never taken again',
      async (life) => {
        await life.boot()
        await install(life, v1)
        life.server.target = { release: v2 }
        await life.sync()
        await life.boot({ json: ['ota/crash_count.json'] })
        await life.boot({ json: ['ota/crash_count.json'] })
        const third = await life.boot({ files: true, operations: true })
        expect(third.launch).toMatchObject({ version: '1.0.0' })
        expect((await life.sync()).outcome).toMatchObject({ kind: 'up-to-date' })
        await life.boot({ json: ['ota/crash_count.json', 'ota/metadata.json', 'ota/outbox.json'] })
      },
    ))

  test('are what is written down', () => holdVectors('scenarios/updates.json', recorder.file()))
})
