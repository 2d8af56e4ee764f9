import { utf8FromText } from '@hotpatch/protocol'
import { expect } from 'vitest'
import { createFakeEdge, EDGE_URL, KEYS, POINTER, timeAt, type FakeEdge } from '../testing/fake-edge.ts'
import { SERVER } from '../testing/fake-server.ts'
import { createPublisher, type PublishedRelease } from '../testing/publisher.ts'
import { describeScenarios, runs, syncs, type NewScenario } from '../testing/scenarios/describe-scenarios.ts'
import { BEGINNING } from '../testing/scenarios/life.ts'
import type { RecordedLife } from '../testing/scenarios/record-scenario.ts'
import type { ScenarioDevice } from '../testing/scenarios/scenario.ts'
import { scenarioDevice } from '../testing/scenarios/test-device.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MEMORY = 'ota/edge.json'
const publisher = createPublisher('archive', 'publisher')
const stranger = createPublisher('archive', 'stranger')
const nextServer = createPublisher('archive', 'next server')
const v1 = publisher.publish({ version: '1.0.0', sequence: 10 })
const v2 = publisher.publish({ version: '1.1.0', sequence: 11 })

type EdgeScript = (life: RecordedLife, edge: FakeEdge) => Promise<unknown>

/** With an edge whose keys are signed. */
function scenario(
  comment: string,
  script: EdgeScript,
  config?: Partial<ScenarioDevice['config']>,
  host?: Partial<ScenarioDevice['host']>,
): NewScenario {
  const live = async (life: RecordedLife) => {
    const edge = createFakeEdge(publisher, BEGINNING)
    edge.signKeys()
    life.server.intercept = (request) => edge.respond(request.url, request)
    await script(life, edge)
  }
  // What is not said is as all have it.
  const own = { ...(config && { config }), ...(host && { host }) } as Partial<ScenarioDevice>
  return [comment, live, own]
}

async function install(life: RecordedLife, { version }: PublishedRelease): Promise<void> {
  await syncs(life, { kind: 'staged', version })
  await runs(life, version)
  await life.confirm()
}

const fails = (life: RecordedLife, code: string) => syncs(life, { kind: 'failed', code } as object)

/** Only the server knows of whom it speaks. */
const FOR_DEVICES = {
  audience: { devices: ['device-1'], cohorts: [], percentage: 0, buckets: 100 as const, rules: [], slice: null },
}

const rotate = (edge: FakeEdge) =>
  edge.signKeys({ keys: [{ publicKey: nextServer.publicKey, notAfter: timeAt(BEGINNING + 100 * DAY_MS) }] })

const withoutServer: NewScenario[] = [
  scenario('an update is taken of files alone, and the next one as well', async (life, edge) => {
    edge.say([{ release: v1 }])
    await runs(life, 'embedded')
    await install(life, v1)
    edge.say([{ release: v2 }, { release: v1 }])
    await install(life, v2)
    expect(await life.sync({ json: [MEMORY] })).toMatchObject({ outcome: { kind: 'up-to-date' } })
  }),
  scenario('a roll-back that the publisher has stated is one', async (life, edge) => {
    edge.say([{ release: v2 }, { release: v1 }])
    await life.boot()
    await install(life, v2)
    const again = publisher.publish({ version: '1.0.0', sequence: 12 })
    edge.say([{ release: v1, restated: again }, { release: v2 }, { release: v1 }])
    await syncs(life, { kind: 'staged', version: '1.0.0' })
    await runs(life, '1.0.0')
    expect((await life.confirm()).status).toMatchObject({ highWater: 12 })
  }),
  scenario('nobody is taken back without that: neither by the server’s key', async (life, edge) => {
    edge.say([{ release: v2 }])
    await life.boot()
    await install(life, v2)
    edge.say([{ release: v1 }])
    await syncs(life, { kind: 'up-to-date' })
    await runs(life, '1.1.0')
  }),
  scenario('what was halted is left for embedded, which nobody has to state', async (life, edge) => {
    edge.say([{ release: v1 }])
    await life.boot()
    await install(life, v1)
    edge.say([{ release: v1, rollout: { state: 'halted' } }])
    expect((await life.sync()).outcome).toMatchObject({ kind: 'staged', releaseId: null })
    await runs(life, 'embedded')
  }),
  scenario('what no publisher has signed is refused, whatever the server’s key says', async (life, edge) => {
    edge.say([{ release: stranger.publish({ version: '1.0.0', sequence: 10 }) }])
    await life.boot()
    await fails(life, 'signature-invalid')
  }),
  scenario('what only the server can judge waits, and what was staged stays', async (life, edge) => {
    edge.say([{ release: v1 }])
    await life.boot()
    await syncs(life, { kind: 'staged' })
    edge.say([{ release: v2, rollout: FOR_DEVICES }, { release: v1 }])
    await fails(life, 'check-failed')
    await runs(life, '1.0.0')
  }),
  scenario(
    'rules are about all that the server would be told',
    async (life, edge) => {
      const rules = [
        { attribute: 'nativeBuild' as const, in: ['42'] },
        { attribute: 'osVersion' as const, range: '>=14' },
        { attribute: 'locale' as const, in: ['de'] },
      ]
      const audience = { ...FOR_DEVICES.audience, devices: [], percentage: 100, rules }
      edge.say([{ release: v2, rollout: { audience } }, { release: v1 }])
      await life.boot()
      await syncs(life, { kind: 'staged', version: '1.1.0' })
      await life.do({ do: 'host', change: { nativeBuild: '43' } })
      await life.boot()
      await syncs(life, { kind: 'staged', version: '1.0.0' })
    },
    undefined,
    { nativeBuild: '42', osVersion: '14.1', locale: 'de_AT' },
  ),
  scenario('reports wait for a server', async (life, edge) => {
    edge.say([{ release: v1 }])
    await life.boot()
    await install(life, v1)
    const { json } = await life.flushReports({ json: ['ota/outbox.json'] })
    expect(JSON.stringify(json)).toMatch(/download-started.*confirmed/)
  }),
  scenario(
    'a name of a channel is one name of a path',
    async (life, edge) => {
      edge.say([{ release: v1 }])
      await life.boot()
      await fails(life, 'check-failed')
      expect(life.server.requests.at(-1)?.url).toContain('/android/b%C3%A9ta%20(2)%2Fx/latest.json')
    },
    { channel: 'béta (2)/x' },
  ),
]

