import { writeZip } from '@hotpatch/testkit/archives'
import { describe, expect, test } from 'vitest'
import { COMPONENT_ADAPTERS } from '../components/component-adapters.ts'
import { coordinatorAdapter } from '../launcher/coordinator-adapter.ts'
import { findOpenApply } from './coordinator.ts'
import { recoveryOf } from './kit-states.ts'
import type { LossyDisk, Survival } from '../testing/lossy-disk.ts'
import { aRelease, createWorld, type Faults, type TestRelease, type World } from '../testing/apply-world.ts'

/** The long form, which takes minutes. */
const EVERY_CUT = process.env.HOTPATCH_EVERY_CUT === '1'
const SURVIVALS: readonly Survival[] = ['worst', 'best']

const OLD = aRelease('1.0.0', 1, { web: 'web 1', gateway: 'gateway 1', installer: 'installer 1' })
const NEW = aRelease('1.1.0', 2, { web: 'web 2', gateway: 'gateway 2', installer: 'installer 2' })

async function installed(release: TestRelease): Promise<LossyDisk> {
  const world = createWorld()
  expect(await world.apply(release)).toMatchObject({ kind: 'committed', unfinished: undefined, failed: [] })
  return world.disk()
}

const oldDisk = await installed(OLD)
const OLD_WHOLE = createWorld(oldDisk.copy()).snapshot()
const NEW_WHOLE = await wholeAfter(NEW)

async function wholeAfter(release: TestRelease): Promise<string> {
  const world = createWorld(oldDisk.copy())
  await world.apply(release)
  return world.snapshot()
}

function startWorld(faults: Faults = {}): World {
  const world = createWorld(oldDisk.copy())
  Object.assign(world.faults, faults)
  return world
}

const told = ({ reports }: World) => [...reports.keys()].map((key) => key.slice(key.indexOf(' ') + 1)).toSorted()

const toldOfAll = (kind: string) => ['gateway', 'installer', 'web'].map((id) => `${id} ${kind}`)

interface Story {
  release: TestRelease
  faults?: Faults
  /** What it comes to undisturbed. */
  end: 'committed' | 'reverted'
}

const STORIES: Record<string, Story> = {
  'all goes well': { release: NEW, end: 'committed' },
  'the probe of a component fails': {
    release: aRelease('1.2.0', 3, { web: 'web 3', gateway: 'gateway ill', installer: 'installer 3' }),
    end: 'reverted',
  },
  'the probe of the whole kit fails': {
    release: aRelease('1.2.0', 3, { web: 'web ill', gateway: 'gateway 3', installer: 'installer 3' }),
    end: 'reverted',
  },
  'a probe hangs': {
    release: aRelease('1.2.0', 3, { web: 'web 3', gateway: 'gateway hangs', installer: 'installer 3' }),
    end: 'reverted',
  },
  'a service does not start': {
    release: aRelease('1.2.0', 3, { web: 'web 3', gateway: 'no start', installer: 'installer 3' }),
    end: 'reverted',
  },
  'an apply throws at its end': { release: NEW, faults: { applyThrows: 'gateway' }, end: 'reverted' },
  'a revert throws once': { release: NEW, faults: { applyThrows: 'gateway', revertThrows: 1 }, end: 'reverted' },
}

/** Recovers until the power stays, and holds the chain against the table. */
async function recoverAll(world: World, cuts: readonly { survival: Survival; stopAt?: number }[]): Promise<void> {
  for (const { survival, stopAt } of cuts) {
    world.cutPower(survival, stopAt === undefined ? {} : { stopAt })
    const open = await findOpenApply({ disk: world.disk().copy(), crypto: world.context().ports.crypto })
    const outcome = await world.recover().catch((error: unknown) => {
      if (!world.disk().hasStopped()) throw error
    })
    if (world.disk().hasStopped() || !outcome) continue
    const expected = open
      ? {
          'take-back': 'reverted',
          'stage-again': 'reverted',
          finish: 'committed',
          'wait-for-people': 'stuck',
          close: open.state === 'cleaned' ? 'committed' : 'reverted',
        }[recoveryOf(open.state)]
      : 'nothing-open'
    expect(outcome.kind).toBe(expected)
    return
  }
  if (world.disk().hasStopped()) throw new Error('the power has to stay at last')
  await world.recover()
}

