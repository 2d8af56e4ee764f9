import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CURRENT_FILE } from '../ground/kit-layout.ts'
import { aRelease, createWorld, INSTALLATION, type TestRelease, type World } from '../testing/apply-world.ts'
import { findOpenApply, openCoordinator } from './coordinator.ts'

const OLD = aRelease('1.0.0', 1, { web: 'web 1', gateway: 'gateway 1', installer: 'installer 1' })
const NEW = aRelease('1.1.0', 2, { web: 'web 2', gateway: 'gateway 2', installer: 'installer 2' })

async function worldWith(release: TestRelease): Promise<World> {
  const world = createWorld()
  await world.apply(release)
  world.reports.clear()
  return world
}

const told = ({ reports }: World) =>
  [...reports.values()].map(({ component = 'kit', kind, code }) => `${component} ${kind} ${code ?? ''}`.trim())

describe('applying', () => {
  test('tells everything in its order', async () => {
    const world = await worldWith(OLD)
    await world.apply(NEW)
    expect(told(world)).toEqual([
      'web planned',
      'gateway planned',
      'installer planned',
      'web downloaded',
      'gateway downloaded',
      'installer downloaded',
      'kit downloaded',
      'web applied',
      'gateway applied',
      'gateway probed',
      'kit applied',
      'kit confirmed',
      'web confirmed',
      'gateway confirmed',
      'installer applied',
      'installer confirmed',
    ])
  })

  test('what others have written beside what is installed stays', async () => {
    const world = await worldWith(OLD)
    const path = INSTALLATION.releaseFile
    const installed = JSON.parse(Buffer.from((await world.disk().read(path)) ?? []).toString()) as object
    await world.disk().write(path, Buffer.from(JSON.stringify({ ...installed, site: 'Berlin' })))
    await world.apply(NEW)
    const after = JSON.parse(Buffer.from((await world.disk().read(path)) ?? []).toString()) as object
    expect(after).toMatchObject({ release_id: '1.1.0', site: 'Berlin' })
  })

  test('the same release again is nothing to do', async () => {
    const world = await worldWith(OLD)
    const before = world.snapshot()
    expect(await world.apply(OLD)).toEqual({ kind: 'nothing-to-do' })
    expect(world.snapshot()).toBe(before)
    expect(told(world)).toEqual([])
  })

  test('another release of the same bytes is installed without touching anything', async () => {
    const world = await worldWith(OLD)
    const again = aRelease('1.0.1', 2, { web: 'web 1', gateway: 'gateway 1', installer: 'installer 1' })
    expect(await world.apply(again)).toMatchObject({ kind: 'committed' })
    expect((await world.planFor(again)).from).toEqual({ releaseId: '1.0.1', sequence: 2 })
    expect(world.snapshot()).toContain('"version": "1.0.1"')
  })

  test('an older release is applied like any other', async () => {
    const world = await worldWith(OLD)
    const before = world.snapshot()
    await world.apply(NEW)
    expect((await world.planFor(OLD)).direction).toBe('back')
    expect(await world.apply(OLD)).toMatchObject({ kind: 'committed' })
    expect(world.snapshot()).toBe(before)
  })

  test('what changes in part is applied in part', async () => {
    const world = await worldWith(OLD)
    await world.apply(aRelease('1.0.1', 2, { web: 'web 2', gateway: 'gateway 1', installer: 'installer 1' }))
    expect(told(world).filter((each) => each.endsWith('planned'))).toEqual(['web planned'])
  })

  test('whoever stops it before the commit has the old kit', async () => {
    const world = await worldWith(OLD)
    const before = world.snapshot()
    let looks = 0
    const outcome = await world.apply(NEW, { isStopped: () => (looks += 1) > 4 })
    expect(outcome).toMatchObject({ kind: 'reverted', why: { code: 'stopped' } })
    expect(world.snapshot()).toBe(before)
    expect(told(world)).toContain('kit rolled-back stopped')
  })

  test('wrong bytes of the last component leave everything untouched', async () => {
    const world = await worldWith(OLD)
    const before = world.snapshot()
    const contents = new Map([...NEW.contents].slice(0, -1))
    expect(await world.apply({ ...NEW, contents })).toMatchObject({ kind: 'reverted', why: { code: 'hash-mismatch' } })
    expect(world.snapshot()).toBe(before)
    expect(told(world).at(-1)).toBe('kit failed hash-mismatch')
  })

  test('a coordinator that cannot be replaced undoes nothing of the rest', async () => {
    const world = await worldWith(OLD)
    world.faults.applyThrows = 'installer'
    const outcome = await world.apply(NEW)
    expect(outcome).toMatchObject({ kind: 'committed', failed: [{ component: 'installer' }], unfinished: undefined })
    expect(world.running()).toBe('gateway 2')
    expect(told(world)).toEqual(expect.arrayContaining(['kit confirmed', 'installer failed storage-failed']))
    // The next apply of the same release takes what is missing, and nothing else.
    world.faults.applyThrows = ''
    expect((await world.planFor(NEW)).steps.map(({ component }) => component.id)).toEqual(['installer'])
    expect(await world.apply(NEW)).toMatchObject({ kind: 'committed', failed: [] })
  })

  test('a plan for something else is refused', async () => {
    const world = await worldWith(OLD)
    const plan = await world.planFor(NEW)
    await world.apply(NEW)
    await using coordinator = await openCoordinator(world.context())
    await expect(coordinator.apply(plan, { stage: async () => undefined })).rejects.toMatchObject({
      code: 'installed-invalid',
    })
  })

  test('objections come before anything is touched', async () => {
    const world = await worldWith(OLD)
    const changes = world.disk().changes()
    const context = world.context()
    const files = context.adapters.get('files')
    if (!files) return expect.unreachable()
    const adapters = new Map([
      ...context.adapters,
      ['files', { ...files, objections: async () => ['its place is missing'] }] as const,
    ])
    await using coordinator = await openCoordinator({ ...context, adapters })
    const applied = coordinator.apply(await world.planFor(NEW), { stage: async () => undefined })
    await expect(applied).rejects.toMatchObject({ code: 'installation-invalid', message: 'web: its place is missing' })
    expect(
      world
        .disk()
        .log()
        .slice(changes)
        .filter((each) => !each.includes('.kit/lock')),
    ).toEqual([])
  })
})