/** What an edge does after the device has taken 1.0.0 of it, and what becomes of that. */
const HOSTILE: [what: string, does: (edge: FakeEdge, older: Uint8Array) => void, code: string][] = [
  ['shows an older word', (edge, older) => edge.files.set(POINTER, older), 'catalog-too-old'],
  [
    'signs with a key of its own',
    (edge) => void edge.say([{ release: v2 }], {}, stranger.privateKey),
    'signature-invalid',
  ],
  ['speaks of another app', (edge) => void edge.say([{ release: v2 }], { appId: 'another' }), 'wrong-app'],
  ['speaks of another platform', (edge) => void edge.say([{ release: v2 }], { platform: 'ios' }), 'wrong-platform'],
  ['speaks of another channel', (edge) => void edge.say([{ release: v2 }], { channel: 'staging' }), 'answer-invalid'],
  [
    'is good for ever',
    (edge) => void edge.say([{ release: v2 }], { expiresAt: timeAt(BEGINNING + 9 * DAY_MS) }),
    'answer-invalid',
  ],
  [
    'ends in the middle',
    (edge) => edge.files.set(POINTER, (edge.files.get(POINTER) ?? new Uint8Array()).subarray(0, 100)),
    'answer-invalid',
  ],
  ['never ends', (edge) => edge.files.set(POINTER, new Uint8Array(40_000)), 'answer-invalid'],
  ['is empty', (edge) => edge.files.set(POINTER, new Uint8Array()), 'answer-invalid'],
  ['is no JSON', (edge) => edge.files.set(POINTER, utf8FromText('<html>')), 'answer-invalid'],
  ['is no UTF-8', (edge) => edge.files.set(POINTER, new Uint8Array([0x7b, 0xff, 0x7d])), 'answer-invalid'],
  ['is gone', (edge) => edge.files.clear(), 'check-failed'],
  [
    'has another catalog at the place',
    (edge) =>
      swapCatalog(edge, (bytes) =>
        utf8FromText(Buffer.from(bytes).toString().replaceAll('release-1.1.0', 'release-1.0.0')),
      ),
    'hash-mismatch',
  ],
  ['has a shorter catalog', (edge) => swapCatalog(edge, (bytes) => bytes.subarray(0, -1)), 'hash-mismatch'],
  [
    'has a longer catalog',
    (edge) => swapCatalog(edge, (bytes) => utf8FromText(`${Buffer.from(bytes).toString()} `)),
    'answer-invalid',
  ],
  [
    'says that a catalog is huge',
    (edge) => void edge.say([{ release: v2 }], { catalog: { sha256: 'a'.repeat(64), sizeBytes: 3_000_000_000 } }),
    'answer-invalid',
  ],
]

