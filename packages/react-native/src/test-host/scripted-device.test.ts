import fc from 'fast-check'
import { expect, test } from 'vitest'
// The engine that native ones follow, over a disk in memory.
import { createDevice } from '../../../client/src/testing/device.ts'
import { createFakeServer } from '../../../client/src/testing/fake-server.ts'
import { createPublisher } from '../../../client/src/testing/publisher.ts'
import { createScriptedDevice } from './scripted-device.ts'

type Deed =
  | { kind: 'start' | 'sync' | 'confirm' | 'crashed' | 'rollBack' | 'order-embedded' | 'offer-nothing' }
  | { kind: 'offer'; index: number }

const RELEASES = 4
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<Deed>({ kind: 'start' }, { kind: 'sync' }) },
  { weight: 4, arbitrary: fc.constant<Deed>({ kind: 'confirm' }) },
  { weight: 2, arbitrary: fc.constant<Deed>({ kind: 'crashed' }) },
  { weight: 4, arbitrary: fc.nat(RELEASES - 1).map((index): Deed => ({ kind: 'offer', index })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Deed>({ kind: 'rollBack' }, { kind: 'order-embedded' }, { kind: 'offer-nothing' }),
  },
)

/** Plays the same on both, and says what an app would see of each after every deed. */
async function play(deeds: readonly Deed[]): Promise<{ real: unknown[]; scripted: unknown[] }> {
  const publisher = createPublisher('archive')
  const releases = Array.from({ length: RELEASES }, (_, index) =>
    publisher.publish({ version: `1.${index + 1}.0`, sequence: index + 1 }),
  )
  const server = createFakeServer()
  const device = createDevice({ server })
  const scripted = createScriptedDevice({ nativeVersion: device.host.nativeVersion })
  await device.boot()
  scripted.start()
  const seen = { real: [] as unknown[], scripted: [] as unknown[] }
  for (const deed of deeds) {
    let answers: { real: unknown; scripted: unknown } = { real: undefined, scripted: undefined }
    if (deed.kind === 'start') {
      await device.boot()
      scripted.start()
    } else if (deed.kind === 'offer') {
      const release = releases[deed.index]!
      server.target = { release }
      scripted.offer({ releaseId: release.releaseId, version: release.version, sizeBytes: release.bundle.length })
    } else if (deed.kind === 'order-embedded') {
      server.target = { embedded: null }
      scripted.orderEmbedded()
    } else if (deed.kind === 'offer-nothing') {
      server.target = null
      scripted.offer(null)
    } else {
      const real = await device.engine[deed.kind]()
      const answer = await scripted.native[deed.kind]()
      // The engine does not say whether there was something that could have crashed.
      answers = { real, scripted: deed.kind === 'crashed' ? undefined : answer }
    }
    seen.real.push([deed.kind, simple(answers.real), statusOfEngine(device)])
    seen.scripted.push([deed.kind, simple(answers.scripted), statusOfScripted(scripted)])
  }
  return seen
}

/** What an app branches on; that a failed release is refused is one code, or nothing to update to. */
function simple(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) return answer
  const { kind, releaseId = null } = answer as { kind: string; releaseId?: string | null }
  return kind === 'failed' ? 'up-to-date' : [kind, releaseId].filter(Boolean).join(' ')
}

function statusOfEngine(device: ReturnType<typeof createDevice>) {
  const { running, standing, staged, previous, failedReleaseIds } = device.engine.status()
  const runs = running.kind === 'embedded' ? null : running.releaseId
  return { running: runs, standing, staged, previous, failed: failedReleaseIds.toSorted() }
}

function statusOfScripted(device: ReturnType<typeof createScriptedDevice>) {
  const { running, standing, staged, previous, failedReleaseIds } = device.native.status()
  return { running: running.releaseId, standing, staged, previous, failed: failedReleaseIds.toSorted() }
}

test('the scripted device lives as the engine does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 40 }), async (deeds) => {
      const { real, scripted } = await play(deeds)
      expect(scripted).toEqual(real)
    }),
    { numRuns: 150, seed: 7 },
  )
})

const take = (index: number): Deed[] => [{ kind: 'offer', index }, ...deeds('sync', 'start', 'confirm')]
const deeds = (...kinds: Exclude<Deed['kind'], 'offer'>[]): Deed[] => kinds.map((kind) => ({ kind }))

test.each<[string, Deed[], object]>([
  [
    'a confirmed release that crashes at several starts is rolled back',
    [...take(0), ...deeds('crashed', 'start', 'crashed', 'start', 'crashed', 'start')],
    { running: null, failed: ['release-1.1.0'] },
  ],
  [
    'silence says nothing of an app that never said it was ready but when that was due',
    [...take(0), ...deeds('start', 'start', 'start', 'start', 'start')],
    { running: 'release-1.1.0', failed: [] },
  ],
  [
    'and counts for one that says it always',
    [...deeds('confirm'), ...take(0), ...deeds('start', 'start', 'start', 'start')],
    { running: null, failed: ['release-1.1.0'] },
  ],
  [
    'what lies there as the last stable release is proven',
    [...take(0), ...take(1), { kind: 'offer', index: 0 }, ...deeds('sync', 'start')],
    { running: 'release-1.1.0', standing: 'confirmed', previous: null },
  ],
  [
    'a release on probation has two starts',
    [...take(0), { kind: 'offer', index: 1 }, ...deeds('sync', 'start', 'start', 'start')],
    { running: 'release-1.1.0', failed: ['release-1.2.0'] },
  ],
])('%s', async (_, story, end) => {
  const { real, scripted } = await play(story)
  expect(scripted).toEqual(real)
  expect(scripted.at(-1)).toMatchObject(['start', undefined, end])
})