/** Wholly old or wholly new, and everything that is told agrees. */
function expectWhole(world: World, { release, end }: Story): 'old' | 'new' {
  const snapshot = world.snapshot()
  const isNew = snapshot === NEW_WHOLE && release === NEW
  if (!isNew) expect(snapshot).toBe(OLD_WHOLE)
  expect(world.running()).toBe(isNew ? 'gateway 2' : 'gateway 1')
  const all = told(world)
  if (isNew) {
    expect(end).toBe('committed')
    for (const kind of ['planned', 'downloaded', 'applied', 'confirmed']) {
      expect(all).toEqual(expect.arrayContaining([...toldOfAll(kind), ...(kind === 'planned' ? [] : [`kit ${kind}`])]))
    }
    expect(all.filter((each) => /rolled-back|failed/.test(each))).toEqual([])
    return 'new'
  }
  expect(all.filter((each) => each.endsWith('confirmed'))).toEqual([])
  // Nothing at all of one that had not begun.
  if (all.length > 0) expect(all.filter((each) => /^kit (rolled-back|failed)$/.test(each))).toHaveLength(1)
  for (const id of ['web', 'gateway']) if (all.includes(`${id} applied`)) expect(all).toContain(`${id} rolled-back`)
  return 'old'
}

async function play(
  { release, faults }: Story,
  options: { stopAt: number; fullAt?: number },
  cuts: Parameters<typeof recoverAll>[1],
): Promise<World> {
  const world = startWorld(faults)
  world.disk().arrange(options)
  await world.apply(release).catch((error: unknown) => {
    if (!world.disk().hasStopped()) expect(error).toMatchObject({ code: 'storage-full' })
  })
  if (world.disk().hasStopped()) await recoverAll(world, cuts)
  return world
}

async function changesOf(story: Story): Promise<number> {
  const world = startWorld(story.faults)
  world.disk().arrange({})
  const outcome = await world.apply(story.release)
  expect(outcome).toMatchObject({ kind: story.end })
  expectWhole(world, story)
  return world.disk().changes()
}

const isPlayed = (index: number, every: number) => EVERY_CUT || index % every === 0