function swapCatalog(edge: FakeEdge, change: (bytes: Uint8Array) => Uint8Array): void {
  const { catalog } = edge.say([{ release: v2 }])
  const path = [...edge.files.keys()].find((name) => name.includes(catalog.sha256)) ?? ''
  edge.files.set(path, change(edge.files.get(path) ?? new Uint8Array()))
}

const hostile = HOSTILE.map(([what, does, code]) =>
  scenario(`an edge that ${what}`, async (life, edge) => {
    edge.say([{ release: v1 }])
    const older = edge.files.get(POINTER) ?? new Uint8Array()
    edge.say([{ release: v1 }])
    await life.boot()
    await install(life, v1)
    does(edge, older)
    await fails(life, code)
    // Whatever it does, what runs goes on.
    await runs(life, '1.0.0')
  }),
)

const keys: NewScenario[] = [
  scenario(
    'a key document by a publisher of another app is not looked at while the known one is good',
    async (life, edge) => {
      edge.say([{ release: v1 }])
      await life.boot()
      await install(life, v1)
      edge.signKeys({}, stranger.privateKey)
      await syncs(life, { kind: 'up-to-date' })
    },
  ),
  scenario('and refused by whoever needs one', async (life, edge) => {
    edge.signKeys({}, stranger.privateKey)
    edge.say([{ release: v1 }])
    await life.boot()
    await fails(life, 'signature-invalid')
  }),
  scenario('a key document for another app', async (life, edge) => {
    edge.signKeys({ appId: 'another' })
    edge.say([{ release: v1 }])
    await life.boot()
    await fails(life, 'wrong-app')
  }),
  scenario('a key document that says how to end the edge', async (life, edge) => {
    edge.say([{ release: v1 }])
    await life.boot()
    await install(life, v1)
    edge.signKeys({ version: 7, keys: [] })
    edge.say([{ release: v2 }], { keysVersion: 7 }, stranger.privateKey)
    await fails(life, 'check-failed')
  }),
  scenario('the keys are fetched once', async (life, edge) => {
    edge.say([{ release: v1 }])
    await life.boot()
    await life.sync()
    await life.boot()
    await life.sync()
    expect(life.server.requests.filter(({ url }) => url.endsWith(KEYS))).toHaveLength(1)
  }),
  scenario('the server’s key is changed, while the one before is good yet', async (life, edge) => {
    edge.say([{ release: v1 }])
    await life.boot()
    await install(life, v1)
    rotate(edge)
    edge.say([{ release: v2 }], {}, nextServer.privateKey)
    await install(life, v2)
  }),
  scenario('a key that was taken away is not put back, also not in another process', async (life, edge) => {
    edge.say([{ release: v1 }])
    const old = new Map(edge.files)
    await life.boot()
    await install(life, v1)
    rotate(edge)
    edge.say([{ release: v1 }], {}, nextServer.privateKey)
    await syncs(life, { kind: 'up-to-date' })
    for (const [name, bytes] of old) edge.files.set(name, bytes)
    await fails(life, 'catalog-too-old')
    await life.boot()
    await fails(life, 'catalog-too-old')
  }),
  scenario('a stolen key that was pushed as far as it goes is mended by a new one', async (life, edge) => {
    edge.say([{ release: v1 }])
    await life.boot()
    await install(life, v1)
    edge.say([{ release: v1 }], { generation: Number.MAX_SAFE_INTEGER })
    await syncs(life, { kind: 'up-to-date' })
    edge.say([{ release: v2 }])
    await fails(life, 'catalog-too-old')
    rotate(edge)
    edge.say([{ release: v2 }], {}, nextServer.privateKey)
    await syncs(life, { kind: 'staged', version: '1.1.0' })
  }),
  scenario('and one that has said a time to come, too', async (life, edge) => {
    edge.say([{ release: v1 }])
    await life.boot()
    await install(life, v1)
    const [issuedAt, expiresAt] = [timeAt(BEGINNING + 9_000 * DAY_MS), timeAt(BEGINNING + 9_001 * DAY_MS)]
    edge.say([{ release: v1 }], { issuedAt, expiresAt })
    await syncs(life, { kind: 'up-to-date' })
    edge.say([{ release: v2 }])
    await fails(life, 'catalog-expired')
    rotate(edge)
    edge.say([{ release: v2 }], {}, nextServer.privateKey)
    await syncs(life, { kind: 'staged', version: '1.1.0' })
  }),
  scenario('what had ended when the keys were signed has ended, also by a clock that is behind', async (life, edge) => {
    edge.say([{ release: v1 }])
    const old = edge.files.get(POINTER) ?? new Uint8Array()
    await life.boot()
    await install(life, v1)
    const notAfter = timeAt(BEGINNING + 100 * DAY_MS)
    const both = [edge.server, nextServer].map(({ publicKey }) => ({ publicKey, notAfter }))
    edge.signKeys({ keys: both, createdAt: timeAt(BEGINNING + 8 * HOUR_MS) })
    // It has the new document fetched, and nothing more.
    edge.say([{ release: v2 }], {}, stranger.privateKey)
    await fails(life, 'signature-invalid')
    edge.files.set(POINTER, old)
    await fails(life, 'catalog-expired')
  }),
  scenario('a key that has come to its end is believed no longer', async (life, edge) => {
    edge.signKeys({ keys: [{ publicKey: edge.server.publicKey, notAfter: timeAt(BEGINNING + HOUR_MS) }] })
    edge.say([{ release: v1 }])
    await life.boot()
    await syncs(life, { kind: 'staged' })
    await life.do({ do: 'setClock', byMs: HOUR_MS })
    await fails(life, 'catalog-expired')
  }),
]

