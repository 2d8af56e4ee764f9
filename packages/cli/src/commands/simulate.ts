import type { App } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { createFleet, deviceId, type FleetFigures, type UpdateKind } from '@hotpatch/simulator'
import { nodeFleetPorts, patientHttp, realTimePace } from '@hotpatch/simulator/node'
import { Option, type Command } from 'commander'
import { readChannel, readNativeVersion, readPlatform } from '../arguments/readers.ts'
import { serverCommand, withApp } from '../arguments/shared-options.ts'
import {
  readConcurrency,
  readDeviceCount,
  readSeed,
  readShare,
  readSimulatedMinutes,
  readSpeed,
  readVersionRate,
  type VersionRate,
} from '../arguments/simulation-readers.ts'
import type { CliContext } from '../process/context.ts'
import { UsageError } from '../errors/errors.ts'
import type { Output } from '../output/output.ts'
import { formatBytes, formatCount } from '../output/text.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import { chartOf, createFleetProgress } from '../simulation/fleet-progress.ts'
import { simulateStories, withStories, type StoryFlags } from '../simulation/stories.ts'
import { simulateStrangers, withStrangers, type StrangerFlags } from '../simulation/strangers.ts'
import { isPrivateServer } from '../simulation/private-address.ts'
import { STORY_CHANNEL } from '../simulation/story-stage.ts'

interface SimulateOptions extends SessionOptions, StrangerFlags, StoryFlags {
  devices: number
  minutes: number
  checkInterval: number
  seed: string
  crashRate?: VersionRate[]
  crashPerStart?: boolean
  offlineRate: number
  brokenDownloads: number
  uninstallRate: number
  speed?: number
  channel: string
  platform?: Platform
  nativeVersion: string
  concurrency: number
  kind: UpdateKind
  patches?: boolean
  checksOnly?: boolean
  yesReallyThisServer?: boolean
}

const MINUTE_MS = 60_000
/** Each takes some kilobytes; beyond it, they need more than a machine may have. */
const MAX_ENGINES = 100_000

export function addSimulateCommand(program: Command, context: CliContext) {
  serverCommand(
    program,
    'simulate',
    'lets a fleet of simulated devices live with a server, to try things out',
    withApp,
    withStrangers,
    withStories,
  )
    .option('--devices <count>', 'how many', readDeviceCount, 100)
    .option('--minutes <minutes>', 'how long, in their time', readSimulatedMinutes, 1440)
    .option('--check-interval <minutes>', 'between two openings of the app', readSimulatedMinutes, 360)
    .option('--seed <text>', 'the same seed gives the same fleet', readSeed, '1')
    .option('--crash-rate <version=share>', 'devices on which a version crashes, such as 1.2.0=30%', readVersionRate)
    .option('--crash-per-start', 'crashes come at any start, not on the same devices each time')
    .option('--offline-rate <share>', 'openings without a network, such as 10%', readShare, 0)
    .option('--broken-downloads <share>', 'downloads that break off', readShare, 0)
    .option('--uninstall-rate <share>', 'openings that were the last', readShare, 0)
    .option('--speed <factor>', 'times real time; as fast as possible when absent', readSpeed)
    .option('--channel <channel>', 'which channel they are on', readChannel, 'production')
    .option('--platform <platform>', 'all of one platform; of all that the app has when absent', readPlatform)
    .option('--native-version <version>', 'what they have from the store', readNativeVersion, '1.0.0')
    .option('--concurrency <count>', 'requests at once', readConcurrency, 64)
    .addOption(
      new Option('--kind <kind>', 'what their updates are: one archive, or files that are fetched one by one')
        .choices(['archive', 'files'])
        .default('archive'),
    )
    .option('--patches', 'devices take patches, where the server has made some: see patches list')
    .option('--checks-only', 'devices that only ask and believe, without an engine: for very many')
    .option('--yes-really-this-server', 'also on a server that is neither on this machine nor on a private network')
    .action((options: SimulateOptions) => simulate(context, options))
}

