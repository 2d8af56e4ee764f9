import { setTimeout as wait } from 'node:timers/promises'
import { ApiProblem } from '../packages/api/src/management-client.ts'
import { newSigningKey } from '../packages/testkit/src/signing.ts'
import { createActivity } from './activity.ts'
import { createFleet } from './actors/fleet.ts'
import { createPopulation } from './actors/population.ts'
import { runPublisher } from './actors/publisher.ts'
import { runToolUser } from './actors/tool-user.ts'
import { runUploader } from './actors/uploader.ts'
import { createAsking, describeError } from './asking.ts'
import { makePlan } from './faults/fault-plan.ts'
import { createStriker, type Struck } from './faults/striker.ts'
import { createFindings, type Breach, type Findings } from './findings.ts'
import { watchAgreement } from './invariants/agreement.ts'
import { createCheckpoint } from './invariants/checkpoint.ts'
import { watchGrowth, type Growth } from './invariants/growth.ts'
import { lookForLeftovers } from './invariants/leftovers.ts'
import { watchLives } from './invariants/lives.ts'
import { createWholeness } from './invariants/wholeness.ts'
import { createLedger } from './ledger.ts'
import { openSite, type Site } from './machines/site.ts'
import type { DatabaseKind, SoakOptions, StorageKind } from './options.ts'
import { createRandom } from './random.ts'
import { createTimeline } from './timeline.ts'
import type { World } from './world.ts'

const MINUTE_MS = 60_000
/** How long whoever is in the middle of something may take to come to an end. */
const END_WITHIN_MS = 180_000

export interface CampaignResult extends ReturnType<Findings['summary']> {
  database: DatabaseKind
  storage: StorageKind
  servers: number
  seconds: number
  planned: number
  struck: readonly Struck[]
  skipped: Site['skipped']
  growth: readonly Growth[]
  /** What servers logged as errors, and how often. */
  logged: Record<string, number>
  isBroken: boolean
}

export interface Progress {
  database: DatabaseKind
  seconds: number
  struck: number
  planned: number
  checks: number
  releases: number
  breaches: readonly Breach[]
}

/** One site with everybody on it, for so long, and what came of it. Everything that it starts ends with it. */
export async function runCampaign(
  database: DatabaseKind,
  options: SoakOptions,
  onProgress: (progress: Progress) => void = () => undefined,
  interrupted: AbortSignal = new AbortController().signal,
): Promise<CampaignResult> {
  const seed = `${options.seed}/${database}`
  const site = await openSite({
    database,
    storage: options.storage,
    faults: options.faults,
    workers: options.workers,
    logs: options.logs,
  })
  try {
    return await runOn(site, seed, options, onProgress, interrupted)
  } finally {
    await site.close()
  }
}

async function runOn(
  site: Site,
  seed: string,
  options: SoakOptions,
  onProgress: (progress: Progress) => void,
  interrupted: AbortSignal,
): Promise<CampaignResult> {
  const ending = new AbortController()
  interrupted.addEventListener('abort', () => ending.abort())
  const world = await makeWorld(site, seed, ending.signal)
  const { findings, timeline, ledger } = world
  const wholeness = createWholeness({ servers: site.servers, timeline, findings })
  const checkpoint = createCheckpoint(world, wholeness)
  const striker = createStriker(world, checkpoint)
  const population = createPopulation(options.devices, options.seed)
  const fleet = createFleet(world, { population, wholeness, checksPerSecond: options.checksPerSecond })
  const durationMs = options.minutes * MINUTE_MS
  const { kills, others } = options
  const plan = makePlan({ seed, durationMs, kills, others, kinds: site.faults, servers: site.servers.length })

  const startedAt = timeline.now()
  const tell = () =>
    onProgress({
      database: site.database,
      seconds: (timeline.now() - startedAt) / 1_000,
      struck: striker.struck.length,
      planned: plan.length,
      checks: findings.countOf('checks answered'),
      releases: ledger.releases.length,
      breaches: findings.breaches,
    })
  const telling = setInterval(tell, 1_000)
  const growing = watchGrowth(world)
  const actors = [
    ...(['android', 'ios'] as const).map((platform) => runPublisher(world, platform)),
    runUploader(world),
    runToolUser(world),
    fleet.run(),
    watchLives(world),
    ...(site.servers.length > 1 ? [watchAgreement(world, fleet)] : []),
  ].map((actor) => actor.catch((error: unknown) => refuseIn(findings, error)))
  try {
    const lasting = wait(durationMs, undefined, { signal: ending.signal }).catch(() => undefined)
    await striker.run(plan, durationMs, tell).catch((error: unknown) => refuseIn(findings, error))
    await lasting
  } finally {
    ending.abort()
    clearInterval(telling)
  }
  await Promise.race([Promise.all(actors), tooLate()])
  const growth = await growing
  await wholeness.whenIdle()
  await restartAll(world)
  await checkpoint.look({ isLast: true })
  await lookForLeftovers(world)
  await stopAll(world)
  for (const server of site.servers) findings.count('starts that found the port still taken', server.repeatedStarts())
  return {
    ...findings.summary(),
    database: site.database,
    storage: site.storage,
    servers: site.servers.length,
    seconds: Math.round((timeline.now() - startedAt) / 1_000),
    planned: plan.length,
    struck: striker.struck,
    skipped: site.skipped,
    growth,
    logged: loggedBy(site),
    isBroken: findings.isBroken(),
  }
}

async function makeWorld(site: Site, seed: string, end: AbortSignal): Promise<World> {
  const timeline = createTimeline()
  const findings = createFindings()
  const random = createRandom(seed)
  const asking = createAsking({ servers: site.servers, timeline, findings, random: random.of('asking') })
  // Nobody here lives long enough to be known for half an hour, and all have one address.
  const trust = { observedMinutes: 0, networkPercent: 100 }
  const own = { deviceIds: 'as-given', trust } as const
  const app = await asking.insist((api) =>
    api.createApp({ slug: 'fleet', platforms: ['android', 'ios', 'web'], ...own }),
  )
  const toolApp = await asking.insist((api) => api.createApp({ slug: 'tool', platforms: ['android'] }))
  const [ledger, activity, key] = [createLedger(), createActivity(), newSigningKey()]
  return { site, ledger, timeline, findings, activity, asking, random, app, toolApp, key, end }
}

/** A server that says no to what is well meant, or an actor that has a mistake: neither is passed over. */
function refuseIn(findings: Findings, error: unknown): void {
  const about = error instanceof ApiProblem ? ` ${JSON.stringify(error.document)}` : ''
  findings.expectThat('no-internal-error', false, () => `${describeError(error)}${about} ${stackOf(error)}`)
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? '').split('\n').slice(1, 6).join(' ') : ''
}

async function tooLate(): Promise<void> {
  await wait(END_WITHIN_MS, undefined, { ref: false })
  throw new Error(`Not all actors of the campaign ended within ${END_WITHIN_MS} ms.`)
}

async function stopAll({ site, findings }: World): Promise<void> {
  for (const server of site.servers) {
    const code = await server.stop()
    findings.expectThat('ends-well', code === 0, () => `Server ${server.index} ended with ${code} after SIGTERM.`)
  }
}

/** A start removes what was left by those that were killed. */
async function restartAll(world: World): Promise<void> {
  await stopAll(world)
  for (const server of world.site.servers) await server.start()
}

function loggedBy(site: Site): Record<string, number> {
  const all: Record<string, number> = {}
  for (const server of site.servers) {
    for (const [message, count] of server.errors()) all[message] = (all[message] ?? 0) + count
  }
  return all
}
