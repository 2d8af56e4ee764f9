import { SDK_CODES, type SdkCode } from '@hotpatch/protocol'
import type {
  NativeConfiguration,
  NativeEvent,
  NativeFailure,
  NativeOutcome,
  NativeStatus,
  ReleaseName,
  UpdateState,
} from '../native/messages.ts'
import type { NativeHotPatch } from '../native/native-module.ts'

export interface ScriptedRelease {
  releaseId: string
  version: string
  mandatory?: boolean
  /** Absent: 1,000,000. */
  sizeBytes?: number
  notes?: string
}

/** A device without a network, a disk and an engine, whose server and whose fate a test decides. */
export interface ScriptedDevice {
  /** What the app speaks to. */
  native: NativeHotPatch
  /** From the next check on; null: nothing is. */
  offer(release: ScriptedRelease | null): void
  /** From the next check on the server orders the way back to embedded. */
  orderEmbedded(reason?: string): void
  /** The next check or download fails once. */
  failNext(code: SdkCode, message?: string): void
  /** A start of the app, as after its end, or as restart() does. What was staged takes its place. */
  start(): ReleaseName
  /** Who listened, and what was configured, is gone. */
  endProcess(): void
  /** What was said to it, the latest last. */
  configuration: NativeConfiguration | null
  restarts: number
  /** What would have been reported, such as "confirmed 1.1.0". */
  reports: readonly string[]
}

interface Active extends ReleaseName {
  standing: 'probation' | 'confirmed'
  /** On probation all of them, of a confirmed release the bad ones in a row and the last one. */
  starts: number
  hasCrashed: boolean
  isReady: boolean
}

const NOTHING_NOTED = { starts: 0, hasCrashed: false, isReady: false }

const STARTS_ON_PROBATION = 2
const BAD_STARTS_IN_A_ROW = 3
const PIECES = 4

