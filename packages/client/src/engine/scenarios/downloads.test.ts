import { expect } from 'vitest'
import { utf8FromText } from '@hotpatch/protocol'
import { described } from '../../testing/described-body.ts'
import { chunked, SERVER, serveRange, type FakeResponse } from '../../testing/fake-server.ts'
import { createPublisher } from '../../testing/publisher.ts'
import {
  describeScenarios,
  install,
  runs,
  stage,
  syncs,
  type NewScenario,
} from '../../testing/scenarios/describe-scenarios.ts'
import type { RecordedLife, Script } from '../../testing/scenarios/record-scenario.ts'
import { scenarioDevice } from '../../testing/scenarios/test-device.ts'

const publisher = createPublisher('archive', 'publisher')
const good = publisher.publish({ version: '1.0.0', sequence: 10 })
const update = publisher.publish({ version: '1.1.0', sequence: 11 })
const large = publisher.publish({ version: '1.2.0', sequence: 12, bundle: new Uint8Array(2000) })
const { bundle } = update
const device = scenarioDevice([publisher.publicKey])
const half = Math.floor(bundle.length / 2)

type Answer = (attempt: number) => FakeResponse | undefined

/** What the n-th request for the bundle gets; what is left open is served as it should be. */
function answerBundle({ server }: RecordedLife, answer: Answer): void {
  let attempt = 0
  server.intercept = (request) => {
    if (request.method !== 'GET') return undefined
    attempt += 1
    return answer(attempt) ?? serveRange(bundle, request)
  }
}

const reset = (more: Partial<FakeResponse> = {}): FakeResponse => ({
  status: 200,
  headers: { etag: '"a"' },
  body: chunked(bundle, 10, half),
  ...more,
})

const NOTES = { json: ['ota/pending/download.json', 'ota/metadata.json'] } as const

/** Of the first answer; the others are as they should be. */
const first =
  (response: FakeResponse): Script =>
  async (life) => {
    life.server.target = { release: update }
    answerBundle(life, (attempt) => (attempt === 1 ? response : undefined))
    await syncs(life, { kind: 'staged' })
    await runs(life, '1.1.0')
  }

const second =
  (response: FakeResponse): Script =>
  async (life) => {
    life.server.target = { release: update }
    answerBundle(life, (attempt) => (attempt === 1 ? reset() : attempt === 2 ? response : undefined))
    await syncs(life, { kind: 'staged' })
    await runs(life, '1.1.0')
  }

const once = { limits: { attempts: 1 } }
const busyServer = (retryAfter: string, waitMs: number, more: Record<string, string> = {}): NewScenario => [
  `a server that has no time, with Retry-After: ${retryAfter}${more.date ? ` at ${more.date}` : ''}`,
  async (life) => {
    life.server.target = { release: update }
    life.server.intercept = () => ({ status: 429, headers: { 'retry-after': retryAfter, ...more } })
    await syncs(life, { kind: 'failed', code: 'check-failed' })
    expect(await life.sync()).not.toHaveProperty('exchanges')
    life.server.intercept = () => undefined
    await life.do({ do: 'wait', ms: waitMs - 1 })
    expect(await life.check()).not.toHaveProperty('exchanges')
    await life.do({ do: 'wait', ms: 1 })
    await syncs(life, { kind: 'staged' })
  },
]

