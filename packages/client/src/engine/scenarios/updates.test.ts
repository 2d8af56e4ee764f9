import { expect } from 'vitest'
import { createPublisher } from '../../testing/publisher.ts'
import {
  describeScenarios,
  install,
  runs,
  stage,
  syncs,
  type NewScenario,
} from '../../testing/scenarios/describe-scenarios.ts'
import { scenarioDevice } from '../../testing/scenarios/test-device.ts'

const publisher = createPublisher('archive', 'publisher')
const stranger = createPublisher('archive', 'stranger')
const v1 = publisher.publish({ version: '1.0.0', sequence: 10 })
const v2 = publisher.publish({ version: '1.1.0', sequence: 11, floor: 5 })
const device = scenarioDevice([publisher.publicKey])
const zerosAs = (path: string) => new Uint8Array(v1.files.get(path)?.length ?? 0)

describeScenarios(
  'updates',
  {
    section: 'Engine §2 to §7',
    comment: 'The ordinary life of a device: updates that work, what is staged, and what a disk loses.',
    device,
    releases: [v1, v2],
  },
  [
    [
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
    ],
    [
      'a second update: what was confirmed is kept',
      async (life) => {
        await life.boot()
        await install(life, v1)
        await install(life, v2)
        await syncs(life, { kind: 'up-to-date' })
        await life.boot({ files: true, operations: true })
      },
    ],
    [
      'a release that is never confirmed is rolled back at its third start, and never taken again',
      async (life) => {
        await life.boot()
        await install(life, v1)
        await stage(life, v2)
        await life.boot({ json: ['ota/crash_count.json'] })
        await life.boot({ json: ['ota/crash_count.json'] })
        expect((await life.boot({ files: true, operations: true })).launch).toMatchObject({ version: '1.0.0' })
        await syncs(life, { kind: 'up-to-date' })
        await life.boot({ json: ['ota/crash_count.json', 'ota/metadata.json', 'ota/outbox.json'] })
      },
    ],
    [
      'a mandatory update restarts the app',
      async (life) => {
        await life.boot()
        life.server.target = { release: v1, mandatory: true }
        expect(await life.sync()).toMatchObject({ restarts: 1, outcome: { mandatory: true } })
      },
    ],
    [
      'a mandatory update restarts no app that does not want it',
      async (life) => {
        await life.boot()
        life.server.target = { release: v1, mandatory: true }
        expect(await life.sync()).not.toHaveProperty('restarts')
      },
      { config: { ...device.config, restartsWhenMandatory: false } },
    ],
    [
      'without keys the hash alone decides',
      async (life) => {
        await life.boot()
        await install(life, stranger.publish({ version: '1.0.0', sequence: 10 }))
      },
      { config: { ...device.config, publicKeys: [] } },
    ],
    [
      'any one of several keys may sign',
      async (life) => {
        await life.boot()
        await install(life, v1)
      },
      { config: { ...device.config, publicKeys: [stranger.publicKey, publisher.publicKey] } },
    ],
    [
      'a newer one takes the place of one that waits',
      async (life) => {
        await life.boot()
        await stage(life, v1)
        await stage(life, v2)
        await runs(life, '1.1.0')
        await life.flushReports({ files: true })
      },
    ],
    [
      'what is staged is not downloaded twice',
      async (life) => {
        await life.boot()
        await stage(life, v1)
        expect((await life.sync()).exchanges).toHaveLength(1)
      },
    ],
    [
      'what the server took back before it ran is dropped',
      async (life) => {
        await life.boot()
        await stage(life, v1)
        life.server.target = null
        await syncs(life, { kind: 'up-to-date' })
        await runs(life, 'embedded')
      },
    ],
    [
      'a check that fails drops nothing',
      async (life) => {
        await life.boot()
        await stage(life, v1)
        life.server.isReachable = false
        await syncs(life, { kind: 'failed', code: 'check-failed' })
        await runs(life, '1.0.0')
      },
    ],
    [
      'what was staged and lost some of it is told, and may come again',
      async (life) => {
        await life.boot()
        await install(life, v1)
        await stage(life, v2)
        await life.do({ do: 'write', path: 'ota/pending/files/index.bundle', body: life.body(new Uint8Array(3)) })
        await runs(life, '1.0.0')
        await life.flushReports()
        await install(life, v2)
      },
    ],
    [
      'damage that keeps the size is seen when a release changes places',
      async (life) => {
        await life.boot()
        await install(life, v1)
        await stage(life, v2)
        const body = life.body(zerosAs('index.bundle'))
        await life.do({ do: 'write', path: 'ota/pending/files/index.bundle', body })
        await runs(life, '1.0.0')
      },
    ],
    ...(['ota/bundle/index.bundle', 'ota/bundle/.hotpatch.json'] as const).map((path): NewScenario => [
      `what runs lost ${path}: what ran before takes over, and the release is not blamed`,
      async (life) => {
        await life.boot()
        await install(life, v1)
        await install(life, v2)
        await life.do({ do: 'remove', path })
        await runs(life, '1.0.0')
        await life.flushReports()
        await install(life, v2)
      },
    ]),
    [
      'what runs has a file of another size: embedded, as nothing else is left',
      async (life) => {
        await life.boot()
        await install(life, v1)
        await life.do({ do: 'write', path: 'ota/bundle/index.bundle', body: life.body(new Uint8Array(3)) })
        await runs(life, 'embedded')
        await life.flushReports({ files: true })
      },
    ],
    [
      'a folder below a release that should be a file',
      async (life) => {
        await life.boot()
        await install(life, v1)
        await life.do({ do: 'remove', path: 'ota/bundle/index.bundle' })
        await life.do({ do: 'write', path: 'ota/bundle/index.bundle/a', body: life.body(new Uint8Array(3)) })
        await runs(life, 'embedded')
      },
    ],
    [
      'a state that cannot be read means embedded, and the highest sequence that lies there still counts',
      async (life) => {
        await life.boot()
        await install(life, v2)
        await life.do({ do: 'write', path: 'ota/metadata.json', body: life.body(new Uint8Array(9)) })
        await life.boot({ files: true })
        life.server.target = { release: v1 }
        await syncs(life, { kind: 'failed', code: 'sequence-too-low' })
        await install(life, v2)
      },
    ],
    [
      'a disk that takes nothing: a release on probation is not started, what is confirmed is',
      async (life) => {
        await life.boot()
        await install(life, v1)
        await stage(life, v2)
        await life.do({ do: 'fullDisk', isFull: true })
        await runs(life, '1.0.0')
        await life.do({ do: 'fullDisk', isFull: false })
        await runs(life, '1.1.0')
        await life.do({ do: 'fullDisk', isFull: true })
        expect((await life.confirm()).result).toBe(false)
        await runs(life, '1.0.0')
        await life.do({ do: 'fullDisk', isFull: false })
        await runs(life, '1.1.0')
        expect((await life.confirm()).result).toBe(true)
      },
    ],
  ],
)