describe('what cannot be taken back', () => {
  async function stuckWorld(): Promise<{ world: World; before: string }> {
    const world = await worldWith(OLD)
    const before = world.snapshot()
    Object.assign(world.faults, { applyThrows: 'gateway', revertThrows: 5 })
    const outcome = await world.apply(NEW)
    expect(outcome).toMatchObject({ kind: 'stuck', why: { code: 'revert-failed', component: 'installer' } })
    expect(outcome).toMatchObject({ advice: expect.stringContaining('doctor') })
    return { world, before }
  }

  test('is tried five times, and then waits for people', async () => {
    const { world } = await stuckWorld()
    expect(told(world).at(-1)).toBe('kit failed revert-failed')
    expect(await findOpenApply(world.context().ports)).toMatchObject({ state: 'stuck', releaseId: '1.1.0' })
    const before = world.snapshot()
    world.cutPower('worst')
    expect(await world.recover()).toMatchObject({ kind: 'stuck' })
    expect(world.snapshot()).toBe(before)
  })

  test('lets no other release be applied', async () => {
    const { world } = await stuckWorld()
    await expect(world.apply(OLD)).rejects.toMatchObject({ code: 'revert-failed' })
  })

  test('is taken back once people have looked', async () => {
    const { world, before } = await stuckWorld()
    expect(await world.recover({ hasBeenLookedAt: true })).toMatchObject({ kind: 'reverted' })
    expect(world.snapshot()).toBe(before)
    expect(await world.apply(OLD)).toEqual({ kind: 'nothing-to-do' })
  })

  test('is not begun for ever by whoever is ended in it each time', async () => {
    const world = await worldWith(OLD)
    Object.assign(world.faults, { applyThrows: 'gateway', revertDies: true })
    await expect(world.apply(NEW)).rejects.toThrow('the power')
    let rounds = 0
    for (; rounds < 100; rounds += 1) {
      world.cutPower('best')
      if ((await findOpenApply(world.context().ports))?.state === 'stuck') break
      await world.recover().catch(() => undefined)
    }
    expect(rounds).toBe(20)
    world.faults.revertDies = false
    expect(await world.recover({ hasBeenLookedAt: true })).toMatchObject({ kind: 'reverted' })
  })
})

