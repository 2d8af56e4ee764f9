import { setTimeout as wait } from 'node:timers/promises'
import { runBrokenClients, runSlowClients } from '../actors/hostile-clients.ts'
import type { Checkpoint } from '../invariants/checkpoint.ts'
import { childrenOf, kill } from '../machines/processes.ts'
import { readMetric } from '../machines/read-metric.ts'
import type { SoakServer } from '../machines/soak-server.ts'
import type { Disturbed } from '../timeline.ts'
import type { World } from '../world.ts'
import type { Strike } from './fault-plan.ts'
import { awaitSharedLimits, takeRedisAway } from './redis-away.ts'

/** Longer than anything needs that comes back, on a busy machine. */
const BACK_WITHIN_MS = 90_000
/** What was on its way when it broke fails a little later. */
const GRACE_MS = 3_000
const MOMENT_WITHIN_MS = 4_000
const READY_EVERY_MS = 100
const SLOW_CLIENTS = 12
/** What has lost a process of its own sees that a moment later. */
const NOTICED_AFTER_MS = 500

export interface Struck extends Strike {
  /** Whether it came in the middle of what it was to come in the middle of. */
  isInMoment: boolean
  backAfterMs: number
}

/** Carries out a plan, one strike after the other: each time everything comes back, and is looked at. */
export function createStriker(world: World, checkpoint: Checkpoint) {
  const { site, timeline, findings, activity, end } = world
  const struck: Struck[] = []
  const beside: Promise<void>[] = []
  let lookedAt = -Infinity
  let lookTookMs = 0

  /** What the time is too short for is left out. */
  async function run(plan: readonly Strike[], durationMs: number, onStruck: (done: number) => void): Promise<void> {
    const startedAt = timeline.now()
    for (const strike of plan) {
      const early = strike.atMs - (timeline.now() - startedAt)
      if (early > 0) await wait(early, undefined, { signal: end }).catch(() => undefined)
      if (end.aborted || timeline.now() - startedAt > durationMs) break
      await carryOut(strike)
      onStruck(struck.length)
    }
    await Promise.all(beside)
  }

  async function carryOut(strike: Strike): Promise<void> {
    const isInMoment = await activity.whenUnderWay(strike.moment, MOMENT_WITHIN_MS)
    await wait(strike.delayMs)
    const at = timeline.now()
    if (strike.kind === 'slow-clients') beside.push(runSlowClients(world, SLOW_CLIENTS))
    else if (strike.kind === 'broken-clients') beside.push(runBrokenClients(world, strike.forMs))
    else {
      await hit(strike)
      await untilReady(strike)
    }
    findings.count(`strikes: ${strike.kind}`)
    const backAfterMs = Math.round(timeline.now() - at)
    findings.most(`longest ${strike.kind} until all was back, ms`, backAfterMs)
    struck.push({ ...strike, isInMoment: isInMoment && strike.moment !== 'any', backAfterMs })
    if (!isQuiet(strike)) await lookUnlessTooSoon()
  }

  /** A quarter of the time is for looking, at most: on a slow machine several strikes come between two looks. */
  async function lookUnlessTooSoon(): Promise<void> {
    const begunAt = timeline.now()
    if (begunAt - lookedAt < 3 * lookTookMs) return
    await activity.atRest(async () => {
      findings.most('longest wait until nobody changed anything, ms', timeline.now() - begunAt)
      await checkpoint.look()
    })
    lookedAt = timeline.now()
    lookTookMs = lookedAt - begunAt
    findings.most('longest look at everything, ms', lookTookMs)
  }

  async function hit(strike: Strike): Promise<void> {
    const server = site.servers[strike.server]
    if (!server) return
    switch (strike.kind) {
      case 'kill-server':
        return killServer(server, strike)
      case 'kill-worker':
        return killWorker(server, strike)
      case 'kill-database':
        return killDatabase(strike)
      case 'storage-gone':
        return during('storage', async () => {
          await site.store?.kill()
          await wait(strike.forMs)
          await site.store?.startAgain()
        })
      case 'redis-gone':
        await during('redis', () => takeRedisAway(world, strike))
        return void beside.push(awaitSharedLimits(world))
      case 'disk-full':
        return during('disk', async () => {
          site.disk?.fill()
          await wait(strike.forMs)
          site.disk?.empty()
        })
      case 'clock-jump':
        return jump(strike)
      case 'slow-clients':
      case 'broken-clients':
        return undefined
    }
  }

  async function during(what: Disturbed, act: () => Promise<void>): Promise<void> {
    const end = timeline.begin(what)
    await act().finally(() => end(GRACE_MS))
  }

  function killServer(server: SoakServer, { forMs }: Strike): Promise<void> {
    return during(`server:${server.index}`, async () => {
      await server.kill()
      await wait(forMs)
      await server.start()
    })
  }

  /** When all of them serve, as the first one begins alone; the primary starts another one by itself. */
  async function killWorker(server: SoakServer, { size }: Strike): Promise<void> {
    await untilWorkers(server, site.workers, undefined)
    return during(`workers:${server.index}`, async () => {
      const workers = childrenOf(server.pid() ?? 0)
      const worker = workers[Math.floor(size * workers.length)]
      if (worker !== undefined) kill(worker)
      await untilWorkers(server, site.workers, worker)
    })
  }

  /** Until as many serve again: a worker that is killed while no other one serves leaves nobody at the port. */
  async function untilWorkers(server: SoakServer, count: number, killed: number | undefined): Promise<void> {
    const deadline = timeline.now() + BACK_WITHIN_MS
    const isBack = async () => {
      const now = childrenOf(server.pid() ?? 0)
      return (
        !now.some((pid) => pid === killed) && ((await readMetric(server, 'hotpatch_serving_processes')) ?? 0) >= count
      )
    }
    let isServed = await isBack()
    while (!isServed && timeline.now() < deadline) {
      await wait(READY_EVERY_MS)
      isServed = await isBack()
    }
    findings.expectThat('comes-back', isServed, () => `Of ${count} workers one was killed, and none took its place.`)
  }

  function killDatabase({ size, forMs }: Strike): Promise<void> {
    return during('database', async () => {
      if (size < 0.5 && site.postgres?.killBackend(size * 2)) return untilDatabase()
      await site.postgres?.killAll()
      await wait(forMs)
      await site.postgres?.startAgain()
    })
  }

  /** It recovers by itself, and until then is as dead as when all of it was killed. */
  async function untilDatabase(): Promise<void> {
    const deadline = timeline.now() + BACK_WITHIN_MS
    await wait(NOTICED_AFTER_MS)
    while ((await site.postgres?.countConnections()) === undefined && timeline.now() < deadline)
      await wait(READY_EVERY_MS)
  }

  /** Up to six hours, forward or back, and then as it was. */
  async function jump({ server, size, forMs }: Strike): Promise<void> {
    const clock = site.clocks[server]
    await during(`clock:${server}`, async () => {
      clock?.setTo(Math.round((size - 0.5) * 12 * 3600))
      await wait(forMs)
      clock?.setTo(0)
    })
  }

  /** Servers that answer, and whose database answers them. */
  async function untilReady(strike: Strike): Promise<void> {
    const deadline = timeline.now() + BACK_WITHIN_MS
    for (const server of site.servers) {
      let isUp = await isReady(server)
      while (!isUp && timeline.now() < deadline) {
        await wait(READY_EVERY_MS)
        isUp = await isReady(server)
      }
      findings.expectThat('comes-back', isUp, () => {
        return `Server ${server.index} was not ready ${BACK_WITHIN_MS} ms after ${JSON.stringify(strike)}.`
      })
    }
  }

  return { run, struck: struck as readonly Struck[] }
}

/** Nothing has to come back. */
function isQuiet({ kind }: Strike): boolean {
  return kind === 'slow-clients' || kind === 'broken-clients'
}

async function isReady(server: SoakServer): Promise<boolean> {
  try {
    const { ok } = await fetch(`${server.url}/readyz`, { signal: AbortSignal.timeout(5_000) })
    return ok
  } catch {
    return false
  }
}
