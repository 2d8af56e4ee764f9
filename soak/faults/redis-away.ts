import { setTimeout as wait } from 'node:timers/promises'
import { readMetric } from '../machines/read-metric.ts'
import type { SoakServer } from '../machines/soak-server.ts'
import type { World } from '../world.ts'
import type { Strike } from './fault-plan.ts'

const LOOK_EVERY_MS = 500
/** Servers try again within half a minute, and the machine is busy. */
const SHARED_WITHIN_MS = 90_000
/** Below it is killed, from it on it hangs: its sockets stay open, and nothing is answered. */
const HANGS_FROM = 0.7

/** Killed or hung, and back. Nobody else may suffer from it: it excuses no check, and no request. */
export async function takeRedisAway({ site: { redis } }: World, { size, forMs }: Strike): Promise<void> {
  if (size >= HANGS_FROM) {
    redis?.freeze()
    await wait(forMs)
    return redis?.thaw()
  }
  await redis?.kill()
  await wait(forMs)
  await redis?.startAgain()
}

/** Until every server shares its limits again; beside all else that happens. */
export async function awaitSharedLimits(world: World): Promise<void> {
  await Promise.all(world.site.servers.map((server) => awaitShared(world, server)))
}

async function awaitShared({ timeline, findings, end }: World, server: SoakServer): Promise<void> {
  const startedAt = timeline.now()
  let isShared = false
  // It needs a while in which nothing is dead.
  const isLate = () => timeline.now() - Math.max(startedAt, timeline.disturbedUntil()) > SHARED_WITHIN_MS
  while (!isShared && !isLate() && !end.aborted) {
    isShared = (await readMetric(server, 'hotpatch_redis_reachable')) === 1
    if (!isShared) await wait(LOOK_EVERY_MS)
  }
  if (isShared) findings.most('longest until limits were shared again, ms', timeline.now() - startedAt)
  findings.expectThat('redis-is-back', isShared || end.aborted, () => {
    return `Server ${server.index} has not found its Redis within ${SHARED_WITHIN_MS} ms.`
  })
}