/** How the engine behaves towards an app, as docs/protocol/03-device-engine.md has it; a test holds it against the real one. */
export function createScriptedDevice({ nativeVersion = '1.0.0' }: { nativeVersion?: string } = {}): ScriptedDevice {
  const embedded: ReleaseName = { releaseId: null, version: nativeVersion }
  const listeners = new Set<(event: NativeEvent) => void>()
  const reports: string[] = []
  const failed = new Set<string>()
  let served: ScriptedRelease | { embedded: string } | null = null
  let found: ScriptedRelease | { embedded: string } | null = null
  let failure: NativeFailure | null = null
  let active: Active | null = null
  let running: Active | null = null
  let previous: ReleaseName | null = null
  let staged: (ReleaseName & { mandatory: boolean }) | null = null
  let channel: string | null = null
  let tellsReady = false

  const emit = (event: NativeEvent) => listeners.forEach((listener) => listener(event))
  const advance = (state: UpdateState, releaseId: string | null) => emit({ type: 'state', state, releaseId })
  const nameOf = ({ releaseId, version }: ReleaseName): ReleaseName => ({ releaseId, version })

  function start(): ReleaseName {
    if (active && isUsedUp(active)) giveUp(active)
    if (staged) moveStaged(staged)
    if (active) active = { ...active, starts: startsWithThis(active), hasCrashed: false, isReady: false }
    running = active
    found = null
    return nameOf(running ?? embedded)
  }

  const endedBadly = ({ hasCrashed, isReady }: Active) => hasCrashed || (tellsReady && !isReady)

  function isUsedUp(active: Active): boolean {
    if (active.standing === 'probation') return active.hasCrashed || active.starts >= STARTS_ON_PROBATION
    return active.starts >= BAD_STARTS_IN_A_ROW && endedBadly(active)
  }

  function startsWithThis(active: Active): number {
    return active.standing === 'probation' || endedBadly(active) ? active.starts + 1 : 1
  }

  function giveUp(bad: Active): void {
    if (bad.releaseId) failed.add(bad.releaseId)
    reports.push(`rolled-back ${bad.version}`)
    active = previous && { ...previous, standing: 'confirmed', ...NOTHING_NOTED }
    previous = null
  }

  function moveStaged({ releaseId, version }: ReleaseName): void {
    const isProven = releaseId !== null && previous?.releaseId === releaseId
    if (isProven) previous = null
    else if (releaseId && active?.standing === 'confirmed') previous = nameOf(active)
    active = releaseId ? { releaseId, version, standing: isProven ? 'confirmed' : 'probation', ...NOTHING_NOTED } : null
    staged = null
    reports.push(`applied ${releaseId ? version : 'embedded'}`)
  }

  function fail(releaseId: string | null): NativeOutcome | null {
    if (!failure) return null
    const failing = failure
    failure = null
    advance('idle', releaseId)
    emit({ type: 'failed', releaseId, ...failing })
    return { kind: 'failed', releaseId, ...failing }
  }

  async function check(): Promise<NativeOutcome> {
    advance('checking', null)
    found = null
    const gone = fail(null)
    if (gone) return gone
    if (served && 'embedded' in served && running) return offerEmbedded(served)
    if (!served || 'embedded' in served || isKnown(served)) return nothingOffered()
    found = served
    const { releaseId, version, mandatory = false, notes = null } = served
    advance('offered', releaseId)
    return { kind: 'available', releaseId, version, mandatory, sizeBytes: sizeOf(served), expectedBytes: null, notes }
  }

  const isKnown = ({ releaseId }: ScriptedRelease) => failed.has(releaseId) || running?.releaseId === releaseId

  function offerEmbedded(order: { embedded: string }): NativeOutcome {
    found = order
    advance('offered', null)
    return { kind: 'available-embedded', mandatory: false, reason: order.embedded }
  }

  function nothingOffered(): NativeOutcome {
    staged = null
    advance('idle', null)
    return { kind: 'up-to-date', reason: served ? 'runs-the-target' : 'no-rollout', nativeUpdate: null }
  }

  async function download(): Promise<NativeOutcome> {
    const checked = found ? null : await check()
    if (!found) return checked ?? nothingOffered()
    if ('embedded' in found) return stage(embedded, false)
    return staged?.releaseId === found.releaseId ? stage(found, found.mandatory) : fetchAndStage(found)
  }

  function fetchAndStage(release: ScriptedRelease): NativeOutcome {
    const { releaseId, mandatory } = release
    const sizeBytes = sizeOf(release)
    advance('downloading', releaseId)
    for (let piece = 1; piece <= PIECES; piece += 1) {
      // Half of it has come when it breaks off.
      const gone = piece > PIECES / 2 ? fail(releaseId) : null
      if (gone) return gone
      emit({ type: 'progress', receivedBytes: Math.round((sizeBytes * piece) / PIECES), sizeBytes, releaseId })
    }
    advance('verifying', releaseId)
    emit({ type: 'downloaded', arrival: 'whole', receivedBytes: sizeBytes, sizeBytes, releaseId })
    reports.push(`downloaded ${release.version}`)
    return stage(release, mandatory)
  }

  function stage({ releaseId, version }: ReleaseName, mandatory = false): NativeOutcome {
    staged = { releaseId, version, mandatory }
    found = null
    advance('staged', releaseId)
    return { kind: 'staged', releaseId, version, mandatory }
  }

  async function sync(): Promise<NativeOutcome> {
    const checked = await check()
    if (checked.kind !== 'available' && checked.kind !== 'available-embedded') return checked
    const outcome = await download()
    if (outcome.kind === 'staged' && outcome.mandatory && device.configuration?.restartsWhenMandatory !== false) {
      await restart()
    }
    return outcome
  }

  async function restart(): Promise<boolean> {
    device.restarts += 1
    start()
    return true
  }

  async function confirm(): Promise<boolean> {
    if (running?.standing !== 'probation') tellsReady = true
    if (!active || !running) return true
    if (active.standing === 'confirmed') {
      active = { ...active, isReady: true }
      return true
    }
    reports.push(`confirmed ${active.version}`)
    active = { ...active, standing: 'confirmed', ...NOTHING_NOTED }
    return true
  }

  /** As if it had been started so often, at least. */
  function noteCrash(leastStarts: number): boolean {
    if (!active) return false
    active = { ...active, starts: Math.max(active.starts, leastStarts), hasCrashed: true }
    return true
  }

  const crashed = () => noteCrash(1)
  const rollBack = async () => noteCrash(BAD_STARTS_IN_A_ROW)

  function status(): NativeStatus {
    return {
      running: nameOf(running ?? embedded),
      standing: active?.standing ?? null,
      staged: staged && nameOf(staged),
      previous,
      highWater: 0,
      floor: 0,
      failedReleaseIds: [...failed],
      channel: channel ?? device.configuration?.channel ?? 'production',
      deviceId: device.configuration?.deviceId ?? 'scripted-device',
      nativeVersion,
      nativeBuild: null,
      runtimeVersion: null,
      isConfigured: device.configuration !== null,
      problem: null,
    }
  }

  const device: ScriptedDevice = {
    native: {
      status,
      configure: async (configuration) => {
        device.configuration = configuration
        return status()
      },
      check,
      download,
      sync,
      confirm,
      crashed,
      rollBack,
      restart,
      setChannel: async (chosen) => {
        channel = chosen
        return status()
      },
      flushReports: async () => undefined,
      listen: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    offer: (release) => {
      served = release
    },
    orderEmbedded: (reason = 'rolled-back') => {
      served = { embedded: reason }
    },
    failNext: (code, message = `the test asked for ${code}`) => {
      failure = { code, message, isRetryable: SDK_CODES[code].isRetryable, status: null, retryAfterMs: null }
    },
    start,
    endProcess: () => {
      listeners.clear()
      device.configuration = null
    },
    configuration: null,
    restarts: 0,
    reports,
  }
  return device
}

const sizeOf = ({ sizeBytes = 1_000_000 }: ScriptedRelease) => sizeBytes
