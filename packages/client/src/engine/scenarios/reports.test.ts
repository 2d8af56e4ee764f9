import { utf8FromText } from '@hotpatch/protocol'
import { SERVER, type FakeResponse } from '../../testing/fake-server.ts'
import { createPublisher } from '../../testing/publisher.ts'
import {
  describeScenarios,
  install,
  stage,
  syncs,
  type NewScenario,
} from '../../testing/scenarios/describe-scenarios.ts'
import type { RecordedLife } from '../../testing/scenarios/record-scenario.ts'
import { scenarioDevice } from '../../testing/scenarios/test-device.ts'

const publisher = createPublisher('archive', 'publisher')
const v1 = publisher.publish({ version: '1.0.0', sequence: 10 })
const v2 = publisher.publish({ version: '1.1.0', sequence: 11 })
const device = scenarioDevice([publisher.publicKey])
const OUTBOX = { json: ['ota/outbox.json', 'ota/metadata.json'] } as const

interface Sent {
  events: { id: string; kind: string }[]
}

function answerEvents({ server }: RecordedLife, answer: (sent: Sent) => FakeResponse | undefined): void {
  server.intercept = ({ url, body = '' }) => (url === `${SERVER}/events` ? answer(JSON.parse(body) as Sent) : undefined)
}

/** Four reports wait, and nothing of them arrived. */
async function fourWait(life: RecordedLife): Promise<void> {
  answerEvents(life, () => ({ status: 500 }))
  await life.boot()
  await install(life, v1)
}

const json = (value: unknown) => utf8FromText(JSON.stringify(value))
const later = (status: number): NewScenario => [
  `answered ${status} they wait`,
  async (life) => {
    await fourWait(life)
    answerEvents(life, () => ({ status, body: json({ detail: 'no' }) }))
    await life.flushReports(OUTBOX)
    life.server.intercept = () => undefined
    await life.flushReports(OUTBOX)
  },
]
const credential = { config: { ...device.config, deviceCredential: true } }
const registered = (life: RecordedLife, response: () => FakeResponse) => {
  life.server.intercept = ({ url }) => (url.endsWith('/devices') ? response() : undefined)
}