const time: NewScenario[] = [
  scenario('a mirror that shows nothing newer, for hours', async (life, edge) => {
    edge.say([{ release: v1 }])
    await life.boot()
    await install(life, v1)
    await life.do({ do: 'setClock', byMs: 7 * HOUR_MS })
    await fails(life, 'catalog-expired')
    await runs(life, '1.0.0')
  }),
  scenario('a clock that was set back finds out by what was heard before', async (life, edge) => {
    edge.say([{ release: v1 }])
    const old = edge.files.get(POINTER) ?? new Uint8Array()
    await life.boot()
    await syncs(life, { kind: 'staged' })
    await life.do({ do: 'setClock', byMs: 8 * HOUR_MS })
    const [issuedAt, expiresAt] = [timeAt(BEGINNING + 8 * HOUR_MS), timeAt(BEGINNING + 14 * HOUR_MS)]
    edge.say([{ release: v1 }], { issuedAt, expiresAt })
    await syncs(life, { kind: 'staged' })
    await life.do({ do: 'setClock', byMs: -8 * HOUR_MS })
    edge.files.set(POINTER, old)
    // Were it only for the clock, it would be good.
    await fails(life, 'catalog-expired')
  }),
  scenario('a clock that is behind finds out by the time that an honest mirror tells', async (life, edge) => {
    edge.say([{ release: v1 }])
    life.server.intercept = (request) => {
      const answer = edge.respond(request.url, request)
      const date = new Date(BEGINNING + 7 * HOUR_MS).toUTCString()
      return answer && { ...answer, headers: { ...answer.headers, date } }
    }
    await life.boot()
    await fails(life, 'catalog-expired')
  }),
  scenario('a time in another form than that of HTTP is none', async (life, edge) => {
    edge.say([{ release: v1 }])
    life.server.intercept = (request) => {
      const answer = edge.respond(request.url, request)
      return answer && { ...answer, headers: { ...answer.headers, date: timeAt(BEGINNING + 7 * HOUR_MS) } }
    }
    await life.boot()
    await syncs(life, { kind: 'staged', version: '1.0.0' })
  }),
  scenario(
    'a clock that is far ahead believes nothing, and asks the server',
    async (life, edge) => {
      edge.say([{ release: v1 }])
      life.server.target = { release: v2 }
      await life.do({ do: 'setClock', byMs: 365 * DAY_MS })
      await life.boot()
      expect(await life.sync()).toMatchObject({
        events: [{ code: 'catalog-expired' }, {}],
        outcome: { kind: 'staged' },
      })
      expect(life.server.kinds()).toContain('failed:catalog-expired')
    },
    { serverUrl: SERVER },
  ),
]

