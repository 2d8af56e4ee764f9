import { rm } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { styleText } from 'node:util'
import { createManagementClient, type App, type PublishedRelease } from '@hotpatch/api'
import { createFleet, EMBEDDED, type DeviceState, type Fleet } from '@hotpatch/simulator'
import { nodeFleetPorts, realTimePace } from '@hotpatch/simulator/node'
import { makeTemporaryDirectory } from '../packages/testkit/src/make-temporary-directory.ts'
import { startServerProcess } from '../packages/testkit/src/server-process.ts'
import { narrate } from './narrator.ts'
import { createPublisher } from './publisher.ts'
import { chart, tell } from './story.ts'

const PHONES = 100
const LIFE_MS = 48_000
/** How long an owner leaves the app closed: about 1 to 4 seconds stand for a day. */
const CHECK_INTERVAL_MS = 2_500
const CHART_EVERY_MS = 4_000
const BAD_VERSION = '1.2.0'
/** A step of a plan stays at least this long, and until so many phones have tried it. */
const bake = (percentage: number, seconds: number, minimumSample: number) => ({
  percentage,
  bakeMinutes: seconds / 60,
  minimumSample,
})

const directory = await makeTemporaryDirectory()
const server = await startServerProcess({
  directory,
  env: { HOTPATCH_LOG_LEVEL: 'error', HOTPATCH_AUTOMATION_SECONDS: '0.5' },
})
const end = new AbortController()
let isInterrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    isInterrupted = true
    end.abort()
  })
}
const startedAt = Date.now()
const say = (text: string) => tell(startedAt, text)
const api = createManagementClient({ url: server.url, token: server.ownerToken })
let isStopped = false

try {
  await live()
} finally {
  end.abort()
  await server.stop()
  await rm(directory, { recursive: true, force: true })
}

async function live(): Promise<void> {
  say(
    `A minute of ${PHONES} simulated phones, with the real engine, and a real server. Lean back: nothing is to be done.`,
  )
  say(`The server runs at ${server.url}, on an empty folder.`)
  const app = await api.createApp({ slug: 'demo', name: 'Demo', platforms: ['android'] })
  const publisher = createPublisher(api, app)
  const fleet = createPhones(app, publisher.publicKey)
  say(`The app "demo" is made. ${PHONES} people have it from the store, and open it every few seconds.`)
  const onTrip = () => {
    isStopped = true
  }
  const lives = [
    fleet.run({ durationMs: LIFE_MS, pace: realTimePace(1, end.signal), signal: end.signal }),
    narrate(api, { app: app.slug, signal: end.signal, say, onTrip }),
    report(fleet),
  ]
  const story = tellStory(publisher)
  await Promise.race([story.then(() => until(LIFE_MS)), ...lives])
  const bad = await story
  end.abort()
  await Promise.all(lives)
  if (bad && !isInterrupted) await sumUp(fleet, bad)
}

/** What people do, unless somebody stops the demo. After the last line nobody touches anything. */
async function tellStory({ publish }: ReturnType<typeof createPublisher>): Promise<PublishedRelease | undefined> {
  await publish('1.0.0', {})
  say('Its publisher sends out 1.0.0, signed, to everyone.')
  await until(10_000)
  if (isInterrupted) return undefined

  const good = await publish('1.1.0', { plan: { steps: [bake(10, 3, 3), bake(50, 3, 15), bake(100, 3, 0)] } })
  say('1.1.0 follows by a plan: 10 % of the phones, then 50 %, then all, each step as long as its guard sees no harm.')
  await until(26_000)
  if (isInterrupted) return undefined

  const guard = { action: 'roll-back' as const, minimumSample: 10, maxBadPercent: 5 }
  const plan = { steps: [bake(30, 60, 20), bake(100, 60, 0)] }
  const bad = await publish(BAD_VERSION, { plan, guard }, await api.getRelease(good.releaseId))
  say(styleText('red', `1.2.0 follows, to 30 % at first. It crashes before its first screen, which nobody knows yet.`))
  say('Its publisher set the guard to "roll back", signed a way back to 1.1.0 in advance, and goes home.')
  return bad
}

function createPhones(app: App, publicKey: string): Fleet {
  return createFleet({
    ...nodeFleetPorts(),
    devices: PHONES,
    seed: 'demo',
    app,
    serverUrl: server.url,
    channel: 'production',
    platforms: ['android'],
    publicKeys: [publicKey],
    startAt: Date.now(),
    profile: {
      checkIntervalMs: CHECK_INTERVAL_MS,
      jitter: 0.6,
      confirmMs: [50, 200],
      reopenMs: [500, 1_500],
      crashRate: (version) => (version === BAD_VERSION ? 1 : 0),
    },
  })
}

/** Every few seconds: who runs what. */
async function report(fleet: Fleet): Promise<void> {
  while (!end.signal.aborted) {
    await pause(CHART_EVERY_MS)
    if (!end.signal.aborted) say(`      ${chart(fleet.figures().versions, PHONES)}`)
  }
}

async function sumUp(fleet: Fleet, bad: PublishedRelease): Promise<void> {
  say(`      ${chart(fleet.figures().versions, PHONES)}`)
  const affected = phonesOf(fleet).filter((phone) => phone.crashes > 0)
  const crashes = affected.reduce((sum, phone) => sum + phone.crashes, 0)
  const recovered = affected.filter((phone) => phone.version !== BAD_VERSION && phone.version !== EMBEDDED)
  say(`${affected.length} phones met ${BAD_VERSION}; it crashed ${crashes} times, at most twice on each.`)
  say(`${recovered.length} of them run something good again; the other ${PHONES - affected.length} never noticed.`)
  await showFigures()
  const [first] = affected
  if (first) await showWhy(first, bad)
  if (!isStopped) throw new Error(`The guard did not stop ${BAD_VERSION}.`)
}

/** As "hotpatch stats health" has them, one rollout after the other: a release that is placed again is tried again. */
async function showFigures(): Promise<void> {
  const { releases } = await api.getReleaseHealth('demo')
  const rollouts = releases.flatMap((release) => release.rollouts)
  const seen = new Set<string | null>()
  say('What the server counted, by rollout:')
  for (const { version, attempted, succeeded, bad } of rollouts.toSorted((a, b) =>
    a.rolloutId < b.rolloutId ? -1 : 1,
  )) {
    const name = `${version ?? EMBEDDED}${seen.has(version) ? ' again' : ''}`.padEnd('1.1.0 again'.length)
    const figures = `${attempted} phones tried it: well on ${succeeded.devices}, badly on ${bad.devices}`
    say(`      ${name}  ${figures}`)
    seen.add(version)
  }
}

/** As "hotpatch why" tells it. */
async function showWhy({ id }: DeviceState, bad: PublishedRelease): Promise<void> {
  const { rollouts } = await api.explain('demo', id)
  const verdicts = rollouts.find((rollout) => rollout.releaseId === bad.releaseId)?.verdicts ?? []
  const reasons = verdicts.filter((verdict) => !verdict.passed).map((verdict) => verdict.explanation)
  say(`Why ${id} does not get ${BAD_VERSION} again (hotpatch why): ${reasons.join(' ')}`)
}

function phonesOf(fleet: Fleet): DeviceState[] {
  return Array.from({ length: PHONES }, (_, index) => fleet.device(index))
}

function until(milliseconds: number): Promise<void> {
  return pause(startedAt + milliseconds - Date.now())
}

/** Ends early when the demo does. */
async function pause(milliseconds: number): Promise<void> {
  if (milliseconds > 0) await wait(milliseconds, undefined, { signal: end.signal }).catch(() => undefined)
}
