import { createHash } from 'node:crypto'
import { readExpoUpdateId } from '@hotpatch/protocol'
import { fixedClock } from '@hotpatch/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { textOf } from '../../ground/http/made-body.ts'
import type { PlainAnswer, PlainRequest } from '../../ground/http/plain-request.ts'
import type { OfferedAnswer } from '../../shipping/signed-answers/signed-answer-queries.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { CheckRoute } from '../../updates/dialect.ts'
import { createUpdateService } from '../../updates/update-service.ts'
import { CHANGE_STEPS, createRollouts, historyOf, which, type ChangeStep } from '../testing/simulated-history.ts'
import { expo } from './expo.ts'
import { createSimulatedExpoClient } from '@hotpatch/testkit/expo'

/** Before everything else: Expo §6 says what becomes of an update that is older than the binary. */
const BUILT_AT = 1_500_000_000_000
const dialect = expo()
const route = dialect.routes.find((each): each is CheckRoute => each.kind === 'check')
if (!route) throw new Error('It has no check.')

function requestOf(headers: Readonly<Record<string, string>>): PlainRequest {
  return {
    method: 'GET',
    path: '/expo/:app/manifest',
    params: { app: 'demo' },
    appName: undefined,
    query: {},
    body: undefined,
    bodyBytes: 0,
    address: '127.0.0.1',
    publicUrl: 'https://updates.example.com',
    header: (name) => headers[name],
  }
}

const received = (answer: PlainAnswer) => ({ ...answer, body: textOf(answer.body) })

const sha256Of = (text: string) => createHash('sha256').update(text).digest('hex')

interface Exported {
  bundle: string
  assets: readonly { bytes: string; ext: string }[]
  config?: Readonly<Record<string, unknown>> | undefined
  runtimeVersion?: string | undefined
}

function releaseOf(number: number, { bundle, assets, config, runtimeVersion }: Exported): OfferedRelease {
  const file = { sizeBytes: 1, contentType: 'application/octet-stream', brotli: null }
  const listed = assets.map(({ bytes, ext }) => ({
    path: `assets/${createHash('md5').update(bytes).digest('hex')}`,
    ext,
    sha256: sha256Of(bytes),
  }))
  const files = [
    { ...file, path: 'index.hbc', sha256: sha256Of(bundle) },
    ...listed.map((each) => ({ ...file, ...each })),
  ]
  return {
    id: `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`,
    version: `${number}.0.0`,
    sequence: number,
    floor: 0,
    keyId: null,
    isStated: false,
    requirement: runtimeVersion === undefined ? {} : { runtimeVersion },
    kind: 'files',
    content: {
      kind: 'files',
      sha256: sha256Of(JSON.stringify([number, files])),
      sizeBytes: 1,
      fileCount: files.length,
      totalBytes: files.length,
      exportedBy: 'expo',
    },
    exportedBy: 'expo',
    held: { files, exported: { platform: 'android', bundle: 'index.hbc', assets: listed, ...(config && { config }) } },
    variants: [],
    notes: '',
    signature: null,
    statement: null,
    statementSignature: null,
  }
}

/** A server of one catalog, as the desk has it, and what it remembers of devices. */
function createServer() {
  const clock = fixedClock()
  const failures = new Map<string, Set<string>>()
  const embeddedAnswers: OfferedAnswer[] = []
  const rollouts = createRollouts(embeddedAnswers)
  const updates = createUpdateService({
    clock,
    failedReleaseIds: (_app, device) => [...(failures.get(device) ?? [])],
    cohortsOf: () => [],
    allowsDeviceCohorts: () => false,
    takesOf: (_dialect, told) => dialect.takes(told),
  })

  function place(target: OfferedRelease | 'embedded', percentage: number, delayMs: number): void {
    const now = clock.now()
    rollouts.place(target, {
      startsAt: delayMs === 0 ? null : now + delayMs,
      startedAt: now + delayMs,
      audience: { devices: [], cohorts: [], percentage, buckets: 10_000, rules: [], slice: null },
    })
  }

  /** What a publisher signs with a publish, now: it, the one before it again, and the way back to embedded. */
  function sign(releases: readonly OfferedRelease[]): void {
    const now = clock.now()
    const [last, before] = releases.toReversed()
    if (last) last.answers = [...(last.answers ?? []), signedFor(now)]
    if (before) before.answers = [...(before.answers ?? []), signedFor(now + 1)]
    embeddedAnswers.push(signedFor(now + 2))
    rollouts.compile()
  }

  function answer(headers: Readonly<Record<string, string>>) {
    const request = requestOf(headers)
    const { check, events = [] } = route?.read(request) ?? { check: undefined }
    if (!check) throw new Error('It has no check.')
    const known = failures.get(check.deviceId ?? '') ?? new Set()
    const answered = updates.answer(rollouts.catalog(), { ...check, dialect: 'expo' })
    for (const { subject, code } of events) {
      const start = 'digestStart' in subject ? subject.digestStart : ''
      const failed = rollouts.findTarget((release) => digestStartOf(release) === start)
      if (code === 'launch-failed' && failed) known.add(failed.id)
    }
    failures.set(check.deviceId ?? '', known)
    return { answered, rendered: route?.render(answered, request) }
  }

  return { clock, place, sign, change: (step: ChangeStep) => rollouts.change(step, clock.now()), answer }
}