describe('what was damaged', () => {
  async function cutWorld(): Promise<World> {
    const world = await worldWith(OLD)
    world.disk().arrange({ stopAt: 90 })
    await world.apply(NEW).catch(() => undefined)
    world.cutPower('best')
    return world
  }

  async function expectUntouched(world: World, code: string): Promise<void> {
    const before = world.snapshot()
    await expect(world.recover()).rejects.toMatchObject({ code })
    await expect(world.apply(NEW)).rejects.toMatchObject({ code })
    expect(world.snapshot()).toBe(before)
  }

  async function folderOfOpen(world: World): Promise<string> {
    return `.kit/transactions/${(await findOpenApply(world.context().ports))?.transaction}`
  }

  test('is never guessed: a journal', async () => {
    const world = await cutWorld()
    const path = `${await folderOfOpen(world)}/journal.ndjson`
    const bytes = (await world.disk().read(path)) ?? new Uint8Array()
    bytes[100] = (bytes[100] ?? 0) ^ 1
    await world.disk().write(path, bytes)
    await expectUntouched(world, 'journal-damaged')
  })

  test('is never guessed: a plan', async () => {
    const world = await cutWorld()
    await world.disk().write(`${await folderOfOpen(world)}/plan.json`, new Uint8Array(10))
    await expectUntouched(world, 'journal-damaged')
  })

  test.each(['../../..', '', '00000000-0000-4000-8000-000000000009', 'x'.repeat(1000)])(
    'is never guessed: which apply is open (%j)',
    async (id) => {
      const world = await cutWorld()
      await world.disk().write(CURRENT_FILE, new TextEncoder().encode(id))
      await expectUntouched(world, 'journal-damaged')
    },
  )

  test('a place that was moved meanwhile is not the one to take back', async () => {
    const world = await cutWorld()
    const context = world.context()
    const installation = {
      ...INSTALLATION,
      components: { ...INSTALLATION.components, web: { path: 'elsewhere' }, installer: { path: 'elsewhere2' } },
    }
    await using coordinator = await openCoordinator({ ...context, installation })
    expect(await coordinator.recover()).toMatchObject({ kind: 'stuck', why: { code: 'installation-invalid' } })
    expect(await world.disk().stat('elsewhere')).toBeUndefined()
  })
})

describe('random lives', () => {
  const RELEASES = [
    OLD,
    NEW,
    aRelease('1.2.0', 3, { web: 'web 2', gateway: 'gateway 3', installer: 'installer 2' }),
    aRelease('1.3.0', 4, { web: 'web 3', gateway: 'gateway ill', installer: 'installer 3' }),
    aRelease('1.4.0', 5, { web: 'web ill', gateway: 'gateway 3', installer: 'installer 3' }),
    aRelease('1.5.0', 6, { web: 'web 1', gateway: 'no start', installer: 'installer 4' }),
  ]

  async function canonical(): Promise<Map<string, string>> {
    const all = new Map<string, string>()
    for (const release of RELEASES.slice(0, 3))
      all.set((await worldWith(release)).snapshot(), release.manifest.releaseId)
    return all
  }

  const deed = fc.record({
    release: fc.nat(RELEASES.length - 1),
    stopAt: fc.oneof(fc.constant(undefined), fc.integer({ min: 1, max: 250 })),
    fullAt: fc.oneof(
      { weight: 4, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 200 }) },
    ),
    revertThrows: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(3) }),
    seed: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 5, maxLength: 5 }),
  })

  test('after each recovery the kit is wholly one release, and runs it', async () => {
    const wholes = await canonical()
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 8 }), async (deeds) => {
        const world = await worldWith(OLD)
        for (const { release, stopAt, fullAt, revertThrows, seed } of deeds) {
          world.faults.revertThrows = revertThrows
          world.disk().arrange({ ...(stopAt !== undefined && { stopAt }), ...(fullAt !== undefined && { fullAt }) })
          await world.apply(RELEASES[release] ?? OLD).catch((error: unknown) => {
            if (!world.disk().hasStopped()) expect(error).toMatchObject({ code: 'storage-full' })
          })
          let next = 0
          if (world.disk().hasStopped()) world.cutPower({ random: () => seed[(next += 1) % seed.length] ?? 0 })
          world.disk().arrange({})
          world.faults.revertThrows = 0
          await world.recover({ hasBeenLookedAt: true })
          const runs = wholes.get(world.snapshot())
          expect(runs, world.snapshot()).toBeDefined()
        }
      }),
      { numRuns: process.env.HOTPATCH_EVERY_CUT === '1' ? 2_000 : 40 },
    )
  })
})
