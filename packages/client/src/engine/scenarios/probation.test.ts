import { expect } from 'vitest'
import { createPublisher } from '../../testing/publisher.ts'
import { describeScenarios, install, runs, stage, syncs } from '../../testing/scenarios/describe-scenarios.ts'
import type { RecordedLife } from '../../testing/scenarios/record-scenario.ts'
import { scenarioDevice } from '../../testing/scenarios/test-device.ts'

const publisher = createPublisher('archive', 'publisher')
const v1 = publisher.publish({ version: '1.0.0', sequence: 10 })
const v2 = publisher.publish({ version: '1.1.0', sequence: 11 })
const v3 = publisher.publish({ version: '1.2.0', sequence: 12 })
const raised = publisher.publish({ version: '1.2.0', sequence: 12, floor: 12 })

type Ending = 'crash' | 'silence' | 'ready'

/** Starts of one version that end in a crash that the app tells, or before it is ready, or well. */
async function inTurn(life: RecordedLife, version: string, ...endings: Ending[]): Promise<void> {
  for (const ending of endings) {
    await runs(life, version)
    if (ending === 'ready') await life.confirm()
    if (ending === 'crash') await life.do({ do: 'crashed' })
  }
}

describeScenarios(
  'probation',
  {
    section: 'Engine §2, §3',
    comment:
      'Releases that do not confirm themselves, that crash, and that nobody wants: who takes over, and what is told.',
    device: scenarioDevice([publisher.publicKey]),
    releases: [v1, v2, v3],
    async prelude(life) {
      await life.boot()
      await install(life, v1)
    },
  },
  [
    [
      'what ran before is below the floor: embedded takes over',
      async (life) => {
        await stage(life, raised)
        await runs(life, '1.2.0')
        await runs(life, '1.2.0')
        await runs(life, 'embedded')
        await life.flushReports({ json: ['ota/metadata.json'] })
      },
    ],
    [
      'a mend that is staged takes its place, and it never becomes the last stable one',
      async (life) => {
        await stage(life, v2)
        await runs(life, '1.1.0')
        await stage(life, v3)
        await runs(life, '1.2.0')
        await runs(life, '1.2.0')
        await runs(life, '1.0.0')
        await life.flushReports({ json: ['ota/metadata.json'] })
      },
    ],
    [
      'a roll-back without a network is told when there is one again',
      async (life) => {
        await stage(life, v2)
        life.server.isReachable = false
        await inTurn(life, '1.1.0', 'silence', 'silence')
        await runs(life, '1.0.0')
        await syncs(life, { kind: 'failed', code: 'check-failed' })
        await runs(life, '1.0.0')
        life.server.isReachable = true
        await life.sync()
      },
    ],
    [
      'an app that knows that it does not work is rolled back at its next start',
      async (life) => {
        await stage(life, v2)
        await inTurn(life, '1.1.0', 'crash')
        await runs(life, '1.0.0')
        await life.flushReports()
        life.server.tamper = () => offerAnyway()
        await syncs(life, { kind: 'failed', code: 'crashed' })
      },
    ],
    [
      'a crash after the confirmation of a new release is the first of three',
      async (life) => {
        await stage(life, v2)
        await runs(life, '1.1.0')
        await life.confirm()
        await life.do({ do: 'crashed' }, { json: ['ota/crash_count.json'] })
        await inTurn(life, '1.1.0', 'crash', 'crash')
        await runs(life, '1.0.0')
        await life.flushReports({ json: ['ota/metadata.json'] })
      },
    ],
    [
      'a confirmed release that crashes three times in a row, before it is ready',
      async (life) => {
        await install(life, v2)
        await inTurn(life, '1.1.0', 'crash', 'crash', 'crash')
        await runs(life, '1.0.0')
        await life.confirm()
        await life.sync()
        await runs(life, '1.0.0')
      },
    ],
    [
      'silence counts of an app that tells that it is ready at every start',
      async (life) => {
        await inTurn(life, '1.0.0', 'ready', 'silence', 'crash', 'silence')
        await runs(life, 'embedded')
        await life.flushReports()
      },
    ],
    [
      'silence says nothing of an app that tells it only when that is due',
      (life) => inTurn(life, '1.0.0', 'silence', 'silence', 'silence', 'silence', 'silence'),
    ],
    [
      'good starts divide the bad ones',
      async (life) => {
        await inTurn(life, '1.0.0', 'crash', 'crash', 'ready', 'silence', 'crash', 'ready', 'crash', 'silence', 'ready')
        await life.boot({ json: ['ota/crash_count.json'] })
      },
    ],
    [
      'starts in the background are no starts to judge by',
      async (life) => {
        await inTurn(life, '1.0.0', 'ready')
        for (let count = 0; count < 4; count += 1) await runs(life, '1.0.0', true)
        await inTurn(life, '1.0.0', 'silence', 'silence')
        await runs(life, '1.0.0', true)
        await inTurn(life, '1.0.0', 'silence')
        await runs(life, 'embedded')
      },
    ],
    [
      'the usual start and its confirmation wait for no disk',
      async (life) => {
        await inTurn(life, '1.0.0', 'ready')
        await life.boot({ operations: true, json: ['ota/crash_count.json'] })
        await life.confirm({ operations: true, json: ['ota/crash_count.json'] })
      },
    ],
    [
      'a power cut loses what was noted, and blames nobody',
      async (life) => {
        await inTurn(life, '1.0.0', 'ready')
        for (let count = 0; count < 5; count += 1) {
          await inTurn(life, '1.0.0', 'silence')
          await life.do({ do: 'powerCut', survives: 'nothing' })
        }
        await inTurn(life, '1.0.0', 'ready')
      },
    ],
    [
      'bad starts that a good one ended do not come back with a power cut',
      async (life) => {
        await inTurn(life, '1.0.0', 'ready', 'crash', 'crash', 'ready')
        await life.do({ do: 'powerCut', survives: 'nothing' })
        await inTurn(life, '1.0.0', 'crash', 'crash', 'ready')
      },
    ],
    [
      'on a disk that takes nothing the last stable one is started from where it lies',
      async (life) => {
        await install(life, v2)
        await inTurn(life, '1.1.0', 'crash', 'crash', 'crash')
        await life.do({ do: 'fullDisk', isFull: true })
        expect((await life.boot()).launch).toMatchObject({ slot: 'previous', version: '1.0.0' })
      },
    ],
    [
      'one that crashed and was fetched again, as a full disk kept its crash from being settled, is not started again',
      async (life) => {
        await stage(life, v2)
        await inTurn(life, '1.1.0', 'crash')
        await life.do({ do: 'fullDisk', isFull: true })
        expect((await life.boot()).launch).toMatchObject({ slot: 'previous', version: '1.0.0' })
        await life.do({ do: 'fullDisk', isFull: false })
        await syncs(life, { kind: 'staged', releaseId: v2.releaseId })
        await runs(life, '1.0.0')
        await syncs(life, { kind: 'up-to-date' })
        await life.flushReports({ json: ['ota/metadata.json'] })
      },
    ],
    [
      'whoever uses it does not want it: rolled back at the next start',
      async (life) => {
        await install(life, v2)
        expect((await life.do({ do: 'rollBack' }, { json: ['ota/crash_count.json'] })).result).toBe(true)
        await runs(life, '1.0.0')
        await life.flushReports()
      },
    ],
    [
      'nobody goes back from embedded',
      async (life) => {
        await life.do({ do: 'rollBack' })
        await runs(life, 'embedded')
        expect((await life.do({ do: 'rollBack' })).result).toBe(false)
        await life.do({ do: 'crashed' })
        await life.confirm()
        await life.boot({ files: true })
      },
    ],
  ],
)

function offerAnyway() {
  const { releaseId, version, sha256, bundle, signature, statement, statementSignature } = v2
  const offer = { releaseId, version, hash: sha256, sizeBytes: bundle.length, signature, statement, statementSignature }
  return { ...offer, updateAvailable: true, mandatory: false, bundleUrl: `https://updates.test/artifacts/${sha256}` }
}
