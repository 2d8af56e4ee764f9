import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { describeError } from '../asking.ts'
import { judgeOffer, type Offer } from '../invariants/judge-offer.ts'
import type { Wholeness } from '../invariants/wholeness.ts'
import type { Attempt } from '../ledger.ts'
import { keyIdOfPublic } from '../signing-keys.ts'
import type { World } from '../world.ts'
import { createDeviceClient, type DeviceAnswer } from './device-client.ts'
import type { Population } from './population.ts'

/** Checks that are under way at once. */
const CONNECTIONS = 16
const NATIVE_VERSION = '1.0.0'
/** Some devices come again and again, as their state is what can go wrong. */
const REGULARS = { count: 3_000, share: 0.4 }
const APPLIES = 0.5
const CRASHES_WITH_BAD = 0.9
const REPORT_TRIES = 4
const STARVED_MS = 10_000
/** Releases about which servers may still differ. */
const YOUNG_MS = 60_000

export type Fleet = ReturnType<typeof createFleet>

/** Devices that check, take what they are offered, and report what came of it. */
export function createFleet(
  world: World,
  { population, wholeness, checksPerSecond }: { population: Population; wholeness: Wholeness; checksPerSecond: number },
) {
  const { site, app, ledger, timeline, findings } = world
  const random = world.random.of('fleet')
  const clients = site.servers.map((server) => createDeviceClient(server, app.appKey, CONNECTIONS))
  const trustedKeys = [keyIdOfPublic(world.key.publicKey)]

  function bodyOf(index: number) {
    const { id, platform, channel, running, highestSequence } = population.facts(index)
    return {
      appId: app.id,
      deviceId: id,
      platform,
      channel,
      nativeVersion: NATIVE_VERSION,
      version: running?.version ?? NATIVE_VERSION,
      ...(running && { releaseId: running.releaseId }),
      highestSequence,
      floor: 0,
      trustedKeys,
    }
  }

  /** Undefined when the server gave no answer. */
  async function checkAt(
    server: number,
    index: number,
  ): Promise<{ answer: DeviceAnswer; askedAt: number } | undefined> {
    const askedAt = timeline.now()
    findings.count('checks sent')
    const isExcused = () => timeline.wasDisturbed(askedAt, `server:${server}`, `workers:${server}`)
    try {
      const answer = await clients[server]?.post('/update/check', bodyOf(index))
      if (!answer) return undefined
      findings.most('longest check, ms', timeline.now() - askedAt)
      const isGood = answer.status === 200
      if (isGood) findings.count('checks answered')
      else findings.count(`checks answered ${answer.status}`)
      // A process that gets no processor for 15 seconds finds that the head of a new connection is late, and says so.
      const isStarved = answer.status === 408 && timeline.now() - askedAt > STARVED_MS
      findings.expectThat('check-answered', isGood || isStarved || (answer.status === 503 && isExcused()), () => {
        return `Server ${server} answered ${answer.status}: ${JSON.stringify(answer.body)}.`
      })
      return isGood ? { answer, askedAt } : undefined
    } catch (error) {
      findings.count(isExcused() ? 'checks refused while a server was dead' : 'checks that failed')
      findings.expectThat('check-answered', isExcused(), () => `Server ${server}: ${describeError(error)}.`)
      return undefined
    }
  }

  async function check(index: number): Promise<void> {
    const first = random.below(site.servers.length)
    const beganAt = timeline.now()
    let found = await checkAt(first, index)
    if (!found && site.servers.length > 1) {
      findings.count('checks sent to the other server')
      found = await checkAt(1 - first, index)
      const isStarved = timeline.now() - beganAt > STARVED_MS
      findings.expectThat(
        'check-elsewhere',
        found !== undefined || isStarved,
        () => `Device ${index} had no answer of either server.`,
      )
    }
    if (found)
      await take(index, found.answer.body as Offer & { rollBackTo?: string; statement: string | null }, found.askedAt)
  }

  async function take(index: number, body: Offer & { rollBackTo?: string }, askedAt: number): Promise<void> {
    if (!body.updateAvailable) {
      if (body.rollBackTo === 'embedded' && random.chance(APPLIES)) population.run(index, undefined, 0)
      return
    }
    findings.count('offers')
    const device = population.facts(index)
    const failedAt = population.failedAt(index, body.releaseId)
    const { judged, attempt, sequence } = judgeOffer(body, device, { app: app.slug, ledger, askedAt, failedAt })
    for (const { invariant, holds, detail } of judged) findings.expectThat(invariant, holds, () => detail)
    wholeness.look((body as Offer & { bundleUrl: string }).bundleUrl, body.hash)
    if (attempt?.releaseId !== undefined && random.chance(APPLIES)) await apply(index, attempt, sequence)
  }

  async function apply(index: number, release: Attempt, sequence: number): Promise<void> {
    if (!(await report(index, release, 'applied'))) return
    if (release.isBad && random.chance(CRASHES_WITH_BAD)) {
      const isTold = await report(index, release, 'crashed')
      if (isTold) population.noteFailure(index, release.releaseId ?? '', timeline.now())
      return
    }
    population.run(index, release, sequence)
  }

  /** The same again until it is acknowledged, or given up. */
  async function report(index: number, release: Attempt, status: 'applied' | 'crashed'): Promise<boolean> {
    const { id: deviceId, platform, channel } = population.facts(index)
    const eventId = randomUUID()
    const body = { appId: app.id, deviceId, platform, channel, eventId, status, releaseId: release.releaseId }
    for (let tries = 0; tries < REPORT_TRIES; tries++) {
      const server = random.below(site.servers.length)
      try {
        const answer = await clients[server]?.post('/installations', body)
        if (answer?.status === 200) {
          findings.count('reports acknowledged')
          ledger.addReport({ deviceId, eventId })
          return true
        }
        findings.count(`reports answered ${answer?.status}`)
        // All of them say that it may be sent again.
        const isForLater = [408, 429, 503].includes(answer?.status ?? 0)
        // A release that was made by a clock hours behind looks as if every server had heard of it long ago.
        const since = timeline.now() - YOUNG_MS
        const isOfFalseClock = answer?.status === 404 && timeline.wasDisturbed(since, 'clock:0', 'clock:1')
        findings.expectThat('no-internal-error', isForLater || isOfFalseClock, () => {
          return `A report was answered ${answer?.status}: ${JSON.stringify(answer?.body)}.`
        })
      } catch {
        findings.count('reports without an answer')
      }
      await wait(200)
    }
    findings.count('reports given up')
    return false
  }

  const drawDevice = () =>
    random.chance(REGULARS.share)
      ? random.below(Math.min(REGULARS.count, population.size))
      : random.below(population.size)

  /** So many a second, as far as answers come; nobody waits in a queue. */
  async function run(): Promise<void> {
    const startedAt = timeline.now()
    const busy = new Set<Promise<void>>()
    for (let sent = 0; !world.end.aborted;) {
      const due = Math.floor(((timeline.now() - startedAt) / 1_000) * checksPerSecond)
      // What could not be sent in time is not made up for.
      if (due - sent > checksPerSecond) sent = due - checksPerSecond
      for (; sent < due && busy.size < CONNECTIONS * site.servers.length; sent++) {
        const checked = check(drawDevice()).finally(() => busy.delete(checked))
        busy.add(checked)
      }
      await wait(10)
    }
    await Promise.all(busy)
    for (const client of clients) client.close()
  }

  /** Answers of both servers to one and the same device, as texts. */
  async function compare(index: number): Promise<readonly (string | undefined)[]> {
    const asked = site.servers.map(async (_, server) => checkAt(server, index))
    const found = await Promise.all(asked)
    return found.map((each) => {
      if (!each) return undefined
      const { updateAvailable, releaseId, rollBackTo, reason } = each.answer.body as Record<string, unknown>
      return JSON.stringify({ updateAvailable, releaseId, rollBackTo, reason })
    })
  }

  return { run, compare, drawDevice }
}