describeScenarios(
  'downloads',
  {
    section: 'Engine §5',
    comment: 'What a download asks for, keeps and goes on with; waits, limits and addresses.',
    device,
    releases: [good, update],
    async prelude(life) {
      await life.boot()
      await install(life, good)
    },
  },
  [
    ['reset midway is gone on with, after a wait', first(reset())],
    [
      'reset for good is gone on with by the next process',
      async (life) => {
        life.server.target = { release: update }
        answerBundle(life, () => reset())
        expect((await life.sync(NOTES)).outcome).toMatchObject({ kind: 'failed', code: 'download-failed' })
        answerBundle(life, () => undefined)
        await life.boot()
        await syncs(life, { kind: 'staged' })
        await runs(life, '1.1.0')
        await life.flushReports()
      },
      once,
    ],
    [
      'a power cut takes what was not synced of it, and it comes again',
      async (life) => {
        life.server.target = { release: update }
        answerBundle(life, () => reset())
        await life.sync()
        await life.do({ do: 'powerCut', survives: 'nothing' })
        answerBundle(life, () => undefined)
        await life.boot(NOTES)
        await syncs(life, { kind: 'staged' })
      },
      once,
    ],
    ['a server that ignores ranges sends all of it, and that is taken', second({ status: 200, body: bundle })],
    ['the same under another ETag starts again', first(reset({ headers: { etag: '"old"' } }))],
    [
      'another range than asked for starts again',
      second({
        status: 206,
        headers: { etag: '"a"', 'content-range': `bytes 0-9/${bundle.length}` },
        body: bundle.subarray(0, 10),
      }),
    ],
    [
      'the rest under another ETag starts again',
      second({
        status: 206,
        headers: {
          etag: '"b"',
          'content-range': `bytes ${Math.ceil(half / 10) * 10}-${bundle.length - 1}/${bundle.length}`,
        },
        body: bundle.subarray(Math.ceil(half / 10) * 10),
      }),
    ],
    [
      'the rest of a bundle of another size starts again',
      second({
        status: 206,
        headers: {
          etag: '"a"',
          'content-range': `bytes ${Math.ceil(half / 10) * 10}-${bundle.length}/${bundle.length + 1}`,
        },
        body: bundle.subarray(half),
      }),
    ],
    [
      'a part that nobody asked for',
      first({
        status: 206,
        headers: { 'content-range': `bytes 0-${bundle.length - 1}/${bundle.length}` },
        body: bundle,
      }),
    ],
    ['a server that cannot satisfy the range: it starts again', second({ status: 416 })],
    [
      'a kept part that is not what it seemed: once more, unnoticed',
      async (life) => {
        life.server.target = { release: update }
        answerBundle(life, () => reset({ body: chunked(new Uint8Array(bundle.length), 10, half) }))
        await life.sync()
        answerBundle(life, () => undefined)
        await syncs(life, { kind: 'staged' })
        await life.flushReports()
      },
      once,
    ],
    ['a weak ETag is no ETag: nothing is gone on with', first(reset({ headers: { etag: 'W/"a"' } }))],
    ['without an ETag nothing is gone on with', first(reset({ headers: {} }))],
    [
      'another release that is offered meanwhile: the old part is of no use',
      async (life) => {
        life.server.target = { release: update }
        answerBundle(life, () => reset())
        await life.sync()
        life.server.intercept = () => undefined
        await stage(life, publisher.publish({ version: '1.2.0', sequence: 12 }))
      },
      once,
    ],
    [
      'all of it came, and the process ended before it was verified: nothing is fetched again',
      async (life) => {
        const note = { sha256: update.sha256, sizeBytes: bundle.length, etag: '' }
        await life.do({ do: 'write', path: 'ota/pending/bundle.zip', body: life.body(bundle) })
        const body = life.body(utf8FromText(JSON.stringify(note)))
        await life.do({ do: 'write', path: 'ota/pending/download.json', body })
        life.server.target = { release: update }
        expect((await life.sync()).exchanges?.map(({ request }) => request)).not.toContain('get-2')
      },
    ],
    [
      'more lies there than was announced: it comes anew',
      async (life) => {
        const note = { sha256: update.sha256, sizeBytes: bundle.length, etag: '"a"' }
        await life.do({ do: 'write', path: 'ota/pending/bundle.zip', body: life.body(Uint8Array.of(...bundle, 0)) })
        const body = life.body(utf8FromText(JSON.stringify(note)))
        await life.do({ do: 'write', path: 'ota/pending/download.json', body })
        life.server.target = { release: update }
        await syncs(life, { kind: 'staged' })
      },
    ],
    [
      'redirects to allowed places are followed',
      first({ status: 302, headers: { location: 'https://cdn.test/bundle.zip' } }),
    ],
    [
      'and such as are told by a path alone',
      first({ status: 307, headers: { location: '../elsewhere/bundle.zip?a=1' } }),
    ],
    ['a busy address is waited for as long as it asks', first({ status: 503, headers: { 'retry-after': '7' } })],
    [
      'a length that is told wrongly, and too small, is not believed',
      first({ status: 200, headers: { 'content-length': '10' }, body: bundle }),
    ],
    [
      'silence is given up, and it is asked again',
      first({
        status: 200,
        headers: { etag: '"a"' },
        body: described([{ bytes: bundle.subarray(0, 20) }, { end: 'silence' }]),
      }),
    ],
    busyServer('120', 120_000),
    busyServer('Thu, 01 Jan 2026 00:02:00 GMT', 120_000),
    busyServer('Thu, 01 Jan 2026 10:02:00 GMT', 120_000, { date: 'Thu, 01 Jan 2026 10:00:00 GMT' }),
    busyServer('999999999', 3_600_000),
    [
      'a Retry-After that cannot be read is none',
      async (life) => {
        life.server.target = { release: update }
        life.server.intercept = () => ({ status: 429, headers: { 'retry-after': 'soon' } })
        await syncs(life, { kind: 'failed', code: 'check-failed' })
        life.server.intercept = () => undefined
        await syncs(life, { kind: 'staged' })
      },
    ],
    [
      'somebody sets the clock while the server has no time: the wait is as long as it was',
      async (life) => {
        life.server.target = { release: update }
        life.server.intercept = () => ({ status: 429, headers: { 'retry-after': '120' } })
        await life.sync()
        life.server.intercept = () => undefined
        await life.do({ do: 'setClock', byMs: -86_400_000 })
        await life.do({ do: 'wait', ms: 119_999 })
        expect(await life.check()).not.toHaveProperty('exchanges')
        await life.do({ do: 'wait', ms: 1 })
        await syncs(life, { kind: 'staged' })
      },
    ],
    [
      'a server that fails is asked five times, further and further apart',
      async (life) => {
        life.server.intercept = () => ({ status: 500 })
        expect((await life.check()).exchanges).toHaveLength(5)
      },
    ],
    ...([408, 400, 404] as const).map((status): NewScenario => [
      `a check that is answered ${status}`,
      async (life) => {
        life.server.intercept = () => ({ status, body: utf8FromText('{"detail":"no"}') })
        expect((await life.check()).exchanges).toHaveLength(status === 408 ? 5 : 1)
      },
    ]),
    [
      'a disk that says it has too little room is believed before the download',
      async (life) => {
        await life.do({ do: 'freeBytes', bytes: bundle.length - 1 })
        await life.boot()
        life.server.target = { release: update }
        await syncs(life, { kind: 'failed', code: 'storage-full' })
        await life.do({ do: 'freeBytes', bytes: 1_000_000 })
        await life.boot()
        await syncs(life, { kind: 'staged' })
      },
    ],
    [
      'a disk that is full: the report is told all the same, and the update comes when there is room',
      async (life) => {
        life.server.target = { release: update }
        await life.do({ do: 'fullDisk', isFull: true })
        await syncs(life, { kind: 'failed', code: 'storage-full' })
        await runs(life, '1.0.0')
        await life.do({ do: 'fullDisk', isFull: false })
        await life.boot({ files: true })
        await syncs(life, { kind: 'staged' })
      },
    ],
    [
      'more than this device takes at all',
      async (life) => {
        life.server.target = { release: large }
        await syncs(life, { kind: 'failed', code: 'download-too-large' })
      },
      { limits: { bundleBytes: 1999 } },
    ],
    ...(
      [
        ['http://localhost:8080', false, false],
        ['http://localhost:8080', 'loopback', true],
        ['http://127.0.0.1:8080', 'loopback', true],
        ['http://[::1]:8080', 'loopback', true],
        ['http://localhost.example.com', 'loopback', false],
        ['http://localhost@example.com', 'loopback', false],
        ['http://10.0.2.2:8080', 'loopback', false],
        ['http://10.0.2.2:8080', true, true],
        ['HTTPS://updates.test', false, true],
        ['ftp://updates.test', true, false],
        [`${SERVER}/`, false, true],
        [`${SERVER}/apps/shop`, false, true],
      ] as const
    ).map(([serverUrl, allowInsecure, isAsked]): NewScenario => [
      `a server at ${serverUrl}, where http: is allowed ${allowInsecure === true ? 'anywhere' : allowInsecure === false ? 'nowhere' : 'to this device'}`,
      async (life) => {
        life.server.intercept = () => ({
          status: 200,
          body: utf8FromText('{"updateAvailable":false,"reason":"up-to-date"}'),
        })
        await life.do({ do: 'config', change: { serverUrl, allowInsecure } })
        await life.boot()
        const { exchanges, outcome } = await life.check()
        expect(outcome.kind).toBe(isAsked ? 'up-to-date' : 'failed')
        expect(exchanges?.length ?? 0).toBe(isAsked ? 1 : 0)
      },
    ]),
  ],
)
