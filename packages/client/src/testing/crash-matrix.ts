import { describe, expect, test } from 'vitest'
import type { MemoryFilesOptions, Survival } from '../memory/memory-files.ts'
import { createDevice, type Device } from './device.ts'
import { createFakeServer, type FakeServer, type Target } from './fake-server.ts'
import { patchBetween, patchFromEmbedded } from './patches.ts'
import { createPublisher, type TestedKind } from './publisher.ts'

/** Of the changes that look like ones before. */
const ONE_OF = 8
/** How many changes of the recovery the second cut comes after. */
const AGAIN_AFTER = [1, 2, 3, 5, 8, 13, 21]

/** Where the power goes: the first of each kind of change and some of the others, or everywhere. */
function placesIn(log: readonly string[], isEveryCut: boolean): number[] {
  const first = new Set(new Map(log.map((name, index) => [kindOf(name), index] as const).toReversed()).values())
  return log.flatMap((_, index) => (isEveryCut || first.has(index) || index % ONE_OF === 0 ? [index + 1] : []))
}

/** What is done to which file, of whatever release: in names of files versions and digests are all that differs. */
function kindOf(change: string): string {
  return change.replaceAll(/[0-9a-f]{64}|\d+\.\d+\.\d+/g, '')
}

interface MatrixOptions {
  /** The long form, which takes minutes: at every single change. */
  isEveryCut: boolean
  /** The first release comes as a patch of what the binary shipped with, the next one as one of that, the last packed. */
  isPatched?: boolean
}