function signedFor(at: number): OfferedAnswer {
  const assetsUrl = 'https://updates.example.com/expo/demo/assets'
  return { keyId: 'main', at, signature: 'c2lnbmVk', chain: '', assetsUrl }
}

function digestStartOf({ content }: OfferedRelease): string {
  return content.kind === 'files' ? content.sha256.slice(0, 15) : ''
}

/** One thing that somebody does. */
type Step =
  | { do: 'publish' | 'place-again' | 'place-embedded'; which: number; percentage: number; delayMs: number }
  | { do: 'poll' | 'start' | 'break'; which: number }
  | ChangeStep

const placing = { which, percentage: fc.constantFrom(100, 100, 50, 10), delayMs: fc.constantFrom(0, 0, 0, 20_000) }
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('publish' as const), ...placing }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('place-again' as const, 'place-embedded' as const), ...placing }),
  },
  ...CHANGE_STEPS,
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('poll' as const, 'start' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('break' as const), which }) },
)

const MAX_BROKEN = 2

/** Each check takes place at some moment between. */
const history = historyOf(step)

test.each([
  { clientsThat: 'take what is not signed', isSigned: false },
  { clientsThat: 'take only what is signed', isSigned: true },
])(
  'whatever is published, widened, halted and rolled back, clients that $clientsThat end with what is decided',
  async ({ isSigned }) => {
    await fc.assert(
      fc.asyncProperty(history, fc.uniqueArray(fc.nat(10), { maxLength: 3 }), async (steps, bad) => {
        const server = createServer()
        const releases: OfferedRelease[] = []
        // What has started well does so no more, as of something that it depends on.
        const broken = new Set<number>()
        const isBad = (id: string) =>
          releases.some(
            (release, index) =>
              (bad.includes(index) || broken.has(index)) &&
              digestStartOf(release) === readExpoUpdateId(id)?.digestStart,
          )
        const clients = ['android', 'ios', 'android'].map((platform, index) =>
          createSimulatedExpoClient({
            platform: platform as 'android' | 'ios',
            deviceId: `0b0c0d0e-0000-4000-8000-00000000000${index + 1}`,
            runtimeVersion: '1',
            embedded: { id: 'f47ac10b-58cc-4372-a567-0e02b2c3d479', builtAt: BUILT_AT },
            starts: (id) => !isBad(id),
          }),
        )
        const poll = async (client: (typeof clients)[number]) => {
          const expected = isSigned && { 'expo-expect-signature': 'sig, keyid="main", alg="rsa-v1_5-sha256"' }
          const { answered, rendered } = server.answer({ ...client.headers(), ...expected })
          if (!rendered) throw new Error('No answer.')
          if (rendered.status === 200) expect(textOf(rendered.body).includes('expo-signature: ')).toBe(isSigned)
          return { answered, taken: await client.take(received(rendered)) }
        }
        const publish = ({ percentage, delayMs }: { percentage: number; delayMs: number }) => {
          const number = releases.length + 1
          const release = releaseOf(number, { bundle: `bundle ${number}`, assets: [{ bytes: 'logo', ext: 'png' }] })
          releases.push(release)
          server.place(release, percentage, delayMs)
          if (isSigned) server.sign(releases)
        }
        for (const [each, pauseMs] of steps) {
          server.clock.advance(pauseMs)
          switch (each.do) {
            case 'publish':
              publish(each)
              break
            case 'place-again':
            case 'place-embedded': {
              const again =
                each.do === 'place-embedded' ? 'embedded' : releases[each.which % Math.max(releases.length, 1)]
              if (again) server.place(again, each.percentage, each.delayMs)
              break
            }
            case 'end':
            case 'pause':
            case 'resume':
            case 'widen':
              server.change(each)
              break
            case 'poll': {
              const client = clients[each.which % clients.length]
              if (client) await poll(client)
              break
            }
            case 'break':
              if (broken.size < MAX_BROKEN) broken.add(each.which)
              break
            case 'start':
              clients[each.which % clients.length]?.launch()
          }
        }
        server.clock.advance(60_000)
        for (const client of clients) {
          // One round for each of the bad ones, at worst, and one to come to rest.
          for (let round = 0; round < bad.length + MAX_BROKEN + 4; round++) {
            client.launch()
            const { taken } = await poll(client)
            // Whatever is offered is taken: nothing is ever offered in vain.
            expect(taken).not.toBe('not-later')
            server.clock.advance(1_000)
          }
          client.launch()
          const { answered, taken } = await poll(client)
          expect([taken, answered.decision.kind]).toEqual(['nothing', 'up-to-date'])
          const runs = readExpoUpdateId(client.launched())
          const release = releases.find((each) => digestStartOf(each) === runs?.digestStart)
          expect(answered.device.currentReleaseId).toBe(release?.id ?? null)
        }
      }),
      { numRuns: Number(process.env.EXPO_HISTORIES ?? 200) },
    )
  },
)