const withServer: NewScenario[] = [
  scenario(
    'nothing is asked of the server but to take reports, as long as the edge can say',
    async (life, edge) => {
      edge.say([{ release: v1 }])
      await life.boot()
      await install(life, v1)
      await life.flushReports()
      const asked = life.server.requests.flatMap(({ url }) => (url.startsWith(SERVER) ? [url] : []))
      expect(new Set(asked)).toEqual(new Set([`${SERVER}/events`]))
      expect(life.server.kinds()).toEqual(['download-started', 'downloaded', 'applied', 'confirmed'])
    },
    { serverUrl: SERVER },
  ),
  scenario(
    'it judges what the edge leaves to it',
    async (life, edge) => {
      edge.say([{ release: v2, rollout: FOR_DEVICES }, { release: v1 }])
      life.server.target = { release: v2 }
      await life.boot()
      await install(life, v2)
    },
    { serverUrl: SERVER },
  ),
  scenario(
    'it is asked when the edge is not believed, and hears of that once',
    async (life, edge) => {
      edge.say([{ release: v1 }], {}, stranger.privateKey)
      life.server.target = { release: v2 }
      await life.boot()
      const refused = [{ type: 'edge-refused', code: 'signature-invalid' }]
      expect((await life.sync()).events).toEqual(expect.arrayContaining(refused))
      expect((await life.sync()).events).toEqual(refused)
      expect(life.server.kinds().filter((kind) => kind === 'failed:signature-invalid')).toHaveLength(1)
    },
    { serverUrl: SERVER },
  ),
  scenario(
    'it is asked when nobody answers at the edge',
    async (life) => {
      life.server.intercept = (request) => {
        if (request.url.startsWith(EDGE_URL)) throw new Error('no route to host')
        return undefined
      }
      life.server.target = { release: v2 }
      await life.boot()
      await install(life, v2)
    },
    { serverUrl: SERVER },
  ),
  scenario(
    'it may come first, and the edge when it is not reached',
    async (life, edge) => {
      edge.say([{ release: v1 }])
      life.server.target = { release: v2 }
      life.server.intercept = (request) => {
        if (request.url === `${SERVER}/update/check`) throw new Error('no route to host')
        return edge.respond(request.url, request)
      }
      await life.boot()
      await syncs(life, { kind: 'staged', version: '1.0.0' })
      life.server.intercept = (request) => edge.respond(request.url, request)
      await syncs(life, { kind: 'staged', version: '1.1.0' })
    },
    { serverUrl: SERVER, edge: { url: EDGE_URL, order: 'fallback' } },
  ),
  scenario(
    'first, and nothing of an edge is asked when it said no',
    async (life, edge) => {
      edge.say([{ release: v1 }])
      life.server.tamper = () => utf8FromText('{')
      await life.boot()
      await fails(life, 'answer-invalid')
      expect(life.server.requests.some(({ url }) => url.startsWith(EDGE_URL))).toBe(false)
    },
    { serverUrl: SERVER, edge: { url: EDGE_URL, order: 'fallback' } },
  ),
]

const kept: NewScenario[] = [
  scenario(
    'what was believed outlives the process, and no more is lost with the file than what it bars',
    async (life, edge) => {
      edge.say([{ release: v1 }])
      const older = edge.files.get(POINTER) ?? new Uint8Array()
      edge.say([{ release: v1 }])
      await life.boot()
      expect((await life.sync({ operations: true })).outcome).toMatchObject({ kind: 'staged' })
      edge.files.set(POINTER, older)
      await life.boot()
      await fails(life, 'catalog-too-old')
      await life.do({ do: 'write', path: MEMORY, body: life.body(utf8FromText('{')) })
      await life.boot()
      await syncs(life, { kind: 'up-to-date' })
    },
  ),
  scenario('power that goes after a word was believed takes nothing of that', async (life, edge) => {
    edge.say([{ release: v1 }])
    const older = edge.files.get(POINTER) ?? new Uint8Array()
    edge.say([{ release: v1 }])
    await life.boot()
    await life.check()
    await life.do({ do: 'powerCut', survives: 'nothing' })
    edge.files.set(POINTER, older)
    await life.boot()
    await fails(life, 'catalog-too-old')
  }),
  scenario('a disk that is full: what cannot be kept is not believed', async (life, edge) => {
    await life.boot()
    edge.say([{ release: v1 }])
    await life.do({ do: 'fullDisk', isFull: true })
    await fails(life, 'storage-full')
    await life.do({ do: 'fullDisk', isFull: false })
    await syncs(life, { kind: 'staged', version: '1.0.0' })
  }),
  scenario(
    'an edge whose address is not safe is not asked',
    async (life) => {
      await life.boot()
      await fails(life, 'insecure-url')
    },
    { edge: { url: 'http://cdn.test' } },
  ),
]

const usual = scenarioDevice([publisher.publicKey])

describeScenarios(
  'static edge',
  {
    section: 'Static edge §8, §9',
    comment:
      'What a device does by an edge, alone and beside a server, and what whoever serves its files can do to it.',
    device: { ...usual, config: { ...usual.config, serverUrl: '', edge: { url: EDGE_URL } } },
    releases: [v1, v2],
  },
  [...withoutServer, ...hostile, ...keys, ...time, ...withServer, ...kept],
  '../edge/scenarios.json',
)