/** Engine §6 for one kind of content: the power goes at changes of the disk of every kind. */
export async function describeCrashMatrix(
  kind: TestedKind,
  { isEveryCut, isPatched = false }: MatrixOptions,
): Promise<void> {
  const publisher = createPublisher(kind)
  const v1 = publisher.publish({ version: '1.0.0', sequence: 10 })
  const v2 = publisher.publish({ version: '1.1.0', sequence: 11, floor: 5 })
  const bad = publisher.publish({ version: '1.2.0', sequence: 12 })
  const all = [v1, v2, bad]
  const shipped = publisher.publish({ version: '0.9.0', sequence: 9 })
  const patches = isPatched
    ? [
        await patchFromEmbedded(shipped, v1),
        await patchBetween(v1, v2, 'hpdelta1-deflate'),
        await patchBetween(null, bad),
      ]
    : []
  const ofPublisher = { publicKeys: [publisher.publicKey], ...(isPatched && { embedded: shipped.files }) }

  interface Goal {
    target: Target
    /** What runs crashes, instead of being confirmed and updated. */
    crashes?: true
    isReached: (device: Device, runs: string) => boolean
  }

  const isConfirmed = (version: string) => (device: Device, runs: string) =>
    runs === version && device.engine.status().standing === 'confirmed'

  /** The whole life: two good releases, one that never confirms, the older of the good ones, and embedded again. */
  const STORY: readonly Goal[] = [
    { target: { release: v1 }, isReached: isConfirmed('1.0.0') },
    { target: { release: v2 }, isReached: isConfirmed('1.1.0') },
    {
      target: { release: bad },
      isReached: ({ engine }, runs) => runs === '1.1.0' && engine.status().failedReleaseIds.length > 0,
    },
    { target: { embedded: publisher.orderEmbedded(13) }, isReached: (_, runs) => runs === 'embedded' },
  ]

  const MAX_ROUNDS = 12
  const SURVIVALS: readonly Survival[] = ['worst', 'best']

  interface Life {
    device: Device
    server: FakeServer
    /** What happens to the disk at each power cut, one after the other; afterwards the power stays. */
    cuts: { survival: Survival; afterwards: MemoryFilesOptions }[]
    cutCount: number
    highWater: number
  }

  async function live(
    first: MemoryFilesOptions,
    cuts: Life['cuts'],
    { story = STORY, startsOnProbation = 2 } = {},
  ): Promise<Life> {
    const server = createPatchingServer()
    const config = { limits: { startsOnProbation } }
    const device = createDevice({ server, ...ofPublisher, config })
    const life: Life = { device, server, cuts: [...cuts], cutCount: 0, highWater: 0 }
    silenceTheDead(server, device)
    device.disk().arrange(first)
    for (const goal of story) await pursue(life, goal)
    await device.engine.flushReports()
    return life
  }

  function createPatchingServer(): FakeServer {
    const server = createFakeServer()
    server.patches = patches
    return server
  }

  /** With the power goes the network: a dead process tells nobody anything. */
  function silenceTheDead(server: FakeServer, device: Device): void {
    server.intercept = () => {
      if (device.disk().hasStopped()) throw new Error('the power is off')
      return undefined
    }
  }

  async function pursue(life: Life, goal: Goal): Promise<void> {
    life.server.target = goal.target
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      if (await session(life, goal)) return
    }
    expect.unreachable(`the goal was not reached: ${JSON.stringify(life.device.engine.status())}`)
  }

  /** One process: start, confirm what deserves it, and go on with the update. True once the goal is reached. */
  async function session(life: Life, goal: Goal): Promise<boolean> {
    const { device } = life
    const launched = await device.boot()
    if (cutPowerIfStopped(life)) return false
    const runs = device.identify(launched, all)
    const { highWater } = device.engine.status()
    expect(highWater).toBeGreaterThanOrEqual(life.highWater)
    life.highWater = highWater
    if (goal.crashes && !goal.isReached(device, runs)) {
      await device.engine.crashed().catch(() => undefined) // The power is off.
      cutPowerIfStopped(life)
      return false
    }
    if (runs === v1.version || runs === v2.version) await device.engine.confirm()
    await device.engine.flushReports()
    if (cutPowerIfStopped(life)) return false
    if (goal.isReached(device, runs)) return true
    await device.engine.sync()
    cutPowerIfStopped(life)
    return false
  }

  function cutPowerIfStopped(life: Life): boolean {
    if (!life.device.disk().hasStopped()) return false
    const cut = life.cuts.shift()
    life.device.cutPower(cut?.survival ?? 'worst', cut?.afterwards)
    life.cutCount += 1
    return true
  }

  function told({ server }: Life): string[] {
    return server.reports
      .map(({ releaseId, kind, code }) => `${releaseId ?? 'embedded'} ${kind} ${code ?? ''}`.trim())
      .toSorted()
  }

  const undisturbed = await live({}, [])
  const changes = undisturbed.device.disk().changes()
  const places = placesIn(undisturbed.device.disk().log(), isEveryCut)

  describe('the undisturbed story', () => {
    test('tells everything once', () => {
      expect(told(undisturbed)).toEqual([
        'embedded applied',
        'release-1.0.0 applied',
        'release-1.0.0 confirmed',
        'release-1.0.0 download-started',
        'release-1.0.0 downloaded',
        'release-1.1.0 applied',
        'release-1.1.0 confirmed',
        'release-1.1.0 download-started',
        'release-1.1.0 downloaded',
        'release-1.2.0 applied',
        'release-1.2.0 download-started',
        'release-1.2.0 downloaded',
        'release-1.2.0 rolled-back not-confirmed',
      ])
    })

    test('has patches where there are some', () => {
      const fetched = undisturbed.server.downloads().map(({ url }) => url.slice(url.lastIndexOf('/') + 1))
      if (isPatched) expect(fetched).toEqual(patches.map(({ offer }) => offer.sha256))
      else expect(fetched).toEqual(expect.arrayContaining([v1.sha256, v2.sha256, bad.sha256]))
    })

    test('has enough places to be disturbed at', () => expect(changes).toBeGreaterThan(300))

    test('is disturbed at changes of every kind', () => {
      const log = undisturbed.device.disk().log()
      const played = new Set(places.map((place) => kindOf(log[place - 1] ?? '')))
      expect([...new Set(log.map(kindOf))].filter((kind) => !played.has(kind))).toEqual([])
      expect(played.size).toBeGreaterThan(60)
      if (isEveryCut) expect(places).toHaveLength(changes)
    })
  })

  describe.each(SURVIVALS)('the power goes at changes of the disk of every kind (%s case)', (survival) => {
    test('what starts is whole, the story goes on to its end, and everything is told exactly once', async () => {
      for (const stopAt of places) {
        const life = await live({ stopAt }, [{ survival, afterwards: {} }])
        expect(life.cutCount, `stopped at ${stopAt}`).toBe(1)
        expect(told(life), `stopped at ${stopAt}`).toEqual(told(undisturbed))
      }
    }, 60_000)
  })

  describe('the power goes again while the device recovers', () => {
    // Each place is one of those of some second cut; in the long form of two or three.
    const placesOf = (later: number) =>
      isEveryCut
        ? places.filter((place) => place % 3 === later % 3)
        : places.filter((_, index) => AGAIN_AFTER[index % AGAIN_AFTER.length] === later)

    test.each(AGAIN_AFTER)(
      '%i changes later',
      async (later) => {
        for (const stopAt of placesOf(later)) {
          for (const survival of isEveryCut ? SURVIVALS : [SURVIVALS[stopAt % 2] ?? 'worst']) {
            const again = later % 2 ? 'worst' : 'best'
            const cuts = [
              { survival, afterwards: { stopAt: later } },
              { survival: again, afterwards: {} },
            ] as const
            // Two cuts between a start and its confirmation are two starts without one: one more must be allowed here.
            const life = await live({ stopAt }, [...cuts], { startsOnProbation: 3 })
            expect(told(life), `stopped at ${stopAt}, then ${later} later`).toEqual(told(undisturbed))
          }
        }
      },
      60_000,
    )
  })

  describe('a confirmed release crashes, and the power goes at every change of the disk from then on', () => {
    const crashing: Goal = { target: null, crashes: true, isReached: (_, runs) => runs === '1.0.0' }

    async function crashLate(stopAt: number, survival: Survival): Promise<Life> {
      const life = await live({}, [], { story: STORY.slice(0, 2) })
      life.cuts.push({ survival, afterwards: {} })
      life.device.disk().arrange({ stopAt })
      await pursue(life, crashing)
      await life.device.engine.flushReports()
      return life
    }

    test.each(SURVIVALS)('what ran before runs again, and that is told exactly once (%s case)', async (survival) => {
      const undisturbed = await crashLate(Infinity, survival)
      const changes = undisturbed.device.disk().changes()
      expect(changes).toBeGreaterThan(30)
      expect(told(undisturbed).filter((report) => report.includes('rolled-back'))).toEqual([
        'release-1.1.0 rolled-back crashed-after-confirm',
      ])
      for (let stopAt = 1; stopAt <= changes; stopAt += 1) {
        const life = await crashLate(stopAt, survival)
        expect(life.cutCount, `stopped at ${stopAt}`).toBe(1)
        expect(told(life), `stopped at ${stopAt}`).toEqual(told(undisturbed))
      }
    })
  })

  describe('the power goes while the app binary is another build', () => {
    test('embedded runs, nothing of the old one is left, and that is told once', async () => {
      for (const survival of SURVIVALS) {
        for (let stopAt = 1; ; stopAt += 1) {
          const life = await live({}, [], { story: STORY.slice(0, 2) })
          const { device, server } = life
          device.host = { ...device.host, nativeBuild: '8' }
          device.disk().arrange({ stopAt })
          expect(device.identify(await device.boot(), all)).toBe('embedded')
          const isOver = !device.disk().hasStopped()
          if (isOver) device.disk().arrange({})
          else device.cutPower(survival)
          expect(device.identify(await device.boot(), all), `stopped at ${stopAt}`).toBe('embedded')
          await device.engine.flushReports()
          expect(told(life).filter((report) => report === 'embedded applied')).toHaveLength(1)
          for (const slot of ['bundle', 'previous', 'pending/files']) {
            expect(device.disk().tree(`ota/${slot}`), `in ${slot}`).toBeUndefined()
          }
          server.target = { release: v2 }
          await device.engine.sync()
          expect(device.identify(await device.boot(), all)).toBe(v2.version)
          if (!isOver) continue
          expect(stopAt).toBeGreaterThan(10)
          break
        }
      }
    })
  })

  describe('the power goes while a staged update is replaced', () => {
    test('nothing is called damaged that is not', async () => {
      for (const survival of SURVIVALS) {
        for (let stopAt = 1; ; stopAt += 1) {
          const server = createPatchingServer()
          const device = createDevice({ server, ...ofPublisher })
          silenceTheDead(server, device)
          server.target = { release: v1 }
          await device.boot()
          await device.engine.sync()
          server.target = { release: v2 }
          device.disk().arrange({ stopAt })
          await device.engine.sync()
          const isOver = !device.disk().hasStopped()
          device.cutPower(survival)
          expect(['embedded', v1.version, v2.version]).toContain(device.identify(await device.boot(), all))
          await device.engine.sync()
          expect(device.identify(await device.boot(), all)).toBe(v2.version)
          await device.engine.flushReports()
          expect(server.kinds().filter((kind) => kind.startsWith('failed'))).toEqual([])
          if (!isOver) continue
          expect(stopAt).toBeGreaterThan(40)
          break
        }
      }
    })
  })

  describe('the power goes while a release is moved into place, and takes some of it', () => {
    test('what ran before runs again', async () => {
      for (let stopAt = 1; stopAt < 30; stopAt += 1) {
        const server = createPatchingServer()
        const device = createDevice({ server, ...ofPublisher })
        silenceTheDead(server, device)
        await pursue({ device, server, cuts: [], cutCount: 0, highWater: 0 }, STORY[0] ?? expect.unreachable())
        server.target = { release: v2 }
        await device.engine.sync()
        device.disk().arrange({ stopAt })
        await device.boot()
        device.cutPower('best')
        if (!(await device.disk().stat('ota/pending/files'))) break
        await device.disk().write('ota/pending/files/index.bundle', new Uint8Array(7))
        expect(device.identify(await device.boot(), all), `stopped at ${stopAt}`).toBe(v1.version)
      }
    })
  })

  describe('the disk is full from every change on', () => {
    test('what starts is whole; once there is room the story goes on', async () => {
      const story = STORY.slice(0, 2)
      const log = (await live({}, [], { story })).device.disk().log()
      for (const fullAt of placesIn(log, isEveryCut)) {
        const server = createPatchingServer()
        const device = createDevice({ server, ...ofPublisher })
        const life: Life = { device, server, cuts: [], cutCount: 0, highWater: 0 }
        device.disk().arrange({ fullAt })
        for (const { target } of story) {
          for (let round = 0; round < 3; round += 1) {
            server.target = target
            await session(life, { target, isReached: () => false })
          }
        }
        device.disk().arrange({})
        for (const goal of story) await pursue(life, goal)
      }
    })
  })
}