test('what another server left under the same address does not stand in the way, and is not told to this one', async () => {
  const server = createServer()
  server.place(releaseOf(1, { bundle: 'one', assets: [] }), 100, 0)
  const hidden = { id: 'f47ac10b-58cc-4372-a567-000000000002', metadata: { branchName: 'beta' } }
  const ran = { id: 'f47ac10b-58cc-4372-a567-000000000001', metadata: { branchName: 'main' } }
  const client = createSimulatedExpoClient({
    platform: 'android',
    deviceId: '0b0c0d0e-0000-4000-8000-000000000001',
    runtimeVersion: '1',
    embedded: { id: 'f47ac10b-58cc-4372-a567-0e02b2c3d479', builtAt: BUILT_AT },
    left: {
      updates: [
        { ...ran, commitTime: server.clock.now() - 2_000 },
        // Later than all that this server has, and kept from the device by the filter alone.
        { ...hidden, commitTime: server.clock.now() + 86_400_000 },
      ],
      manifestFilters: { branchname: 'main' },
      serverDefined: { 'former-server': 'a token' },
    },
    starts: () => true,
  })
  client.launch()
  expect([client.launched(), client.headers()]).toEqual([
    ran.id,
    expect.objectContaining({ 'former-server': 'a token' }),
  ])
  const poll = async () => {
    const { rendered } = server.answer(client.headers())
    if (!rendered) throw new Error('No answer.')
    return client.take(received(rendered))
  }
  expect(await poll()).toBe('loaded')
  expect(client.headers()).not.toHaveProperty('former-server')
  client.launch()
  expect(readExpoUpdateId(client.launched())).toBeDefined()

  // Sent back to embedded, it goes on telling so.
  server.place('embedded', 100, 0)
  expect(await poll()).toBe('sent-back')
  client.launch()
  expect(client.launched()).toBe('f47ac10b-58cc-4372-a567-0e02b2c3d479')
  for (let times = 0; times < 2; times++) {
    expect(client.headers()).toHaveProperty('hotpatch-sent-back-at')
    expect(await poll()).toBe('nothing')
  }
})

test('whatever an export has in it, every answer is one that clients read', async () => {
  const ext = fc.constantFrom('png', 'ttf', 'JPG', 'mp3', 'xml', 'db')
  const assets = fc.uniqueArray(fc.record({ bytes: fc.string(), ext }), {
    selector: ({ bytes }) => bytes,
    maxLength: 8,
  })
  const config = fc.dictionary(
    fc.string().filter((key) => !KNOWN.includes(key)),
    fc.jsonValue(),
    { noNullPrototype: true },
  )
  const exported = fc.record(
    {
      bundle: fc.string(),
      assets,
      config,
      runtimeVersion: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
    },
    { requiredKeys: ['bundle', 'assets'] },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(exported, { minLength: 1, maxLength: 4 }), fc.boolean(), async (all, isSentBack) => {
      const server = createServer()
      for (const [index, each] of all.entries()) server.place(releaseOf(index + 1, each), 100, 0)
      if (isSentBack) server.place('embedded', 100, 0)
      const last = all.at(-1)
      const client = createSimulatedExpoClient({
        platform: 'ios',
        deviceId: '0b0c0d0e-0000-4000-8000-000000000001',
        runtimeVersion: isSentBack ? '1' : (last?.runtimeVersion ?? '1').toWellFormed(),
        embedded: { id: 'f47ac10b-58cc-4372-a567-0e02b2c3d479', builtAt: BUILT_AT },
        starts: () => true,
      })
      const { rendered } = server.answer(client.headers())
      if (!rendered) throw new Error('No answer.')
      expect(await client.take(received(rendered))).toBe(isSentBack ? 'nothing' : 'loaded')
    }),
    { numRuns: Number(process.env.EXPO_HISTORIES ?? 200) },
  )
})

/** What Expo's modules read: `expo-wire.json` has what is refused of them. */
const KNOWN: readonly string[] = ['name', 'slug', 'version', 'ios', 'extra', 'plugins', 'updates', 'experiments']
