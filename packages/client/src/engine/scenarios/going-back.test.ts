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
const v2 = publisher.publish({ version: '1.1.0', sequence: 11 })
const v3 = publisher.publish({ version: '1.2.0', sequence: 12 })
const floored = publisher.publish({ version: '1.0.0', sequence: 10, floor: 5 })
const device = scenarioDevice([publisher.publicKey])
const builtAt = Date.UTC(2025, 11, 15)
const signed = (createdAt: string, sequence: number, statement = {}) =>
  publisher.publish({ version: '1.0.0', sequence, statement: { createdAt, ...statement } })
const older = signed('2025-12-14T23:59:59.999Z', 10)
const builtLater = { host: { ...device.host, builtAt } }

describeScenarios(
  'going-back',
  {
    section: 'Engine §3, §4',
    comment: 'Ways back to older content and to embedded, and binaries that are replaced.',
    device,
    releases: [v1, v2, v3],
  },
  [
    [
      'a publisher states old content again under a higher sequence',
      async (life) => {
        await life.boot()
        await install(life, v1)
        await install(life, v2)
        await install(life, v3)
        await install(life, publisher.publish({ version: '1.0.0', sequence: 13 }))
      },
    ],
    [
      'a server that halted a release sends devices back to the one they keep, without a download',
      async (life) => {
        await life.boot()
        await install(life, v1)
        await install(life, v2)
        await stage(life, v1)
        expect((await life.boot({ files: true, operations: true })).launch).toMatchObject({ version: '1.0.0' })
        await life.confirm()
        await install(life, v2)
      },
    ],
    [
      'a device on which a new release failed takes the one before it, also when it never had it',
      async (life) => {
        await life.boot()
        await stage(life, v2)
        await life.boot()
        await life.do({ do: 'crashed' })
        await runs(life, 'embedded')
        await install(life, v1)
      },
    ],
    [
      'what was halted between its download and its first start never runs',
      async (life) => {
        await life.boot()
        await stage(life, v2)
        await stage(life, v1)
        await runs(life, '1.0.0')
      },
    ],
    [
      'nothing else below the high-water mark is gone back to',
      async (life) => {
        await life.boot()
        await install(life, v1)
        await install(life, v2)
        await install(life, v3)
        life.server.target = { release: v1 }
        await syncs(life, { kind: 'failed', code: 'sequence-too-low' })
        await runs(life, '1.2.0')
      },
    ],
    [
      'nor the kept one when it is below the floor, under whatever statement',
      async (life) => {
        await life.boot()
        await install(life, v1)
        await install(life, publisher.publish({ version: '1.1.0', sequence: 13, floor: 11 }))
        life.server.target = { release: publisher.publish({ version: '1.0.0', sequence: 12 }) }
        await syncs(life, { kind: 'failed', code: 'sequence-too-low' })
      },
    ],
    [
      'a binary that trusts no key any more, on a device that has a floor: what it keeps is gone back to',
      async (life) => {
        await life.boot()
        await install(life, floored)
        await install(life, v2)
        await life.do({ do: 'config', change: { publicKeys: [] } })
        await life.boot()
        await stage(life, v1)
        await runs(life, '1.0.0')
      },
    ],
    [
      'of what nobody signed it cannot know whether it is below the floor, and fetches it again',
      async (life) => {
        await life.boot()
        await install(life, floored)
        await life.do({ do: 'config', change: { publicKeys: [] } })
        await life.boot()
        await install(life, v2)
        await install(life, v3)
        await install(life, v2)
      },
    ],
    [
      'to embedded: by the server alone while no floor is set',
      async (life) => {
        await life.boot()
        await install(life, v1)
        life.server.target = { embedded: null }
        await syncs(life, { kind: 'staged', releaseId: null })
        await runs(life, 'embedded')
        await life.flushReports({ files: true })
        await install(life, v2)
      },
    ],
    [
      'to embedded: only with the publisher once a floor is set',
      async (life) => {
        await life.boot()
        await install(life, floored)
        for (const [embedded, code] of [
          [null, 'below-floor'],
          [publisher.orderEmbedded(9), 'sequence-too-low'],
          [stranger.orderEmbedded(20), 'signature-invalid'],
          [v2, 'statement-invalid'],
        ] as const) {
          const order = embedded && { statement: embedded.statement, statementSignature: embedded.statementSignature }
          life.server.target = { embedded: order }
          await syncs(life, { kind: 'failed', code })
        }
        await runs(life, '1.0.0')
        life.server.target = { embedded: publisher.orderEmbedded(20) }
        await syncs(life, { kind: 'staged', releaseId: null })
        await runs(life, 'embedded')
      },
    ],
    [
      'a device that runs embedded has nowhere to go back to',
      async (life) => {
        await life.boot()
        life.server.tamper = () => ({
          updateAvailable: false,
          rollBackTo: 'embedded',
          mandatory: true,
          reason: 'halted',
        })
        await syncs(life, { kind: 'up-to-date', reason: 'halted' })
      },
    ],
    [
      'a server that asks for another binary',
      async (life) => {
        await life.boot()
        const nativeUpdate = { minNativeVersion: '2.0', releaseId: 'release-9' }
        life.server.tamper = () => ({ updateAvailable: false, reason: 'native-update-required', nativeUpdate })
        await syncs(life, { kind: 'up-to-date', nativeUpdate })
      },
    ],
    [
      'another native version: nothing made for the old one runs, what was learned stays',
      async (life) => {
        await life.boot()
        await install(life, floored)
        await install(life, v2)
        await stage(life, v3)
        await life.do({ do: 'host', change: { nativeVersion: '2.0' } })
        expect((await life.boot({ files: true, operations: true })).launch).toEqual({ kind: 'embedded' })
        await life.flushReports()
        await install(life, v3)
      },
    ],
    ...[
      ['another build of the same version', { nativeBuild: '8' }],
      ['another runtime of the same build', { runtimeVersion: 'rt-2' }],
      ['a build that is told no more', { nativeBuild: null }],
    ].map(([what, change]): NewScenario => [
      `${what as string} is another binary`,
      async (life) => {
        await life.boot()
        await install(life, v1)
        await stage(life, v2)
        await life.do({ do: 'host', change: change as Record<string, unknown> })
        await runs(life, 'embedded')
        await life.do({ do: 'host', change: { nativeBuild: '7', runtimeVersion: 'rt-1' } })
        await runs(life, 'embedded')
        await life.flushReports({ json: ['ota/metadata.json'] })
        await install(life, v2)
      },
      { host: { ...device.host, nativeBuild: '7', runtimeVersion: 'rt-1' } },
    ]),
    [
      'what failed on the old binary is not tried on the new one',
      async (life) => {
        await life.boot()
        await stage(life, v1)
        await life.boot()
        await life.do({ do: 'crashed' })
        await runs(life, 'embedded')
        await life.do({ do: 'host', change: { nativeBuild: '8' } })
        await runs(life, 'embedded')
        expect((await life.check()).outcome).toMatchObject({ kind: 'up-to-date' })
      },
    ],
    [
      'signed before the binary was built, for no binary in particular: refused, told once, not blamed',
      async (life) => {
        await life.boot()
        life.server.target = { release: older }
        await syncs(life, { kind: 'failed', code: 'older-than-binary' })
        await syncs(life, { kind: 'failed', code: 'older-than-binary' })
        await install(life, signed('2025-12-15T00:00:00.000Z', 11))
      },
      builtLater,
    ],
    [
      'signed before the binary was built, and says which binaries it is for',
      async (life) => {
        await life.boot()
        await stage(life, signed('2025-12-14T00:00:00.000Z', 10, { requirement: { minNativeVersion: '1.0' } }))
      },
      builtLater,
    ],
    [
      'a binary that says it was built in the future is not believed',
      async (life) => {
        await life.boot()
        await stage(life, older)
      },
      { host: { ...device.host, builtAt: Date.UTC(2026, 5, 1) } },
    ],
    [
      'nor one that says nonsense',
      async (life) => {
        await life.boot()
        await stage(life, older)
      },
      { host: { ...device.host, builtAt: -1 } },
    ],
    [
      'a time of signing that cannot be read is not older than anything',
      async (life) => {
        await life.boot()
        await stage(life, signed('14 December 2025', 10))
      },
      builtLater,
    ],
    [
      'an order for embedded is taken however old it is',
      async (life) => {
        await life.boot()
        await install(life, signed('2025-12-20T00:00:00.000Z', 10))
        life.server.target = { embedded: publisher.orderEmbedded(20) }
        await syncs(life, { kind: 'staged', releaseId: null })
      },
      { host: { ...device.host, builtAt: Date.UTC(2025, 11, 20) } },
    ],
    [
      'what the publisher requires of the shell is judged on the device as well',
      async (life) => {
        const requirement = { minNativeVersion: '2.0' }
        const demanding = publisher.publish({ version: '1.0.0', sequence: 10, statement: { requirement } })
        await life.boot()
        life.server.target = { release: demanding }
        await syncs(life, { kind: 'failed', code: 'requirement-not-met' })
        await life.do({ do: 'host', change: { nativeVersion: '2.0' } })
        await life.boot()
        await install(life, demanding)
      },
    ],
  ],
)