async function simulate(context: CliContext, options: SimulateOptions) {
  if (options.devices > MAX_ENGINES && !options.checksOnly) {
    throw new UsageError(`More than ${MAX_ENGINES} devices are possible with --checks-only.`)
  }
  if (options.kind === 'files' && (options.checksOnly || options.story !== undefined)) {
    throw new UsageError('Files need devices with an engine, and stories are told of archives: leave out --kind files.')
  }
  if (options.patches && (options.checksOnly || options.kind === 'files')) {
    throw new UsageError('Only devices with an engine take patches, and only of archives: leave out --patches.')
  }
  const session = await openSession(context, options)
  requireOwnServer(session, options)
  if (options.story !== undefined) {
    if (options.checksOnly) throw new UsageError('A story needs the engines of the phones: leave out --checks-only.')
    const at = { ...options, channel: STORY_CHANNEL }
    const startAt = context.now().getTime()
    return simulateStories(context, session, options, (own) => fleetOptions(context, session, own, at, startAt))
  }
  const app = await session.chooseApp()
  const { output } = session
  if (options.strangers !== undefined) return simulateStrangers(context, session, app, options)
  const [first, last] = [deviceId(options.seed, 0), deviceId(options.seed, options.devices - 1)]
  const hashed = app.deviceIds === 'hashed' ? ', under hashes of these ids' : ''
  output.notice(
    `${formatCount(options.devices, 'simulated device')} (${first} to ${last}) ask ${session.url} for ${app.slug}. ` +
      `They appear in its fleet, its figures and its rollouts like any other device${hashed}.`,
  )
  if (options.minutes < options.checkInterval) {
    output.notice(
      `They open the app every ${options.checkInterval} minutes of theirs, so in ${options.minutes} most never do: ` +
        'give more --minutes, or a shorter --check-interval.',
    )
  }
  const startedAt = context.now().getTime()
  const fleet = createFleet(await fleetOptions(context, session, app, options, startedAt))
  const progress = createFleetProgress(context, options.minutes)
  const { speed } = options
  await fleet
    .run({
      durationMs: options.minutes * MINUTE_MS,
      signal: context.signal,
      ...(speed !== undefined && { pace: realTimePace(speed, context.signal) }),
      onProgress: (now) => progress.advanceTo((now - startedAt) / MINUTE_MS, fleet.figures),
    })
    .finally(progress.stop)
  if (context.signal.aborted) output.notice('Interrupted: the figures are of what was until then.')
  const simulatedMinutes = Math.round((fleet.now() - startedAt) / MINUTE_MS)
  const seconds = (context.now().getTime() - startedAt) / 1000
  const result = { app: app.slug, seed: options.seed, simulatedMinutes, seconds, ...fleet.figures() }
  output.result(result, () => show(output, result))
}

/** Simulated devices are no harm, but nobody wants them among real ones by accident. */
function requireOwnServer({ url }: Session, { yesReallyThisServer = false }: SimulateOptions): void {
  if (yesReallyThisServer || isPrivateServer(url)) return
  throw new UsageError(
    `${url} is neither on this machine nor on a private network. A simulation adds made-up devices to its fleet, and ` +
      'its rollouts count them as real. If that is what you want, give --yes-really-this-server.',
  )
}

async function fleetOptions(
  context: CliContext,
  { api, url, output }: Session,
  app: App,
  options: SimulateOptions,
  startAt: number,
) {
  const { devices, seed, channel, platform, concurrency, kind, patches = false, checksOnly = false } = options
  const ports = nodeFleetPorts()
  const keys = (await api.listKeys(app.id)).items.filter(({ revokedAt }) => revokedAt === null)
  const rates = new Map((options.crashRate ?? []).map(({ version, rate }) => [version, rate]))
  let hasWaited = false
  const onWait = (seconds: number) => {
    if (!hasWaited) output.notice(`The server limits requests from this address; going on in ${seconds} s.`)
    hasWaited = true
  }
  return {
    ...ports,
    http: patientHttp(ports.http, { signal: context.signal, onWait }),
    devices,
    seed,
    app,
    serverUrl: url,
    channel,
    platforms: platform ? [platform] : app.platforms,
    publicKeys: keys.map(({ publicKey }) => publicKey),
    startAt,
    concurrency,
    kind,
    patches,
    checksOnly,
    profile: {
      checkIntervalMs: options.checkInterval * MINUTE_MS,
      offlineRate: options.offlineRate,
      brokenDownloadRate: options.brokenDownloads,
      uninstallRate: options.uninstallRate,
      crashRate: (version: string) => rates.get(version) ?? 0,
      crashes: options.crashPerStart ? ('per-start' as const) : ('per-device' as const),
      nativeVersions: [options.nativeVersion],
    },
  }
}

const ANSWERS: Readonly<Record<string, string>> = {
  release: 'with a release',
  embedded: 'with a way back',
  nothing: 'with nothing new',
  failed: 'not in a way that they could use',
}

function describeArrivals({ patch, packed, failedPatches }: FleetFigures['arrivals']) {
  if (patch + packed + failedPatches === 0) return {}
  return { patches: `${patch} of what they ran, ${packed} packed, ${failedPatches} that did not work` }
}

type Result = FleetFigures & { simulatedMinutes: number; seconds: number }

function show(output: Output, result: Result): void {
  const { versions, failures, answers, downloadedBytes, simulatedMinutes, seconds, ...counts } = result
  output.fields({
    devices: counts.devices,
    'simulated time': `${(simulatedMinutes / 60).toFixed(1)} h, in ${seconds.toFixed(1)} s`,
    'app opened': `${counts.sessions} times, ${counts.offlineSessions} of them without a network`,
    checks: counts.checks,
    answered: Object.fromEntries(Object.entries(answers).map(([kind, count]) => [ANSWERS[kind] ?? kind, count])),
    // The server sends each file once: devices have it from each other.
    downloads: `${counts.downloads}, ${formatBytes(downloadedBytes)}; the server sent each file once for all`,
    'of the releases': `${formatBytes(counts.receivedBytes)} of ${formatBytes(counts.fullBytes)}`,
    ...describeArrivals(counts.arrivals),
    confirmed: counts.confirmed,
    crashes: counts.crashes,
    'rolled back': counts.rolledBack,
    failures,
    uninstalled: counts.uninstalled,
    versions: chartOf({ versions, devices: counts.devices }),
  })
}
