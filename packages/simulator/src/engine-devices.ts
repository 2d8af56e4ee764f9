import { assetUpdatesContract } from '@hotpatch/asset-updates'
import {
  archiveInstaller,
  createEngine,
  createEngineFor,
  filesInstaller,
  reactNativeContract,
  type ClockPort,
  type CryptoPort,
  type Engine,
  type EngineConfig,
  type EngineParts,
  type FilesPort,
  type Launch,
  type Ports,
} from '@hotpatch/client'
import type { ContentPool } from './content-pool.ts'
import { createDeviceFiles } from './device-files.ts'
import {
  beginSession,
  nextSession,
  type DeviceContext,
  type Devices,
  type DeviceState,
  type SessionEnd,
} from './devices.ts'
import type { UpdateKind } from './fleet-options.ts'
import type { Connection } from './network.ts'
import { crashes, traitsOf } from './profile.ts'
import { createRandom, hash, type Random } from './random.ts'

/** All that is kept of a device between two sessions. */
interface EngineDevice {
  files: FilesPort | undefined
  sessions: number
  version: string
  releaseId: string | null
  native: number
  crashes: number
  isGone: boolean
}

const RESTART_MS = 2_000

const PARTS: Record<UpdateKind, EngineParts> = {
  archive: { contract: reactNativeContract, installers: [archiveInstaller] },
  files: { contract: assetUpdatesContract, installers: [filesInstaller] },
}

/** Devices that run the real engine, each on a folder in memory. */
export function createEngineDevices(context: DeviceContext, crypto: CryptoPort, pool: ContentPool): Devices {
  const { options, profile, tally, network } = context
  const { seed } = options
  const devices: EngineDevice[] = Array.from({ length: options.devices }, () => ({
    files: undefined,
    sessions: 0,
    version: context.embedded,
    releaseId: null,
    native: 0,
    crashes: 0,
    isGone: false,
  }))

  /** The app is opened once. Resolves with when it is opened again. */
  async function open(index: number, at: number): Promise<SessionEnd> {
    const device = devices[index]
    if (!device || device.isGone) return null
    device.sessions += 1
    // A generator for each session: nothing that happens in one changes what happens in another.
    const random = createRandom(hash(seed, 'session', index, device.sessions))
    const session = { index, random, time: at, ...beginSession(context, random) }
    if (session.isLast) {
      device.isGone = true
      device.files = undefined
      tally.move(device.version, null)
      return null
    }
    if (random.chance(profile.nativeUpdateRate) && device.native + 1 < profile.nativeVersions.length) {
      device.native += 1
      tally.counts.nativeUpdates += 1
    }
    return live(device, session)
  }

  async function live(device: EngineDevice, session: Session): Promise<SessionEnd> {
    const { random } = session
    let restarts = false
    const clock = clockOf(session)
    const engine = engineOf(device, session, clock, () => {
      restarts = true
    })
    noteLaunch(device, await engine.start(), engine)
    if (
      device.releaseId !== null &&
      crashes(device.version, { profile, seed, index: session.index, start: device.sessions })
    ) {
      device.crashes += 1
      tally.counts.crashes += 1
      if (random.chance(profile.noticedCrashRate)) await engine.crashed()
      return session.time + random.between(...profile.reopenMs)
    }
    await pause(clock, random.between(...profile.confirmMs))
    const isNew = engine.status().standing === 'probation'
    await engine.confirm()
    if (isNew) tally.counts.confirmed += 1
    const patienceMs = await update(engine)
    return restarts ? session.time + RESTART_MS : nextSession(context, random, session.time, patienceMs)
  }

  /** How long the server wants to be left alone. */
  async function update(engine: Engine): Promise<number> {
    const outcome = await engine.sync()
    tally.counts.checks += 1
    switch (outcome.kind) {
      case 'staged':
        tally.counts.staged += 1
        tally.answered(outcome.releaseId === null ? 'embedded' : 'release')
        return 0
      case 'failed':
        tally.failed(outcome.code)
        tally.answered('failed')
        return outcome.error.retryAfterMs ?? 0
      default:
        tally.answered('nothing')
        return 0
    }
  }

  function noteLaunch(device: EngineDevice, launched: Launch, engine: Engine): void {
    const [version, releaseId] =
      launched.kind === 'release' ? [launched.version, launched.releaseId] : [context.embedded, null]
    if (releaseId !== device.releaseId) {
      const hasFailed = device.releaseId !== null && engine.status().failedReleaseIds.includes(device.releaseId)
      if (hasFailed) tally.counts.rolledBack += 1
      tally.counts.applied += 1
    }
    tally.move(device.version, version)
    device.version = version
    device.releaseId = releaseId
  }

  function engineOf(device: EngineDevice, session: Session, clock: ClockPort, restart: () => void): Engine {
    const { index, random } = session
    const traits = traitsOf(index, { seed, platforms: options.platforms, profile })
    device.files ??= createDeviceFiles(pool)
    const ids = createRandom(hash(seed, 'ids', index, device.sessions, options.startAt, options.startAt / 2 ** 32))
    const connection: Connection = {
      index,
      random,
      isOffline: session.isOffline,
      breaksAfter: random.chance(profile.brokenDownloadRate) ? random.next() : undefined,
      pass: (ms) => {
        session.time += ms
      },
    }
    const { platform, model, osVersion, locale } = traits
    const engine = createFor(
      {
        files: device.files,
        http: network.connect(connection),
        crypto: { ...crypto, randomUuid: ids.uuid },
        ...(options.unpackBrotli && { unpackBrotli: options.unpackBrotli }),
        clock: { ...clock, now: () => Math.trunc(session.time + traits.skewMs) },
        host: {
          nativeVersion: profile.nativeVersions[device.native] ?? '1.0.0',
          platform,
          model,
          osVersion,
          locale,
          restart,
        },
      },
      {
        serverUrl: options.serverUrl,
        appKey: options.app.appKey,
        appId: options.app.id,
        deviceId: traits.id,
        channel: options.channel,
        publicKeys: options.publicKeys,
        allowInsecure: true,
      },
    )
    engine.subscribe((event) => tally.noteDownload(event))
    return engine
  }

  function createFor(ports: Ports, config: EngineConfig): Engine {
    if (options.patches) return createEngine(ports, config)
    return createEngineFor(ports, config, PARTS[options.kind ?? 'archive'])
  }

  /** Of this device: it stands still while nothing happens to it. */
  function clockOf(session: Session): ClockPort {
    return {
      now: () => session.time,
      elapsed: () => session.time,
      random: () => session.random.next(),
      after: (ms, run) =>
        context.schedule(session.time + ms, (at) => {
          session.time = Math.max(session.time, at)
          run()
        }),
    }
  }

  function stateOf(index: number): DeviceState | undefined {
    const device = devices[index]
    if (!device) return undefined
    const { id } = traitsOf(index, { seed, platforms: options.platforms, profile })
    const { version, releaseId, sessions, isGone } = device
    const nativeVersion = profile.nativeVersions[device.native] ?? '1.0.0'
    return { id, version, releaseId, nativeVersion, sessions, crashes: device.crashes, isGone }
  }

  return { open, stateOf }
}

interface Session {
  index: number
  random: Random
  /** Of this device, apart from the fleet's: an exchange or a download takes its time. */
  time: number
  isOffline: boolean
}

function pause(clock: ClockPort, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve)
  })
}