describe.each(Object.entries(STORIES))('%s', (_, story) => {
  test.each(SURVIVALS)('the power goes at every change of the disk (%s case)', async (survival) => {
    const changes = await changesOf(story)
    expect(changes).toBeGreaterThan(60)
    const ends = new Set<string>()
    for (let stopAt = 1; stopAt <= changes; stopAt += 1) {
      if (!isPlayed(stopAt, story.end === 'committed' ? 4 : 16)) continue
      const world = await play(story, { stopAt }, [{ survival }])
      try {
        ends.add(expectWhole(world, story))
        // It is not stuck in any way: the next release goes on.
        world.faults.applyThrows = ''
        if (isPlayed(stopAt, 12)) {
          await world.apply(NEW)
          expect(world.snapshot()).toBe(NEW_WHOLE)
        }
      } catch (cause) {
        throw new Error(`stopped at ${stopAt}, ${JSON.stringify(survival)}: ${String(cause)}`, { cause })
      }
    }
    expect([...ends].sort()).toEqual(story.end === 'committed' ? ['new', 'old'] : ['old'])
  })

  test.each(EVERY_CUT ? [1, 2, 3, 5, 8, 13, 21, 34] : [3, 13])('it goes again %i changes later', async (later) => {
    const changes = await changesOf(story)
    for (let stopAt = 1; stopAt <= changes; stopAt += 1) {
      if (!isPlayed(stopAt + later, 40)) continue
      for (const survival of SURVIVALS) {
        const again = survival === 'worst' ? 'best' : 'worst'
        const world = await play(story, { stopAt }, [{ survival, stopAt: later }, { survival: again }])
        expectWhole(world, story)
      }
    }
  })

  test('the disk is full from every change on', async () => {
    const changes = await changesOf(story)
    for (let fullAt = 1; fullAt <= changes; fullAt += 1) {
      if (!isPlayed(fullAt, 14)) continue
      const world = startWorld(story.faults)
      world.disk().arrange({ fullAt })
      const outcome = await world.apply(story.release).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'storage-full' })
        return undefined
      })
      world.disk().arrange({})
      // What was begun before the disk was full came to its end all the same.
      if (outcome) expect(['committed', 'reverted']).toContain(outcome.kind)
      await world.recover()
      try {
        expectWhole(world, story)
      } catch (cause) {
        throw new Error(`full at ${fullAt}, ${JSON.stringify(outcome)}: ${String(cause)}`, { cause })
      }
    }
  })

  test('the disk is full, and then the power goes', async () => {
    const changes = await changesOf(story)
    for (let fullAt = 1; fullAt <= changes; fullAt += 1) {
      for (let stopAt = fullAt + 1; stopAt <= fullAt + 60; stopAt += 1) {
        if (!isPlayed(fullAt * 7 + stopAt, 240)) continue
        for (const survival of SURVIVALS) {
          try {
            const world = await play(story, { fullAt, stopAt }, [{ survival }])
            world.disk().arrange({})
            await world.recover()
            expectWhole(world, story)
          } catch (cause) {
            throw new Error(`full at ${fullAt}, stopped at ${stopAt}: ${String(cause)}`, { cause })
          }
        }
      }
    }
  })
})

describe('with the adapters of kits', () => {
  const adapters = [COMPONENT_ADAPTERS.files, COMPONENT_ADAPTERS.binary, coordinatorAdapter]
  const pack = (name: string, bytes: Uint8Array) => writeZip([{ name, content: Buffer.from(bytes) }])
  const contentsOf = (n: number, web = `web ${n}`) => ({ web, gateway: `gateway ${n}`, installer: `installer ${n}` })
  const older = aRelease('1.0.0', 1, contentsOf(1), pack)
  const newer = aRelease('1.1.0', 2, contentsOf(2), pack)
  const ill = aRelease('1.2.0', 3, contentsOf(3, 'web ill'), pack)

  test.each([
    ['a release that works', newer],
    ['one that does not', ill],
  ])('the power goes at every change of the disk: %s', async (_, release) => {
    const first = createWorld(undefined, adapters)
    expect(await first.apply(older)).toMatchObject({ kind: 'committed', failed: [], unfinished: undefined })
    const wholeOld = first.snapshot()
    const undisturbed = createWorld(first.disk().copy(), adapters)
    undisturbed.disk().arrange({})
    expect(await undisturbed.apply(release)).toMatchObject({ kind: release === newer ? 'committed' : 'reverted' })
    const wholeNew = undisturbed.snapshot()
    const changes = undisturbed.disk().changes()
    const ends = new Set<string>()
    for (const survival of SURVIVALS) {
      for (let stopAt = 1; stopAt <= changes; stopAt += 1) {
        if (!isPlayed(stopAt, 9)) continue
        const world = createWorld(first.disk().copy(), adapters)
        world.disk().arrange({ stopAt })
        await world.apply(release).catch((error: unknown) => {
          if (!world.disk().hasStopped()) throw error
        })
        if (world.disk().hasStopped()) await recoverAll(world, [{ survival }])
        const isNew = world.snapshot() === wholeNew
        if (!isNew) expect(world.snapshot(), `${JSON.stringify(survival)} at ${stopAt}`).toBe(wholeOld)
        expect(world.running()).toBe(isNew && release === newer ? 'gateway 2' : 'gateway 1')
        ends.add(isNew ? 'new' : 'old')
      }
    }
    if (release === newer) expect([...ends].sort()).toEqual(['new', 'old'])
    else expect(wholeNew).toBe(wholeOld)
  })
})