describeScenarios(
  'reports',
  {
    section: 'Engine §7 to §9',
    comment: 'What is told, how it is delivered, and what becomes of it; and the credential of an installation.',
    device,
    releases: [v1, v2],
  },
  [
    [
      'those that wait go in one request, which says of whom and when',
      async (life) => {
        await fourWait(life)
        await life.do({ do: 'wait', ms: 60_000 })
        life.server.intercept = () => undefined
        await life.flushReports(OUTBOX)
      },
    ],
    [
      'in as many requests as the limit makes them',
      async (life) => {
        await fourWait(life)
        life.server.intercept = () => undefined
        await life.flushReports()
      },
      { limits: { reportsAtOnce: 3 } },
    ],
    [
      'beyond the limit the oldest go',
      async (life) => {
        await fourWait(life)
        await life.flushReports(OUTBOX)
        life.server.intercept = () => undefined
        await life.flushReports()
      },
      { limits: { reports: 2 } },
    ],
    [
      'of two binaries in two requests',
      async (life) => {
        await fourWait(life)
        await life.do({ do: 'host', change: { nativeBuild: '8' } })
        await life.boot()
        await life.do({ do: 'host', change: { nativeVersion: '2.0', runtimeVersion: 'rt' } })
        await life.boot()
        life.server.intercept = () => undefined
        await stage(life, v2)
      },
    ],
    [
      'and checks say what the device is, when its host knows',
      async (life) => {
        await life.boot()
        await install(life, v1)
      },
      {
        config: { ...device.config, cohorts: ['beta', 'staff'], appKey: 'key' },
        host: {
          ...device.host,
          nativeBuild: '7',
          runtimeVersion: 'rt-1',
          osVersion: '15',
          model: 'Pixel 9',
          locale: 'de-AT',
          architecture: 'arm64',
          sdkVersion: '1.2.3',
          isEmulator: false,
          isProduction: true,
          installSource: 'google_play',
          builtAt: Date.UTC(2025, 10, 1),
        },
      },
    ],
    [
      'those that the server rejects are dropped with its reason; the others arrived',
      async (life) => {
        await fourWait(life)
        answerEvents(life, ({ events }) => {
          const rejected = [{ id: events[1]?.id, type: 'unknown-release', detail: 'no such release' }, { id: 7 }, null]
          return { status: 200, body: json({ accepted: 3, rejected }) }
        })
        await life.flushReports(OUTBOX)
      },
    ],
    [
      'an answer that says nothing readable of single ones accepted them all',
      async (life) => {
        await fourWait(life)
        answerEvents(life, () => ({ status: 204 }))
        await life.flushReports(OUTBOX)
      },
    ],
    [
      'those that make the server refuse the whole request are found by halves',
      async (life) => {
        await fourWait(life)
        answerEvents(life, ({ events }) =>
          events.some(({ kind }) => kind === 'applied') ? { status: 422, body: json({ detail: 'no' }) } : undefined,
        )
        await life.flushReports(OUTBOX)
      },
    ],
    ...[401, 408, 500].map(later),
    ...[429, 503].map((status): NewScenario => [
      `answered ${status} they wait as long as it asks`,
      async (life) => {
        await fourWait(life)
        answerEvents(life, () => ({ status, headers: { 'retry-after': '60' } }))
        await life.flushReports()
        life.server.intercept = () => undefined
        await life.do({ do: 'wait', ms: 59_999 })
        await life.flushReports()
        await life.do({ do: 'wait', ms: 1 })
        await life.flushReports(OUTBOX)
      },
    ]),
    [
      'of another engine that cannot be read cost nothing else',
      async (life) => {
        await fourWait(life)
        const readable = {
          eventId: 'id-from-before',
          kind: 'applied',
          releaseId: null,
          version: 'embedded',
          nativeVersion: '0.9',
          occurredAt: '2025-12-31T00:00:00.000Z',
        }
        const body = life.body(json([{ kind: 'danced' }, readable]))
        await life.do({ do: 'write', path: 'ota/outbox.json', body })
        life.server.intercept = () => undefined
        await life.boot()
        await life.flushReports(OUTBOX)
      },
    ],
    [
      'those that the disk takes no more are told all the same',
      async (life) => {
        await life.boot()
        await install(life, v1)
        life.server.target = { release: v2 }
        await life.do({ do: 'fullDisk', isFull: true })
        await syncs(life, { kind: 'failed', code: 'storage-full' })
        await life.do({ do: 'fullDisk', isFull: false })
        await life.flushReports(OUTBOX)
      },
    ],
    [
      'of an answer that names no release blame none, and are told once in a process',
      async (life) => {
        await life.boot()
        await install(life, v1)
        life.server.tamper = () => ({ updateAvailable: 'yes' })
        await syncs(life, { kind: 'failed', code: 'answer-invalid' })
        await syncs(life, { kind: 'failed', code: 'answer-invalid' })
        await life.boot()
        await syncs(life, { kind: 'failed', code: 'answer-invalid' })
      },
    ],
    [
      'a credential is asked for once, kept, and shown with every request',
      async (life) => {
        registered(life, () => ({ status: 200, body: json({ deviceToken: 'token_1-A' }) }))
        await life.boot()
        await install(life, v1)
        await life.boot({ json: ['ota/credential.json'] })
        await life.check()
      },
      credential,
    ],
    ...(
      [
        ['a server that gives none', { status: 200, body: json({}) }],
        ['a server that has none to give', { status: 404 }],
        ['one that can stand in no header', { status: 200, body: json({ deviceToken: 'a b\n' }) }],
        ['an answer that is no JSON', { status: 200, body: utf8FromText('<html>') }],
      ] as [string, FakeResponse][]
    ).map(([what, response]): NewScenario => [
      `${what}: it is asked for once in each process, and nothing else changes`,
      async (life) => {
        registered(life, () => response)
        await life.boot()
        await life.check()
        await life.check({ json: ['ota/credential.json'] })
        await life.boot()
        await life.check()
      },
      credential,
    ]),
    [
      'a credential of another device id is not shown for this one',
      async (life) => {
        const body = life.body(json({ deviceId: 'device-0', token: 'token-0' }))
        await life.do({ do: 'write', path: 'ota/credential.json', body })
        registered(life, () => ({ status: 200, body: json({ deviceToken: 'token-1' }) }))
        await life.boot()
        await life.check({ json: ['ota/credential.json'] })
      },
      credential,
    ],
    [
      'a credential that cannot be read is asked for anew',
      async (life) => {
        await life.do({ do: 'write', path: 'ota/credential.json', body: life.body(utf8FromText('{"deviceId":7}')) })
        registered(life, () => ({ status: 200, body: json({ deviceToken: 'token-1' }) }))
        await life.boot()
        await life.check({ json: ['ota/credential.json'] })
      },
      credential,
    ],
  ],
)
