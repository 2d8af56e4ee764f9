import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StartOptions } from '../recovery/launch.ts'
import type { Survival } from '../memory/memory-files.ts'
import { createDevice, type Device } from '../testing/device.ts'
import { createFakeServer, type FakePatch, type Target } from '../testing/fake-server.ts'
import { patchBetween } from '../testing/patches.ts'
import { createPublisher, type PublishedRelease, type TestedKind } from '../testing/publisher.ts'

function storyOf(kind: TestedKind) {
  const publisher = createPublisher(kind)
  const releases = [
    publisher.publish({ version: '1.0.0', sequence: 10 }),
    publisher.publish({ version: '1.1.0', sequence: 11 }),
    publisher.publish({ version: '1.2.0', sequence: 12, floor: 11 }),
    publisher.publish({ version: '1.3.0', sequence: 13 }),
  ]
  const targets: Target[] = [
    null,
    ...releases.map((release) => ({ release })),
    { embedded: null },
    { embedded: publisher.orderEmbedded(12) },
  ]
  return { publisher, releases, targets }
}

/** From each to each, and packed; every third one is damaged. */
async function patchesAmong(releases: readonly PublishedRelease[]): Promise<FakePatch[]> {
  const pairs = releases.flatMap((base) => releases.filter((target) => target !== base).map((target) => [base, target]))
  const packed = releases.map((target) => [null, target] as const)
  const all = [...pairs.map(([base, target]) => [base!, target!] as const), ...packed]
  const patches = await Promise.all(all.map(([base, target]) => patchBetween(base, target)))
  return patches.map((patch, index) => (index % 3 === 2 ? { ...patch, bytes: patch.bytes.toReversed() } : patch))
}

const TARGETS = 7

/** What a day can bring; `cut` goes to the disk, at some change from now on. */
type Deed =
  | { kind: 'boot' | 'boot-unseen' | 'confirm' | 'sync' | 'crash' | 'replace-binary' | 'replace-build' }
  | { kind: 'target'; index: number }
  | { kind: 'network'; isUp: boolean }
  | { kind: 'cut'; stopAt: number; survival: 'worst' | 'best' | 'random'; seed: number }
  | { kind: 'full'; fullAt: number }

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Deed>({ kind: 'boot' }) },
  { weight: 6, arbitrary: fc.constant<Deed>({ kind: 'sync' }) },
  { weight: 4, arbitrary: fc.constant<Deed>({ kind: 'confirm' }) },
  { weight: 3, arbitrary: fc.constantFrom<Deed>({ kind: 'crash' }, { kind: 'boot-unseen' }) },
  { weight: 1, arbitrary: fc.constantFrom<Deed>({ kind: 'replace-build' }, { kind: 'replace-binary' }) },
  { weight: 5, arbitrary: fc.nat(TARGETS - 1).map((index): Deed => ({ kind: 'target', index })) },
  { weight: 1, arbitrary: fc.boolean().map((isUp): Deed => ({ kind: 'network', isUp })) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('cut' as const),
      stopAt: fc.integer({ min: 1, max: 40 }),
      survival: fc.constantFrom('worst' as const, 'best' as const, 'random' as const, 'random' as const),
      seed: fc.nat(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('full' as const), fullAt: fc.integer({ min: 1, max: 30 }) }) },
)

test.each<{ name: string; kind: TestedKind; isPatched?: true }>([
  { name: 'archives', kind: 'archive' },
  { name: 'patches', kind: 'archive', isPatched: true },
  { name: 'files', kind: 'files' },
])(
  '$name: whatever happens, what starts is whole and verified, and nothing goes below the floor',
  async ({ kind, isPatched }) => {
    const { publisher, releases, targets } = storyOf(kind)
    const patches = isPatched ? await patchesAmong(releases) : []
    expect(targets).toHaveLength(TARGETS)
    const property = fc.asyncProperty(fc.array(deed, { minLength: 5, maxLength: 40 }), async (deeds) => {
      const server = createFakeServer()
      server.patches = patches
      const device = createDevice({ server, publicKeys: [publisher.publicKey] })
      const witness = createWitness(device, releases)
      let survival: Survival = 'worst'
      let isUp = true
      server.intercept = () => {
        if (!isUp || device.disk().hasStopped()) throw new Error('no network')
        return undefined
      }
      await witness.boot()
      for (const next of deeds) {
        if (next.kind === 'network') isUp = next.isUp
        if (next.kind === 'cut')
          survival = next.survival === 'random' ? { random: randomFrom(next.seed) } : next.survival
        if (next.kind === 'target') server.target = targets[next.index] ?? null
        await carryOut(next, device, witness)
        while (device.disk().hasStopped()) {
          device.cutPower(survival)
          await witness.boot()
        }
      }
      // Calm again, a good release arrives on any device that has not seen it fail.
      isUp = true
      device.disk().arrange({})
      await witness.boot()
      const last = releases[3] ?? expect.unreachable()
      if (device.engine.status().failedReleaseIds.includes(last.releaseId)) return
      await device.engine.confirm()
      server.target = { release: last }
      await device.engine.sync()
      await witness.boot()
      expect(device.engine.status().running).toMatchObject({ releaseId: last.releaseId })
    })
    await fc.assert(property, { numRuns: 300 })
  },
)

async function carryOut(next: Deed, device: Device, witness: ReturnType<typeof createWitness>) {
  switch (next.kind) {
    case 'boot':
      return witness.boot()
    case 'confirm':
      return device.engine.confirm()
    case 'sync':
      return device.engine.sync()
    case 'crash':
      // The app may be told that its disk is full; it goes on.
      return device.engine.crashed().catch(() => undefined)
    case 'boot-unseen':
      return witness.boot({ inBackground: true })
    case 'replace-build':
      device.host = { ...device.host, nativeBuild: `${device.host.nativeBuild ?? ''}1` }
      return witness.boot()
    case 'replace-binary':
      device.host = { ...device.host, nativeVersion: `${device.host.nativeVersion}.1` }
      return witness.boot()
    case 'cut':
      return device.disk().arrange({ stopAt: next.stopAt })
    case 'full':
      return device.disk().arrange({ fullAt: next.fullAt })
    case 'target':
    case 'network':
      return undefined
  }
}

/** Starts the device and judges every start by those before it. */
function createWitness(device: Device, releases: readonly PublishedRelease[]) {
  let [highWater, floor, ran] = [0, 0, 'embedded']
  const failed = new Set<string>()

  async function boot(options: StartOptions = {}): Promise<void> {
    const launched = await device.boot(device.disk(), options)
    if (device.disk().hasStopped()) return
    const runs = device.identify(launched, releases)
    const status = device.engine.status()
    expect(status.highWater).toBeGreaterThanOrEqual(highWater)
    expect(status.floor).toBeGreaterThanOrEqual(floor)
    for (const releaseId of status.failedReleaseIds) failed.add(releaseId)
    const release = releases.find(({ version }) => version === runs)
    if (release) {
      expect(failed).not.toContain(release.releaseId)
      if (runs !== ran) expect(release.sequence).toBeGreaterThanOrEqual(status.floor)
    }
    ;({ highWater, floor } = status)
    ran = runs
  }

  return { boot }
}

function randomFrom(seed: number): () => number {
  let state = seed | 1
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state / 0x80000000
  }
}
